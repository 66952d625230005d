// Comparisons and choices, element by element. Contracts: kernels/broadcast.h,
// kernels/comparison.inc.

template <class E, class Function>
STRIDENET_INLINE void compare_rows(const RowSteps& steps, const E* __restrict__ a,
                                   const E* __restrict__ b, std::uint8_t* __restrict__ y) {
  const std::int64_t count = steps.columns;
  for (std::int64_t row = 0; row < steps.rows; ++row) {
    if (steps.step[0] != 0 && steps.step[1] != 0) {
      for (std::int64_t i = 0; i < count; ++i) y[i] = Function::of(a[i], b[i]);
    } else if (steps.step[0] != 0) {
      for (std::int64_t i = 0; i < count; ++i) y[i] = Function::of(a[i], *b);
    } else if (steps.step[1] != 0) {
      for (std::int64_t i = 0; i < count; ++i) y[i] = Function::of(*a, b[i]);
    } else {
      for (std::int64_t i = 0; i < count; ++i) y[i] = Function::of(*a, *b);
    }
    a += steps.pitch[0];
    b += steps.pitch[1];
    y += count;
  }
}

#define COMPARISON(name, value)                                                                    \
  struct Comparison_##name {                                                                       \
    template <class E>                                                                             \
    STRIDENET_INLINE static std::uint8_t of(E a, E b) {                                            \
      return value ? 1 : 0;                                                                        \
    }                                                                                              \
  };                                                                                               \
  template <class T>                                                                               \
  void compare_##name(const RowSteps& steps, const T* a, const T* b, std::uint8_t* y) {            \
    compare_rows<T, Comparison_##name>(steps, a, b, y);                                            \
  }                                                                                                \
  template <class T>                                                                               \
  void compare_##name##_int32(const RowSteps& steps, const std::int32_t* a, const std::int32_t* b, \
                              std::uint8_t* y) {                                                   \
    compare_rows<std::int32_t, Comparison_##name>(steps, a, b, y);                                 \
  }                                                                                                \
  template <class T>                                                                               \
  void compare_##name##_uint8(const RowSteps& steps, const std::uint8_t* a, const std::uint8_t* b, \
                              std::uint8_t* y) {                                                   \
    compare_rows<std::uint8_t, Comparison_##name>(steps, a, b, y);                                 \
  }
#include "kernels/comparison.inc"
#undef COMPARISON

/// A byte a lane.
template <class T>
struct LaneBytes;
template <>
struct LaneBytes<float> {
  typedef std::uint8_t type __attribute__((vector_size(kVectorBytes / 4)));
};
template <>
struct LaneBytes<double> {
  typedef std::uint8_t type __attribute__((vector_size(kVectorBytes / 8)));
};

/// Lanes whose byte is not 0, from byte i on; a step of 0 gives all lanes the one byte.
template <class T>
STRIDENET_INLINE typename Raw<T>::integer chosen_lanes(const std::uint8_t* from, std::int64_t i,
                                                       std::int64_t count, std::int64_t step) {
  constexpr int lanes = Vec<T>::lanes;
  typename LaneBytes<T>::type bytes = {};
  if (step == 0) {
    bytes = bytes + *from;
  } else if (count - i >= lanes) {
    __builtin_memcpy(&bytes, from + i, lanes);
  } else {
    for (std::int64_t j = 0; j < count - i; ++j) bytes[j] = from[i + j];
  }
  return __builtin_convertvector(bytes, typename Raw<T>::integer) != 0;
}

template <class T>
STRIDENET_INLINE Vec<T> lanes_or_only(const T* from, std::int64_t i, std::int64_t count,
                                      std::int64_t step) {
  return step == 0 ? broadcast(*from) : load_lanes(from + i, count - i);
}

/// y = condition ? a : b.
template <class T>
void where(const RowSteps& steps, const std::uint8_t* condition, const T* a, const T* b, T* y) {
  using Integer = typename Raw<T>::integer;
  const std::int64_t count = steps.columns;
  for (std::int64_t row = 0; row < steps.rows; ++row) {
    for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
      const Integer mask = chosen_lanes<T>(condition, i, count, steps.step[0]);
      const Vec<T> left = lanes_or_only(a, i, count, steps.step[1]);
      const Vec<T> right = lanes_or_only(b, i, count, steps.step[2]);
      const Integer bits =
          (mask & reinterpret_cast<Integer>(left.v)) | (~mask & reinterpret_cast<Integer>(right.v));
      store_lanes(y + i, Vec<T>{reinterpret_cast<typename Raw<T>::type>(bits)}, count - i);
    }
    condition += steps.pitch[0];
    a += steps.pitch[1];
    b += steps.pitch[2];
    y += count;
  }
}

template <class E>
STRIDENET_INLINE void where_integers(const RowSteps& steps, const std::uint8_t* condition,
                                     const E* a, const E* b, E* y) {
  const auto& step = steps.step;
  for (std::int64_t row = 0; row < steps.rows; ++row) {
    for (std::int64_t i = 0; i < steps.columns; ++i) {
      y[i] = condition[i * step[0]] != 0 ? a[i * step[1]] : b[i * step[2]];
    }
    condition += steps.pitch[0];
    a += steps.pitch[1];
    b += steps.pitch[2];
    y += steps.columns;
  }
}
template <class T>
void where_int32(const RowSteps& steps, const std::uint8_t* condition, const std::int32_t* a,
                 const std::int32_t* b, std::int32_t* y) {
  where_integers(steps, condition, a, b, y);
}
template <class T>
void where_uint8(const RowSteps& steps, const std::uint8_t* condition, const std::uint8_t* a,
                 const std::uint8_t* b, std::uint8_t* y) {
  where_integers(steps, condition, a, b, y);
}
