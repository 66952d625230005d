// Functions of two numbers, element by element. Contracts: kernels/broadcast.h, kernels/binary.inc.

template <class T>
STRIDENET_INLINE Vec<T> bitwise_and(Vec<T> a, Vec<T> b) {
  using Integer = typename Raw<T>::integer;
  return {reinterpret_cast<typename Raw<T>::type>(reinterpret_cast<Integer>(a.v) &
                                                  reinterpret_cast<Integer>(b.v))};
}
template <class T>
STRIDENET_INLINE Vec<T> bitwise_or(Vec<T> a, Vec<T> b) {
  using Integer = typename Raw<T>::integer;
  return {reinterpret_cast<typename Raw<T>::type>(reinterpret_cast<Integer>(a.v) |
                                                  reinterpret_cast<Integer>(b.v))};
}

/// The larger of two numbers, of two zeros the positive one; NaN when either is.
template <class T>
STRIDENET_INLINE Vec<T> larger(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, select(equal(a, b), bitwise_and(a, b), max(a, b)));
}
/// The smaller of two numbers, of two zeros the negative one; NaN when either is.
template <class T>
STRIDENET_INLINE Vec<T> smaller(Vec<T> a, Vec<T> b) {
  return select(is_nan(a), a, select(equal(a, b), bitwise_or(a, b), min(a, b)));
}

STRIDENET_INLINE float larger(float a, float b) { return std::isnan(a) || a > b ? a : b; }
STRIDENET_INLINE double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }
STRIDENET_INLINE float smaller(float a, float b) { return std::isnan(a) || a < b ? a : b; }
STRIDENET_INLINE double smaller(double a, double b) { return std::isnan(a) || a < b ? a : b; }

/// aᵇ as JavaScript has it: the C library's, but NaN for an exponent of NaN and for ±1 to ±∞.
template <class T>
T power_of(T a, T b) {
  if (b != b || (std::isinf(b) && (a == T{1} || a == T{-1}))) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  if (b == T{1}) return a;
  return b == T{2} ? a * a : std::pow(a, b);
}
template <class T>
STRIDENET_INLINE Vec<T> power(Vec<T> a, Vec<T> b) {
  for (int i = 0; i < Vec<T>::lanes; ++i) a.v[i] = power_of<T>(a.v[i], b.v[i]);
  return a;
}

/// Lanes of an operand from its element i on.
template <class T, bool kContiguous>
STRIDENET_INLINE Vec<T> operand_lanes(const T* from, std::int64_t i, std::int64_t count,
                                      Vec<T> only) {
  if constexpr (kContiguous) {
    return load_lanes(from + i, count - i);
  } else {
    return only;
  }
}

template <class T, class Function, bool kContiguousA, bool kContiguousB>
STRIDENET_INLINE void binary_row(const T* a, const T* b, T* y, std::int64_t count) {
  const Vec<T> only_a = broadcast(*a);
  const Vec<T> only_b = broadcast(*b);
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Vec<T> left = operand_lanes<T, kContiguousA>(a, i, count, only_a);
    const Vec<T> right = operand_lanes<T, kContiguousB>(b, i, count, only_b);
    store_lanes(y + i, Function::of(left, right), count - i);
  }
}

template <class T, class Function>
STRIDENET_INLINE void binary_rows(const RowSteps& steps, const T* a, const T* b, T* y) {
  const std::int64_t count = steps.columns;
  for (std::int64_t row = 0; row < steps.rows; ++row) {
    if (steps.step[0] != 0 && steps.step[1] != 0) {
      binary_row<T, Function, true, true>(a, b, y, count);
    } else if (steps.step[0] != 0) {
      binary_row<T, Function, true, false>(a, b, y, count);
    } else if (steps.step[1] != 0) {
      binary_row<T, Function, false, true>(a, b, y, count);
    } else {
      const Vec<T> value = Function::of(broadcast(*a), broadcast(*b));
      for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) store_lanes(y + i, value, count - i);
    }
    a += steps.pitch[0];
    b += steps.pitch[1];
    y += count;
  }
}

#define BINARY(name, value)                                                 \
  struct Function_##name {                                                  \
    template <class T>                                                      \
    STRIDENET_INLINE static Vec<T> of(Vec<T> a, Vec<T> b) {                 \
      return value;                                                         \
    }                                                                       \
  };                                                                        \
  template <class T>                                                        \
  void binary_##name(const RowSteps& steps, const T* a, const T* b, T* y) { \
    binary_rows<T, Function_##name>(steps, a, b, y);                        \
  }
#include "kernels/binary.inc"
#undef BINARY
