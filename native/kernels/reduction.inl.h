// Reductions. Contracts: kernels/reduction.h, kernels/reduction.inc. A is the type of partial
// results: T, or float64 for float32.

/// As many elements as a vector of A has lanes, from or to memory of type T.
template <class A, class T>
STRIDENET_INLINE Vec<A> load_as(const T* from) {
  if constexpr (sizeof(A) == sizeof(T)) {
    return load(from);
  } else {
    typename Raw<T>::half values;
    __builtin_memcpy(&values, from, sizeof(values));
    return {__builtin_convertvector(values, typename Raw<A>::type)};
  }
}
template <class A, class T>
STRIDENET_INLINE void store_as(T* to, Vec<A> value) {
  if constexpr (sizeof(A) == sizeof(T)) {
    store(to, value);
  } else {
    const auto values = __builtin_convertvector(value.v, typename Raw<T>::half);
    __builtin_memcpy(to, &values, sizeof(values));
  }
}

/// The first `count` of them, the others being `fill`.
template <class A, class T>
STRIDENET_INLINE Vec<A> load_some_as(const T* from, int count, A fill) {
  if constexpr (sizeof(A) == sizeof(T)) {
    if (fill == A{0}) return load_partial(from, count);
  }
  A edge[Vec<A>::lanes];
  for (int i = 0; i < Vec<A>::lanes; ++i) edge[i] = i < count ? static_cast<A>(from[i]) : fill;
  return load(edge);
}
template <class A, class T>
STRIDENET_INLINE void store_some_as(T* to, Vec<A> value, int count) {
  if constexpr (sizeof(A) == sizeof(T)) {
    store_partial(to, value, count);
  } else {
    for (int i = 0; i < count; ++i) to[i] = static_cast<T>(value.v[i]);
  }
}

template <class A, class Function>
STRIDENET_INLINE A reduce_lanes(Vec<A> value) {
  A lanes[Vec<A>::lanes];
  store(lanes, value);
  for (int half = Vec<A>::lanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lanes[i] = Function::of(lanes[i], lanes[i + half]);
  }
  return lanes[0];
}

template <class A, class Function, class T>
STRIDENET_INLINE T reduce_row(const T* x, std::int64_t count) {
  constexpr int lanes = Vec<A>::lanes;
  const A none = Function::template none<A>();
  Vec<A> parts[4] = {broadcast(none), broadcast(none), broadcast(none), broadcast(none)};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      parts[j] = Function::of(parts[j], load_as<A>(x + i + j * lanes));
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    if (i >= count) break;
    const Vec<A> value = count - i >= lanes
                             ? load_as<A>(x + i)
                             : load_some_as<A>(x + i, static_cast<int>(count - i), none);
    parts[j] = Function::of(parts[j], value);
    i += lanes;
  }
  return static_cast<T>(reduce_lanes<A, Function>(
      Function::of(Function::of(parts[0], parts[1]), Function::of(parts[2], parts[3]))));
}

/// kVectors vectors of columns, or `valid` elements of the only one; row i goes to partial result
/// i mod kParts.
template <class A, class Function, int kVectors, int kParts, class T>
STRIDENET_INLINE void reduce_column_vectors(const T* x, std::int64_t rows, std::int64_t pitch, T* y,
                                            int valid) {
  constexpr int lanes = Vec<A>::lanes;
  const A none = Function::template none<A>();
  Vec<A> parts[kParts][kVectors];
#pragma GCC unroll 4
  for (int j = 0; j < kParts; ++j) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) parts[j][v] = broadcast(none);
  }
  for (std::int64_t row = 0; row < rows; row += kParts) {
#pragma GCC unroll 4
    for (int j = 0; j < kParts; ++j) {
      if (row + j >= rows) break;
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const T* from = x + j * pitch + v * lanes;
        parts[j][v] = Function::of(
            parts[j][v], valid == lanes ? load_as<A>(from) : load_some_as<A>(from, valid, none));
      }
    }
    x += kParts * pitch;
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    Vec<A> value = Function::of(parts[0][v], parts[1][v]);
    if constexpr (kParts == 4) {
      value = Function::of(value, Function::of(parts[2][v], parts[3][v]));
    }
    if (valid == lanes) {
      store_as(y + v * lanes, value);
    } else {
      store_some_as(y + v * lanes, value, valid);
    }
  }
}

template <class A, class Function, class T>
STRIDENET_INLINE void reduce_columns(const T* x, std::int64_t rows, std::int64_t pitch,
                                     std::int64_t columns, T* y) {
  constexpr int lanes = Vec<A>::lanes;
  std::int64_t column = 0;
  for (; column + 4 * lanes <= columns; column += 4 * lanes) {
    reduce_column_vectors<A, Function, 4, 2>(x + column, rows, pitch, y + column, lanes);
  }
  for (; column + lanes <= columns; column += lanes) {
    reduce_column_vectors<A, Function, 1, 4>(x + column, rows, pitch, y + column, lanes);
  }
  if (column < columns) {
    reduce_column_vectors<A, Function, 1, 4>(x + column, rows, pitch, y + column,
                                             static_cast<int>(columns - column));
  }
}

#define REDUCTION(name, type, nothing, value)                                   \
  struct Reduction_##name {                                                     \
    template <class A>                                                          \
    STRIDENET_INLINE static A none() {                                          \
      return nothing;                                                           \
    }                                                                           \
    template <class V>                                                          \
    STRIDENET_INLINE static V of(V a, V b) {                                    \
      return value;                                                             \
    }                                                                           \
  };                                                                            \
  template <class T>                                                            \
  T reduce_row_##name(const T* x, std::int64_t count) {                         \
    return reduce_row<type, Reduction_##name>(x, count);                        \
  }                                                                             \
  template <class T>                                                            \
  void reduce_columns_##name(const T* x, std::int64_t rows, std::int64_t pitch, \
                             std::int64_t columns, T* y) {                      \
    reduce_columns<type, Reduction_##name>(x, rows, pitch, columns, y);         \
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
