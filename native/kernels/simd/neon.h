// Vectors of 16 bytes with Advanced SIMD, which every arm64 CPU has.
constexpr int kVectorBytes = 16;

#include "kernels/simd/vector.h"
//
#include "kernels/simd/lane_masks.h"

template <class T>
constexpr GemmTile kTile = {8, 48 / static_cast<int>(sizeof(T)), 256};

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
  return reinterpret_cast<Words>(vmull_u32(vmovn_u64(reinterpret_cast<uint64x2_t>(a)),
                                           vmovn_u64(reinterpret_cast<uint64x2_t>(b))));
}
STRIDENET_INLINE void order_stores() {}
STRIDENET_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
STRIDENET_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {vfmaq_f64(c.v, a.v, b.v)};
}
STRIDENET_INLINE Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.v)}; }
STRIDENET_INLINE Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.v)}; }
template <class T>
STRIDENET_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  return select(less(b, a), a, b);
}
template <class T>
STRIDENET_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  return select(less(a, b), a, b);
}
