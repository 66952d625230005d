// Reductions. Contracts: kernels/reduction.h, kernels/reduction.inc.

/// `count` < lanes elements, then `fill`.
template <class T>
STRIDENET_INLINE Vec<T> load_filled(const T* from, int count, T fill) {
  if (fill == T{0}) return load_partial(from, count);
  T edge[Vec<T>::lanes];
  for (int i = 0; i < Vec<T>::lanes; ++i) edge[i] = i < count ? from[i] : fill;
  return load(edge);
}

template <class T, class Function>
STRIDENET_INLINE T reduce_lanes(Vec<T> value) {
  T lanes[Vec<T>::lanes];
  store(lanes, value);
  for (int half = Vec<T>::lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = Function::of(lanes[i], lanes[i + half]);
  }
  return lanes[0];
}

template <class T, class Function>
STRIDENET_INLINE T reduce_row(const T* x, std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  const Vec<T> none = broadcast(Function::template none<T>());
  Vec<T> parts[4] = {none, none, none, none};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) parts[j] = Function::of(parts[j], load(x + i + j * lanes));
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    if (i >= count) break;
    const Vec<T> value = count - i >= lanes ? load(x + i)
                                            : load_filled(x + i, static_cast<int>(count - i),
                                                          Function::template none<T>());
    parts[j] = Function::of(parts[j], value);
    i += lanes;
  }
  return reduce_lanes<T, Function>(
      Function::of(Function::of(parts[0], parts[1]), Function::of(parts[2], parts[3])));
}

/// kVectors vectors of columns, or `valid` elements of the only one.
template <class T, class Function, int kVectors>
STRIDENET_INLINE void reduce_column_vectors(const T* x, std::int64_t rows, std::int64_t pitch, T* y,
                                            int valid) {
  constexpr int lanes = Vec<T>::lanes;
  const Vec<T> none = broadcast(Function::template none<T>());
  Vec<T> parts[kVectors][4];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) parts[v][j] = none;
  }
  std::int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const T* from = x + j * pitch + v * lanes;
        parts[v][j] =
            Function::of(parts[v][j], valid == lanes ? load(from) : load_partial(from, valid));
      }
    }
    x += 4 * pitch;
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    if (row + j >= rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const T* from = x + j * pitch + v * lanes;
      parts[v][j] =
          Function::of(parts[v][j], valid == lanes ? load(from) : load_partial(from, valid));
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const Vec<T> value = Function::of(Function::of(parts[v][0], parts[v][1]),
                                      Function::of(parts[v][2], parts[v][3]));
    store_lanes(y + v * lanes, value, valid);
  }
}

template <class T, class Function>
STRIDENET_INLINE void reduce_columns(const T* x, std::int64_t rows, std::int64_t pitch,
                                     std::int64_t columns, T* y) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes) {
    reduce_column_vectors<T, Function, 4>(x + column, rows, pitch, y + column, lanes);
  }
  for (; column + lanes <= columns; column += lanes) {
    reduce_column_vectors<T, Function, 1>(x + column, rows, pitch, y + column, lanes);
  }
  if (column < columns) {
    reduce_column_vectors<T, Function, 1>(x + column, rows, pitch, y + column,
                                          static_cast<int>(columns - column));
  }
}

#define REDUCTION(name, nothing, value)                                         \
  struct Reduction_##name {                                                     \
    template <class T>                                                          \
    STRIDENET_INLINE static T none() {                                          \
      return nothing;                                                           \
    }                                                                           \
    template <class V>                                                          \
    STRIDENET_INLINE static V of(V a, V b) {                                    \
      return value;                                                             \
    }                                                                           \
  };                                                                            \
  template <class T>                                                            \
  T reduce_row_##name(const T* x, std::int64_t count) {                         \
    return reduce_row<T, Reduction_##name>(x, count);                           \
  }                                                                             \
  template <class T>                                                            \
  void reduce_columns_##name(const T* x, std::int64_t rows, std::int64_t pitch, \
                             std::int64_t columns, T* y) {                      \
    reduce_columns<T, Reduction_##name>(x, rows, pitch, columns, y);            \
  }
#include "kernels/reduction.inc"
#undef REDUCTION

template <class T>
std::int64_t find_row(const T* x, std::int64_t count, T value) {
  constexpr int lanes = Vec<T>::lanes;
  const Vec<T> wanted = broadcast(value);
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Vec<T> here = load(x + i);
    if (any(value == value ? equal(here, wanted) : is_nan(here))) break;
  }
  while (i < count && !(x[i] == value || (value != value && x[i] != x[i]))) ++i;
  return i;
}

template <class T>
void find_columns(const T* x, std::int64_t rows, std::int64_t pitch, std::int64_t columns,
                  const T* values, std::int32_t* to) {
  for (std::int64_t row = rows; row-- > 0;) {
    const T* here = x + row * pitch;
    const auto index = static_cast<std::int32_t>(row);
    for (std::int64_t i = 0; i < columns; ++i) {
      const T value = values[i];
      const bool found = (here[i] == value) | ((value != value) & (here[i] != here[i]));
      to[i] = found ? index : to[i];
    }
  }
}
