// Convolution over planes of few channels. Contracts: kernels/plane_conv.h.

/// Registers that sums may take, as in the matrix products' micro-kernel.
template <class T>
constexpr int kSums = kTile<T>.rows * (kTile<T>.columns / Vec<T>::lanes);

/// Vectors of pixels a tile for O outputs.
template <class T, int O>
constexpr int kPlaneVectors = (kSums<T> + 2) / (O + 1) > 8   ? 8
                              : (kSums<T> + 2) / (O + 1) < 1 ? 1
                                                             : (kSums<T> + 2) / (O + 1);

template <class T, int O, int V>
void plane_tile(const PlaneConv<T>& call, std::int64_t first) {
  constexpr int lanes = Vec<T>::lanes;
  T* y = call.y + first;
  for (std::int64_t begin = 0; begin < call.inner || begin == 0; begin += call.block) {
    const std::int64_t left = call.inner - begin;
    const std::int64_t end = begin + (left < call.block ? left : call.block);
    Vec<T> sums[O][V];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sums[o][v] = zero<T>();
    }
    for (std::int64_t t = 0; t < call.taps; ++t) {
      const T* x = call.x + begin * call.x_plane + first + call.offsets[t];
      const T* weight = call.weight + (begin * call.taps + t) * O;
      for (std::int64_t i = begin; i < end; ++i) {
        Vec<T> values[V];
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) values[v] = load(x + v * lanes);
#pragma GCC unroll 8
        for (int o = 0; o < O; ++o) {
          const Vec<T> w = broadcast(weight[o]);
#pragma GCC unroll 8
          for (int v = 0; v < V; ++v) sums[o][v] = fma(values[v], w, sums[o][v]);
        }
        x += call.x_plane;
        weight += call.taps * O;
      }
    }
    const bool last = call.last && end >= call.inner;
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) {
      T* to = y + o * call.y_plane;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        if (call.accumulate || begin > 0) sums[o][v] = load(to + v * lanes) + sums[o][v];
        if (last && call.bias != nullptr) sums[o][v] = sums[o][v] + broadcast(call.bias[o]);
        if (last) sums[o][v] = activate(call.activation, sums[o][v]);
        store(to + v * lanes, sums[o][v]);
      }
    }
  }
}

/// Tiles of V vectors, then of half as many.
template <class T, int O, int V>
void plane_tiles(const PlaneConv<T>& call, std::int64_t first) {
  constexpr int lanes = Vec<T>::lanes;
  for (; first + (V - 1) * lanes < call.count; first += V * lanes) {
    plane_tile<T, O, V>(call, first);
  }
  if constexpr (V > 1) plane_tiles<T, O, V / 2>(call, first);
}

template <class T, int O>
void plane_conv_of(const PlaneConv<T>& call) {
  if constexpr (O > 1) {
    if (call.outputs < O) return plane_conv_of<T, O - 1>(call);
  }
  plane_tiles<T, O, kPlaneVectors<T, O>>(call, 0);
}

template <class T>
void plane_conv(const PlaneConv<T>& call) {
  plane_conv_of<T, kMostPlanes>(call);
}

constexpr int power_above(int value) { return value <= 1 ? 1 : 2 * power_above((value + 1) / 2); }

/// Neighbouring lanes from a and b: the lower (Half 0) or upper lanes of both.
template <class T, int Half, int... L>
STRIDENET_INLINE Vec<T> zip(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  constexpr int lanes = Vec<T>::lanes;
  return {__builtin_shufflevector(a.v, b.v, (L % 2 * lanes + Half * (lanes / 2) + L / 2)...)};
}
/// The even (Odd 0) or odd lanes of a, then b.
template <class T, int Odd, int... L>
STRIDENET_INLINE Vec<T> unzip(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  return {__builtin_shufflevector(a.v, b.v, (2 * L + Odd)...)};
}

/// N planes become pixels of N channels, N a power of two; Steps halves of N remain.
template <class T, int N, int Steps>
STRIDENET_INLINE void zip_planes(Vec<T> (&v)[N]) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  if constexpr (Steps > 1) {
    Vec<T> next[N];
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i) {
      next[2 * i] = zip<T, 0>(v[i], v[i + N / 2], Lanes{});
      next[2 * i + 1] = zip<T, 1>(v[i], v[i + N / 2], Lanes{});
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) v[i] = next[i];
    zip_planes<T, N, Steps / 2>(v);
  }
}
template <class T, int N, int Steps>
STRIDENET_INLINE void unzip_planes(Vec<T> (&v)[N]) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  if constexpr (Steps > 1) {
    Vec<T> next[N];
#pragma GCC unroll 8
    for (int i = 0; i < N / 2; ++i) {
      next[i] = unzip<T, 0>(v[2 * i], v[2 * i + 1], Lanes{});
      next[i + N / 2] = unzip<T, 1>(v[2 * i], v[2 * i + 1], Lanes{});
    }
#pragma GCC unroll 8
    for (int i = 0; i < N; ++i) v[i] = next[i];
    unzip_planes<T, N, Steps / 2>(v);
  }
}

/// Where vectors of pixels of N channels hold element e of pixels of O ≤ N.
template <int O, int N>
constexpr int padded_place(int e) {
  return e / O * N + e % O;
}

/// Vector J of pixels of O channels from vectors of pixels of N: its elements lie in three of them
/// at most.
template <class T, int O, int N, int J, int... L>
STRIDENET_INLINE Vec<T> drop_channels(const Vec<T> (&v)[N], std::integer_sequence<int, L...>) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int first = padded_place<O, N>(J * lanes) / lanes;
  constexpr int second = first + 1 < N ? first + 1 : N - 1;
  constexpr int third = first + 2 < N ? first + 2 : N - 1;
  const typename Raw<T>::type two =
      __builtin_shufflevector(v[first].v, v[second].v,
                              (padded_place<O, N>(J * lanes + L) / lanes == first
                                   ? padded_place<O, N>(J * lanes + L) % lanes
                                   : lanes + padded_place<O, N>(J * lanes + L) % lanes)...);
  if constexpr (padded_place<O, N>(J * lanes + lanes - 1) / lanes < first + 2) {
    return {two};
  } else {
    return {__builtin_shufflevector(two, v[third].v,
                                    (padded_place<O, N>(J * lanes + L) / lanes == first + 2
                                         ? lanes + padded_place<O, N>(J * lanes + L) % lanes
                                         : L)...)};
  }
}

/// Element f of pixels of N channels, as one of pixels of O: itself, or 0's place beyond them.
template <int O, int N>
constexpr int narrow_place(int f) {
  return f % N < O ? f / N * O + f % N : -1;
}
/// The first of `lanes` elements from f on that pixels of O have, or 0.
template <int O, int N>
constexpr int first_place(int f, int lanes) {
  for (int l = 0; l < lanes; ++l) {
    if (narrow_place<O, N>(f + l) >= 0) return narrow_place<O, N>(f + l);
  }
  return 0;
}

/// Vector M of pixels of N channels from vectors of pixels of O; the others are undefined.
template <class T, int O, int N, int M, int... L>
STRIDENET_INLINE Vec<T> add_channels(const Vec<T> (&v)[O], std::integer_sequence<int, L...>) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int first = first_place<O, N>(M * lanes, lanes) / lanes;
  constexpr int second = first + 1 < O ? first + 1 : O - 1;
  return {__builtin_shufflevector(v[first].v, v[second].v,
                                  (narrow_place<O, N>(M * lanes + L) < 0 ? 0
                                   : narrow_place<O, N>(M * lanes + L) / lanes == first
                                       ? narrow_place<O, N>(M * lanes + L) % lanes
                                       : lanes + narrow_place<O, N>(M * lanes + L) % lanes)...)};
}

template <class T, int O, int N, int... J>
STRIDENET_INLINE void store_pixels(const Vec<T> (&v)[N], T* to, std::int64_t elements,
                                   std::integer_sequence<int, J...>) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  constexpr int lanes = Vec<T>::lanes;
  if (elements >= O * lanes) {
    (store(to + J * lanes, drop_channels<T, O, N, J>(v, Lanes{})), ...);
    return;
  }
  const Vec<T> pixels[O] = {drop_channels<T, O, N, J>(v, Lanes{})...};
  for (int j = 0; j * lanes < elements; ++j) {
    store_lanes(to + j * lanes, pixels[j], elements - j * lanes);
  }
}

template <class T, int O>
void planes_to_pixels_of(const T* from, std::int64_t plane, std::int64_t channels,
                         std::int64_t count, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int all = power_above(O);
  if constexpr (O > 1) {
    if (channels < O) return planes_to_pixels_of<T, O - 1>(from, plane, channels, count, to);
  }
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t left = count - i;
    Vec<T> v[all];
#pragma GCC unroll 8
    for (int o = 0; o < all; ++o) {
      v[o] = o < O ? load_lanes(from + o * plane + i, left) : zero<T>();
    }
    zip_planes<T, all, all>(v);
    store_pixels<T, O, all>(v, to + i * O, left * O, std::make_integer_sequence<int, O>{});
  }
}

template <class T>
void planes_to_pixels(const T* from, std::int64_t plane, std::int64_t channels, std::int64_t count,
                      T* to) {
  planes_to_pixels_of<T, kMostPlanes>(from, plane, channels, count, to);
}

template <class T, int O, int N, int... M>
STRIDENET_INLINE void load_pixels(const T* from, std::int64_t elements, Vec<T> (&v)[N],
                                  std::integer_sequence<int, M...>) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> pixels[O];
#pragma GCC unroll 8
  for (int j = 0; j < O; ++j) {
    const std::int64_t left = elements - j * lanes;
    pixels[j] = left > 0 ? load_lanes(from + j * lanes, left) : zero<T>();
  }
  ((v[M] = add_channels<T, O, N, M>(pixels, Lanes{})), ...);
}

/// Contiguous pixels of O channels.
template <class T, int O>
void pixels_to_planes_of(const T* from, std::int64_t channels, std::int64_t count, T* to,
                         std::int64_t plane) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int all = power_above(O);
  if constexpr (O > 1) {
    if (channels < O) return pixels_to_planes_of<T, O - 1>(from, channels, count, to, plane);
  }
  for (std::int64_t i = 0; i < count; i += lanes) {
    Vec<T> v[all];
    load_pixels<T, O, all>(from + i * O, (count - i) * O, v,
                           std::make_integer_sequence<int, all>{});
    unzip_planes<T, all, all>(v);
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) store(to + o * plane + i, v[o]);
  }
}

template <class T>
void pixels_to_planes(const T* from, std::int64_t pitch, std::int64_t channels, std::int64_t count,
                      T* to, std::int64_t plane) {
  constexpr int lanes = Vec<T>::lanes;
  if (pitch == channels && channels <= kMostPlanes) {
    return pixels_to_planes_of<T, kMostPlanes>(from, channels, count, to, plane);
  }
  for (std::int64_t i = 0; i < count; i += lanes) {
    const std::int64_t pixels = count - i;
    for (std::int64_t c = 0; c < channels; c += lanes) {
      const std::int64_t left = channels - c;
      const T* block = from + i * pitch + c;
      Vec<T> rows[lanes];
#pragma GCC unroll 16
      for (int j = 0; j < lanes; ++j) {
        rows[j] = j < pixels ? load_lanes(block + j * pitch, left) : zero<T>();
      }
      transpose_step<T, 1>(rows);
#pragma GCC unroll 16
      for (int j = 0; j < lanes; ++j) {
        if (j < left) store(to + (c + j) * plane + i, rows[j]);
      }
    }
  }
}

/// Taps a tile for O outputs.
template <class T, int O>
constexpr int kPlaneTaps = (kSums<T> + 2 - O) / O > 8   ? 8
                           : (kSums<T> + 2 - O) / O < 1 ? 1
                                                        : (kSums<T> + 2 - O) / O;

template <class T, int O, int N, bool Whole>
STRIDENET_INLINE void add_plane_products(const T* const (&x)[N], const T* dy, std::int64_t dy_plane,
                                         std::int64_t q, std::int64_t count, Vec<T> (&sums)[N][O]) {
  Vec<T> deltas[O];
#pragma GCC unroll 8
  for (int o = 0; o < O; ++o) {
    const T* at = dy + o * dy_plane + q;
    deltas[o] = Whole ? load(at) : load_lanes(at, count);
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    const Vec<T> value = Whole ? load(x[n] + q) : load_lanes(x[n] + q, count);
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) sums[n][o] = fma(value, deltas[o], sums[n][o]);
  }
}

/// The taps [t, t + N) of one plane of x.
template <class T, int O, int N>
void plane_filter_tile(const PlaneConvFilter<T>& call, const T* plane, std::int64_t t, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sums[N][O];
  const T* x[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    x[n] = plane + call.offsets[t + n];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) sums[n][o] = zero<T>();
  }
  const T* dy = call.dy;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    std::int64_t q = 0;
    for (; q + lanes <= call.columns; q += lanes) {
      add_plane_products<T, O, N, true>(x, dy, call.dy_plane, q, lanes, sums);
    }
    if (q < call.columns) {
      add_plane_products<T, O, N, false>(x, dy, call.dy_plane, q, call.columns - q, sums);
    }
    dy += call.dy_pitch;
#pragma GCC unroll 8
    for (int n = 0; n < N; ++n) x[n] += call.x_pitch;
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) {
      T* at = to + (n * O + o) * lanes;
      store(at, load(at) + sums[n][o]);
    }
  }
}

template <class T, int O, int N>
void plane_filter_tiles(const PlaneConvFilter<T>& call, const T* plane, std::int64_t t, T* to) {
  constexpr std::int64_t size = std::int64_t{O} * Vec<T>::lanes;
  for (; t + N <= call.taps; t += N) plane_filter_tile<T, O, N>(call, plane, t, to + t * size);
  if constexpr (N > 1) plane_filter_tiles<T, O, N / 2>(call, plane, t, to);
}

template <class T, int O>
void plane_conv_filter_of(const PlaneConvFilter<T>& call) {
  if constexpr (O > 1) {
    if (call.outputs < O) return plane_conv_filter_of<T, O - 1>(call);
  }
  for (std::int64_t c = 0; c < call.inner; ++c) {
    plane_filter_tiles<T, O, kPlaneTaps<T, O>>(call, call.x + c * call.x_plane, 0,
                                               call.sums + c * call.taps * O * Vec<T>::lanes);
  }
}

template <class T>
void plane_conv_filter(const PlaneConvFilter<T>& call) {
  plane_conv_filter_of<T, kMostPlanes>(call);
}
