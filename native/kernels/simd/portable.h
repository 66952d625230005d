// Vectors of 16 bytes in the compiler's own terms, at the baseline of the architecture.
constexpr int kVectorBytes = 16;

#include "kernels/simd/vector.h"
//
#include "kernels/simd/lane_masks.h"

template <class T>
constexpr GemmTile kTile = {4, 32 / static_cast<int>(sizeof(T)), 256};

template <class T>
STRIDENET_INLINE Vec<T> load(const T* from) {
  Vec<T> result;
  __builtin_memcpy(&result.v, from, kVectorBytes);
  return result;
}
template <class T>
STRIDENET_INLINE void store(T* to, Vec<T> value) {
  __builtin_memcpy(to, &value.v, kVectorBytes);
}
template <class T>
STRIDENET_INLINE Vec<T> load_partial(const T* from, int count) {
  return load_integers<T>(from, count);
}
template <class T>
STRIDENET_INLINE void store_partial(T* to, Vec<T> value, int count) {
  for (int i = 0; i < count; ++i) to[i] = value.v[i];
}
template <class T>
STRIDENET_INLINE void store_past_caches(T* to, Vec<T> value) {
  store(to, value);
}
STRIDENET_INLINE Words multiply_words(Words a, Words b) {
  return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
}
STRIDENET_INLINE void order_stores() {}
template <class T>
STRIDENET_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return a * b + c;
}
template <class T>
STRIDENET_INLINE Vec<T> sqrt(Vec<T> a) {
  for (int i = 0; i < Vec<T>::lanes; ++i) a.v[i] = std::sqrt(a.v[i]);
  return a;
}
template <class T>
STRIDENET_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  return select(less(b, a), a, b);
}
template <class T>
STRIDENET_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  return select(less(a, b), a, b);
}
