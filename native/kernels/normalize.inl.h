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

/// How the flat parts of an activation are found.
enum class Flat { nowhere, by_result, by_operand };

template <class T>
STRIDENET_INLINE Flat flat_of(const NormalizeMessage<T>& message) {
  if (message.activation == Activation::none) return Flat::nowhere;
  return message.y != nullptr ? Flat::by_result : Flat::by_operand;
}

/// Of some columns, what tells by x where a message is flat.
template <class T>
struct FlatColumns {
  Vec<T> rest, scale, shift;
};

template <Flat kFlat, class T>
STRIDENET_INLINE FlatColumns<T> flat_columns(const NormalizeMessage<T>& message,
                                             std::int64_t column, std::int64_t count) {
  FlatColumns<T> columns = {zero<T>(), zero<T>(), zero<T>()};
  if constexpr (kFlat == Flat::by_operand) {
    columns.rest = load_lanes(message.rest + column, count);
    columns.scale = load_lanes(message.scale + column, count);
    if (message.shift != nullptr) columns.shift = load_lanes(message.shift + column, count);
  }
  return columns;
}

/// Lanes of a message from element `at` on; difference: x − mean of them, with Flat::by_operand.
template <Flat kFlat, class T>
STRIDENET_INLINE Vec<T> message_lanes(const NormalizeMessage<T>& message,
                                      const FlatColumns<T>& columns, std::int64_t at,
                                      std::int64_t count, Vec<T> difference) {
  Vec<T> value = load_lanes(message.dy + at, count);
  if (message.more != nullptr) value = value + load_lanes(message.more + at, count);
  if constexpr (kFlat == Flat::nowhere) return value;
  // A product that is rounded to 0 has the sign bit of 0 with a shift of 0: it is flat either way.
  const Vec<T> sign = kFlat == Flat::by_result
                          ? load_lanes(message.y + at, count)
                          : fma(difference - columns.rest, columns.scale, columns.shift);
  Mask<T> open = less(zero<T>(), sign);
  if (message.activation == Activation::relu6) {
    open = mask_and(open, less(sign, broadcast(T{6})));
  }
  return select(open, value, zero<T>());
}

template <class T, int kVectors, Flat kFlat>
STRIDENET_INLINE void column_products_of(const ColumnProducts<T>& call, std::int64_t column,
                                         std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  const NormalizeMessage<T>& message = call.message;
  Vec<T> means[kVectors];
  Vec<T> sums[kVectors];
  Vec<T> products[kVectors];
  FlatColumns<T> flat[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    means[v] = load_lanes(message.mean + column + v * lanes, count);
    flat[v] = flat_columns<kFlat>(message, column + v * lanes, count);
    sums[v] = products[v] = zero<T>();
  }
  for (std::int64_t row = 0; row < call.rows; ++row) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const std::int64_t at = row * call.pitch + column + v * lanes;
      const Vec<T> difference = load_lanes(message.x + at, count) - means[v];
      const Vec<T> value = message_lanes<kFlat>(message, flat[v], at, count, difference);
      if (call.masked != nullptr) store_lanes(call.masked + at, value, count);
      sums[v] = sums[v] + value;
      products[v] = fma(value, difference, products[v]);
    }
  }
  const int valid = count < lanes ? static_cast<int>(count) : lanes;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    for (int i = 0; i < valid; ++i) {
      call.sum[column + v * lanes + i] = static_cast<double>(sums[v].v[i]);
      call.product[column + v * lanes + i] = static_cast<double>(products[v].v[i]);
    }
  }
}

template <class T, Flat kFlat>
STRIDENET_INLINE void column_products_with(const ColumnProducts<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t c = 0;
  for (; c + 4 * lanes <= call.columns; c += 4 * lanes) {
    column_products_of<T, 4, kFlat>(call, c, lanes);
  }
  for (; c < call.columns; c += lanes) {
    column_products_of<T, 1, kFlat>(call, c, call.columns - c);
  }
}

template <class T>
void column_products(const ColumnProducts<T>& call) {
  switch (flat_of(call.message)) {
    case Flat::nowhere:
      return column_products_with<T, Flat::nowhere>(call);
    case Flat::by_result:
      return column_products_with<T, Flat::by_result>(call);
    case Flat::by_operand:
      return column_products_with<T, Flat::by_operand>(call);
  }
}

/// V vectors of columns of a row, `count` elements of the only one or whole ones: what is asked of
/// the call is asked once for all of them.
template <int V, Activation kActivation, class T>
STRIDENET_INLINE void normalize_columns(const NormalizeRows<T>& call, std::int64_t first,
                                        std::int64_t column, std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> values[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t c = column + v * lanes;
    values[v] = load_lanes(call.x + first + c, count) - load_lanes(call.mean + c, count);
  }
  if (call.rest != nullptr) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      values[v] = values[v] - load_lanes(call.rest + column + v * lanes, count);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t c = column + v * lanes;
    const Vec<T> scale = load_lanes(call.scale + c, count);
    values[v] = call.shift == nullptr ? values[v] * scale
                                      : fma(values[v], scale, load_lanes(call.shift + c, count));
  }
  if (call.residual != nullptr) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      values[v] = values[v] + load_lanes(call.residual + first + column + v * lanes, count);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    store_lanes(call.y + first + column + v * lanes, activate(kActivation, values[v]), count);
  }
}

template <Activation kActivation, class T>
STRIDENET_INLINE void normalize_rows_with(const NormalizeRows<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const std::int64_t first = row * call.columns;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= call.columns; c += 4 * lanes) {
      normalize_columns<4, kActivation>(call, first, c, lanes);
    }
    for (; c < call.columns; c += lanes) {
      normalize_columns<1, kActivation>(call, first, c, call.columns - c);
    }
  }
}

template <class T>
void normalize_rows(const NormalizeRows<T>& call) {
  switch (call.activation) {
    case Activation::none:
      return normalize_rows_with<Activation::none>(call);
    case Activation::relu:
      return normalize_rows_with<Activation::relu>(call);
    case Activation::relu6:
      return normalize_rows_with<Activation::relu6>(call);
  }
}

/// As normalize_columns.
template <int V, Flat kFlat, class T>
STRIDENET_INLINE void normalize_gradient_columns(const NormalizeGradientRows<T>& call,
                                                 std::int64_t first, std::int64_t column,
                                                 std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  const NormalizeMessage<T>& message = call.message;
  const bool training = call.slope != nullptr;
  Vec<T> differences[V];
  Vec<T> values[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t c = column + v * lanes;
    differences[v] = zero<T>();
    if (kFlat == Flat::by_operand || training) {
      differences[v] =
          load_lanes(message.x + first + c, count) - load_lanes(message.mean + c, count);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t c = column + v * lanes;
    const FlatColumns<T> flat = flat_columns<kFlat>(message, c, count);
    values[v] = message_lanes<kFlat>(message, flat, first + c, count, differences[v]);
  }
  if (training) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const std::int64_t c = column + v * lanes;
      values[v] = (values[v] - load_lanes(call.offset + c, count)) -
                  differences[v] * load_lanes(call.slope + c, count);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const std::int64_t c = column + v * lanes;
    store_lanes(call.dx + first + c, values[v] * load_lanes(call.scale + c, count), count);
  }
}

template <Flat kFlat, class T>
STRIDENET_INLINE void normalize_gradient_rows_with(const NormalizeGradientRows<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const std::int64_t first = row * call.columns;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= call.columns; c += 4 * lanes) {
      normalize_gradient_columns<4, kFlat>(call, first, c, lanes);
    }
    for (; c < call.columns; c += lanes) {
      normalize_gradient_columns<1, kFlat>(call, first, c, call.columns - c);
    }
  }
}

template <class T>
void normalize_gradient_rows(const NormalizeGradientRows<T>& call) {
  switch (flat_of(call.message)) {
    case Flat::nowhere:
      return normalize_gradient_rows_with<Flat::nowhere>(call);
    case Flat::by_result:
      return normalize_gradient_rows_with<Flat::by_result>(call);
    case Flat::by_operand:
      return normalize_gradient_rows_with<Flat::by_operand>(call);
  }
}
