// Images along affine maps. Contracts: kernels/warp.h.

/// 1.5 · 2^52: added to a smaller number it leaves the nearest integer in the low bits.
constexpr double kWarpShift = 6755399441055744.0;

/// `count` up to whole vectors of either type: so many places are found and read.
STRIDENET_INLINE std::int64_t warp_padded(std::int64_t count) {
  constexpr std::int64_t lanes = Vec<float>::lanes;
  return (count + lanes - 1) / lanes * lanes;
}

/// a ≤ 2^51, down to integers.
STRIDENET_INLINE Vec<double> warp_floor(Vec<double> a) {
  const Vec<double> shift = broadcast(kWarpShift);
  const Vec<double> nearest = (a + shift) - shift;
  return nearest - select(less(a, nearest), broadcast(1.0), zero<double>());
}

/// low < a < high; NaN is not.
STRIDENET_INLINE Mask<double> warp_between(double low, Vec<double> a, double high) {
  return mask_and(less(broadcast(low), a), less(a, broadcast(high)));
}

/// Cells that are integers where `inside`, else −1.
STRIDENET_INLINE void warp_store_cells(std::int64_t* to, Mask<double> inside, Vec<double> cell) {
  const Vec<double> shift = broadcast(kWarpShift);
  const Bits<double> number = bits(select(inside, cell, broadcast(-1.0)) + shift) - bits(shift);
  __builtin_memcpy(to, &number, kVectorBytes);
}

/// Columns first, first + 1, … as numbers.
STRIDENET_INLINE Vec<double> warp_columns(std::int64_t first) {
  Vec<double> result = broadcast(static_cast<double>(first));
  for (int i = 0; i < Vec<double>::lanes; ++i) result.v[i] += i;
  return result;
}

template <class T>
STRIDENET_INLINE void warp_nearest_taps(const WarpPlaces& places, WarpTaps<T>* taps) {
  const auto height = static_cast<double>(places.height);
  const auto width = static_cast<double>(places.width);
  for (std::int64_t i = 0; i < warp_padded(places.count); i += Vec<double>::lanes) {
    const Vec<double> q = warp_columns(places.first + i);
    const Vec<double> half = broadcast(0.5);
    const Vec<double> row = (broadcast(places.row_start) + broadcast(places.row_step) * q) + half;
    const Vec<double> column =
        (broadcast(places.column_start) + broadcast(places.column_step) * q) + half;
    // −1 < ⌊a⌋ is 0 ≤ a, of numbers that are no smaller than −1.
    const Mask<double> near =
        mask_and(warp_between(-1, row, height), warp_between(-1, column, width));
    const Vec<double> h = warp_floor(select(near, row, zero<double>()));
    const Vec<double> w = warp_floor(select(near, column, zero<double>()));
    const Mask<double> inside = mask_and(near, mask_and(less(broadcast(-1.0), h),  //
                                                        less(broadcast(-1.0), w)));
    warp_store_cells(taps->cells[0] + i, inside, h * broadcast(width) + w);
  }
}

template <class T>
STRIDENET_INLINE void warp_bilinear_taps(const WarpPlaces& places, WarpTaps<T>* taps) {
  const auto height = static_cast<double>(places.height);
  const auto width = static_cast<double>(places.width);
  const Vec<double> one = broadcast(1.0);
  const std::int64_t padded = warp_padded(places.count);
  double weights[4][kWarpBlock];
  for (std::int64_t i = 0; i < padded; i += Vec<double>::lanes) {
    const Vec<double> q = warp_columns(places.first + i);
    const Vec<double> row = broadcast(places.row_start) + broadcast(places.row_step) * q;
    const Vec<double> column = broadcast(places.column_start) + broadcast(places.column_step) * q;
    const Mask<double> inside =
        mask_and(warp_between(-1, row, height), warp_between(-1, column, width));
    const Vec<double> r = select(inside, row, zero<double>());
    const Vec<double> s = select(inside, column, zero<double>());
    const Vec<double> h = warp_floor(r);
    const Vec<double> w = warp_floor(s);
    const Vec<double> down = r - h;
    const Vec<double> right = s - w;
    const Vec<double> at = h * broadcast(width) + w;
    const Mask<double> top = mask_and(inside, less(broadcast(-1.0), h));
    const Mask<double> bottom = mask_and(inside, less(h, broadcast(height - 1)));
    const Mask<double> here = less(broadcast(-1.0), w);
    const Mask<double> next = less(w, broadcast(width - 1));
    warp_store_cells(taps->cells[0] + i, mask_and(top, here), at);
    warp_store_cells(taps->cells[1] + i, mask_and(top, next), at + one);
    warp_store_cells(taps->cells[2] + i, mask_and(bottom, here), at + broadcast(width));
    warp_store_cells(taps->cells[3] + i, mask_and(bottom, next), at + broadcast(width + 1));
    store(weights[0] + i, (one - down) * (one - right));
    store(weights[1] + i, (one - down) * right);
    store(weights[2] + i, down * (one - right));
    store(weights[3] + i, down * right);
  }
  for (int t = 0; t < 4; ++t) {
    for (std::int64_t i = 0; i < padded; ++i) {
      taps->weights[t][i] = static_cast<T>(weights[t][i]);
    }
  }
}

template <class T>
void warp_taps(const WarpPlaces& places, WarpTaps<T>* taps) {
  if (places.bilinear) {
    warp_bilinear_taps(places, taps);
  } else {
    warp_nearest_taps(places, taps);
  }
}

/// The cells of one tap, of an image whose cells are `channels` elements.
template <class T>
STRIDENET_INLINE void warp_read(const std::int64_t* cells, std::int64_t count, const T* x,
                                std::int64_t channels, const T* fill, T* to) {
  for (std::int64_t i = 0; i < count; ++i) {
    // A choice of two addresses, which nothing has to predict.
    to[i] = *(cells[i] < 0 ? fill : x + cells[i] * channels);
  }
}

/// The pixels of one channel by its four taps.
template <class T>
STRIDENET_INLINE void warp_mix(const WarpTaps<T>& taps, std::int64_t count, const T* x,
                               std::int64_t channels, const T* fill, T* to) {
  T values[4][kWarpBlock];
  for (int t = 0; t < 4; ++t) warp_read(taps.cells[t], count, x, channels, fill, values[t]);
  // What adds nothing, whatever the sum's sign.
  const Vec<T> nothing = broadcast(-T{0});
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    Vec<T> sum = nothing;
    for (int t = 0; t < 4; ++t) {
      const Vec<T> weight = load(taps.weights[t] + i);
      const Vec<T> share = weight * load(values[t] + i);
      sum = sum + select(equal(weight, zero<T>()), nothing, share);
    }
    store(to + i, sum);
  }
}

template <class T>
void warp_pixels(const WarpPlaces& places, const WarpTaps<T>& taps, const T* x,
                 std::int64_t channels, T fill, T* y) {
  const std::int64_t padded = warp_padded(places.count);
  T pixels[kWarpBlock];
  for (std::int64_t c = 0; c < channels; ++c) {
    if (places.bilinear) {
      warp_mix(taps, padded, x + c, channels, &fill, pixels);
    } else {
      warp_read(taps.cells[0], padded, x + c, channels, &fill, pixels);
    }
    for (std::int64_t i = 0; i < places.count; ++i) y[i * channels + c] = pixels[i];
  }
}

template <class T>
void warp_pixels_back(const WarpPlaces& places, const WarpTaps<T>& taps, const T* dy,
                      std::int64_t channels, T* dx) {
  const int count = places.bilinear ? 4 : 1;
  for (std::int64_t i = 0; i < places.count; ++i, dy += channels) {
    for (int t = 0; t < count; ++t) {
      const T weight = places.bilinear ? taps.weights[t][i] : T{1};
      const std::int64_t cell = taps.cells[t][i];
      if (cell < 0 || weight == 0) continue;
      T* to = dx + cell * channels;
      for (std::int64_t c = 0; c < channels; ++c) to[c] += weight * dy[c];
    }
  }
}
