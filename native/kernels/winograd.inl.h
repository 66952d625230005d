// Winograd's transforms. Contracts: kernels/winograd.h.

/// Bᵀ along one axis.
template <class T>
STRIDENET_INLINE void winograd_difference(const Vec<T> (&d)[4], Vec<T> (&to)[4]) {
  to[0] = d[0] - d[2];
  to[1] = d[1] + d[2];
  to[2] = d[2] - d[1];
  to[3] = d[1] - d[3];
}

/// Aᵀ along one axis.
template <class T>
STRIDENET_INLINE void winograd_sum(const Vec<T> (&m)[4], Vec<T> (&to)[2]) {
  to[0] = m[0] + m[1] + m[2];
  to[1] = m[1] - m[2] - m[3];
}

/// G along one axis.
template <class T>
STRIDENET_INLINE void winograd_spread(const Vec<T> (&g)[3], Vec<T> (&to)[4]) {
  const Vec<T> half = broadcast(T{0.5});
  const Vec<T> ends = g[0] + g[2];
  to[0] = g[0];
  to[1] = half * (ends + g[1]);
  to[2] = half * (ends - g[1]);
  to[3] = g[2];
}

/// One tile, at (h, w); Inside: no pixel of it lies outside of the image.
template <class T, bool Inside>
STRIDENET_INLINE void winograd_input_tile(const WinogradInput<T>& call, std::int64_t w, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t row = call.width * call.channels;
  const T* from = call.image + call.h * row + w * call.channels;
  for (std::int64_t c = 0; c < call.channels; c += lanes) {
    const std::int64_t left = call.channels - c;
    Vec<T> rows[4][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      Vec<T> column[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const bool met = Inside || (call.h + i >= 0 && call.h + i < call.height && w + j >= 0 &&
                                    w + j < call.width);
        column[i] = met ? load_lanes(from + i * row + j * call.channels + c, left) : zero<T>();
      }
      Vec<T> done[4];
      winograd_difference(column, done);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) rows[i][j] = done[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Vec<T> done[4];
      winograd_difference(rows[i], done);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) store(to + (i * 4 + j) * call.matrix + c, done[j]);
    }
  }
}

template <class T>
void winograd_input(const WinogradInput<T>& call) {
  const bool rows_inside = call.h >= 0 && call.h + 4 <= call.height;
  std::int64_t w = call.w;
  for (std::int64_t t = 0; t < call.count; ++t, w += 2) {
    if (rows_inside && w >= 0 && w + 4 <= call.width) {
      winograd_input_tile<T, true>(call, w, call.to + t * call.pitch);
    } else {
      winograd_input_tile<T, false>(call, w, call.to + t * call.pitch);
    }
  }
}

template <class T>
void winograd_output(const WinogradOutput<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t t = 0; t < call.count; ++t) {
    const T* from = call.from + t * call.pitch;
    const std::int64_t q = call.q + 2 * t;
    const std::int64_t start = (call.p * call.width + q) * call.channels;
    for (std::int64_t k = 0; k < call.channels; k += lanes) {
      const std::int64_t left = call.channels - k;
      Vec<T> half[2][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        Vec<T> column[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) column[i] = load(from + (i * 4 + j) * call.matrix + k);
        Vec<T> done[2];
        winograd_sum(column, done);
        half[0][j] = done[0];
        half[1][j] = done[1];
      }
      const Vec<T> bias = call.bias == nullptr ? zero<T>() : load_lanes(call.bias + k, left);
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        if (call.p + i >= call.height) break;
        Vec<T> done[2];
        winograd_sum(half[i], done);
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j) {
          if (q + j >= call.width) break;
          const std::int64_t at = start + (i * call.width + j) * call.channels + k;
          Vec<T> value = done[j] + bias;
          if (call.residual != nullptr) value = value + load_lanes(call.residual + at, left);
          store_lanes(call.image + at, activate(call.activation, value), left);
        }
      }
    }
  }
}

template <class T>
void winograd_filters(const WinogradFilters<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int width = kTile<T>.columns;
  constexpr int taps = kWinogradTaps * kWinogradTaps;
  T columns[taps][width];
  for (std::int64_t i = 0; i < call.rows; ++i) {
    const T* from = call.from + i * call.row_step;
    for (int j = 0; j < width; ++j) {
      for (int t = 0; t < taps; ++t) {
        columns[call.turned ? taps - 1 - t : t][j] =
            j < call.columns ? from[j * call.column_step + t] : T{0};
      }
    }
    for (int v = 0; v < width; v += lanes) {
      Vec<T> rows[4][3];
#pragma GCC unroll 3
      for (int s = 0; s < 3; ++s) {
        const Vec<T> column[3] = {load(columns[s] + v), load(columns[3 + s] + v),
                                  load(columns[6 + s] + v)};
        Vec<T> done[4];
        winograd_spread(column, done);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) rows[r][s] = done[r];
      }
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        Vec<T> done[4];
        winograd_spread(rows[r], done);
#pragma GCC unroll 4
        for (int s = 0; s < 4; ++s) {
          store(call.to + (r * 4 + s) * call.matrix + i * width + v, done[s]);
        }
      }
    }
  }
}
