// Normalization. Contracts: kernels/normalize.h.

/// kVectors vectors of columns, or `valid` elements of the only one.
template <class T, int kVectors>
STRIDENET_INLINE void column_moments_of(const T* x, const T* origin, std::int64_t rows,
                                        std::int64_t pitch, double* mean, double* squares,
                                        int valid) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> totals[2][kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) totals[0][v] = totals[1][v] = zero<T>();
  for (std::int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const T* from = x + row * pitch + v * lanes;
      const Vec<T> value = valid == lanes ? load(from) : load_partial(from, valid);
      totals[0][v] = totals[0][v] + value;
    }
    if (++row == rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const T* from = x + row * pitch + v * lanes;
      const Vec<T> value = valid == lanes ? load(from) : load_partial(from, valid);
      totals[1][v] = totals[1][v] + value;
    }
  }
  const Vec<T> count = broadcast(static_cast<T>(rows));
  Vec<T> centers[kVectors];
  Vec<T> rests[kVectors];
  Vec<T> sums[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    centers[v] = (totals[0][v] + totals[1][v]) / count;
    rests[v] = sums[v] = zero<T>();
  }
  for (std::int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const T* from = x + row * pitch + v * lanes;
      const Vec<T> value = valid == lanes ? load(from) : load_partial(from, valid);
      const Vec<T> difference = value - centers[v];
      rests[v] = rests[v] + difference;
      sums[v] = fma(difference, difference, sums[v]);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    for (int i = 0; i < valid; ++i) {
      const auto rest = static_cast<double>(rests[v].v[i]);
      const double correction = rest / static_cast<double>(rows);
      const double square = static_cast<double>(sums[v].v[i]) - rest * correction;
      const double center =
          static_cast<double>(centers[v].v[i]) - static_cast<double>(origin[v * lanes + i]);
      mean[v * lanes + i] = center + correction;
      squares[v * lanes + i] = square < 0 ? 0 : square;
    }
  }
}

template <class T>
void column_moments(const T* x, const T* origin, std::int64_t rows, std::int64_t pitch,
                    std::int64_t columns, double* mean, double* squares) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) {
    column_moments_of<T, 4>(x + c, origin + c, rows, pitch, mean + c, squares + c, lanes);
  }
  for (; c < columns; c += lanes) {
    const int valid = columns - c < lanes ? static_cast<int>(columns - c) : lanes;
    column_moments_of<T, 1>(x + c, origin + c, rows, pitch, mean + c, squares + c, valid);
  }
}

template <class T, int kVectors>
STRIDENET_INLINE void column_products_of(const T* dy, const T* x, const T* mean, std::int64_t rows,
                                         std::int64_t pitch, double* sum, double* product,
                                         int valid) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> means[kVectors];
  Vec<T> sums[kVectors];
  Vec<T> products[kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    means[v] = valid == lanes ? load(mean + v * lanes) : load_partial(mean, valid);
    sums[v] = products[v] = zero<T>();
  }
  for (std::int64_t row = 0; row < rows; ++row) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t at = row * pitch + v * lanes;
      const Vec<T> message = valid == lanes ? load(dy + at) : load_partial(dy + at, valid);
      const Vec<T> value = valid == lanes ? load(x + at) : load_partial(x + at, valid);
      sums[v] = sums[v] + message;
      products[v] = fma(message, value - means[v], products[v]);
    }
  }
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    for (int i = 0; i < valid; ++i) {
      sum[v * lanes + i] = static_cast<double>(sums[v].v[i]);
      product[v * lanes + i] = static_cast<double>(products[v].v[i]);
    }
  }
}

template <class T>
void column_products(const T* dy, const T* x, const T* mean, std::int64_t rows, std::int64_t pitch,
                     std::int64_t columns, double* sum, double* product) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t c = 0;
  for (; c + 2 * lanes <= columns; c += 2 * lanes) {
    column_products_of<T, 2>(dy + c, x + c, mean + c, rows, pitch, sum + c, product + c, lanes);
  }
  for (; c < columns; c += lanes) {
    const int valid = columns - c < lanes ? static_cast<int>(columns - c) : lanes;
    column_products_of<T, 1>(dy + c, x + c, mean + c, rows, pitch, sum + c, product + c, valid);
  }
}

template <class T>
void normalize_rows(const NormalizeRows<T>& call) {
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const T* x = call.x + row * call.columns;
    T* y = call.y + row * call.columns;
    for (std::int64_t c = 0; c < call.columns; c += Vec<T>::lanes) {
      const std::int64_t count = call.columns - c;
      Vec<T> value = load_lanes(x + c, count) - load_lanes(call.mean + c, count);
      if (call.rest != nullptr) value = value - load_lanes(call.rest + c, count);
      const Vec<T> scale = load_lanes(call.scale + c, count);
      value = call.shift == nullptr ? value * scale
                                    : fma(value, scale, load_lanes(call.shift + c, count));
      store_lanes(y + c, value, count);
    }
  }
}

template <class T>
void normalize_gradient_rows(const NormalizeGradientRows<T>& call) {
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const T* dy = call.dy + row * call.columns;
    const T* x = call.x + row * call.columns;
    T* dx = call.dx + row * call.columns;
    for (std::int64_t c = 0; c < call.columns; c += Vec<T>::lanes) {
      const std::int64_t count = call.columns - c;
      Vec<T> message = load_lanes(dy + c, count);
      if (call.slope != nullptr) {
        const Vec<T> difference = load_lanes(x + c, count) - load_lanes(call.mean + c, count);
        message = (message - load_lanes(call.offset + c, count)) -
                  difference * load_lanes(call.slope + c, count);
      }
      store_lanes(dx + c, message * load_lanes(call.scale + c, count), count);
    }
  }
}
