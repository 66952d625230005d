// Vectors of 32 bytes with AVX2 and FMA.
constexpr int kVectorBytes = 32;

#include "kernels/simd/vector.h"
//
#include "kernels/simd/lane_masks.h"

template <class T>
constexpr GemmTile kTile = {6, 64 / static_cast<int>(sizeof(T)), 256};

// Loading 8 or 4 words from element 8 − n gives n lanes with all bits set.
alignas(64) constexpr std::int32_t kTail32[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
alignas(64) constexpr std::int64_t kTail64[8] = {-1, -1, -1, -1};

STRIDENET_INLINE __m256i tail_mask(int count, float) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTail32 + 8 - count));
}
STRIDENET_INLINE __m256i tail_mask(int count, double) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTail64 + 4 - count));
}

STRIDENET_INLINE Vec<float> load(const float* from) { return {_mm256_loadu_ps(from)}; }
STRIDENET_INLINE Vec<double> load(const double* from) { return {_mm256_loadu_pd(from)}; }
STRIDENET_INLINE void store(float* to, Vec<float> value) { _mm256_storeu_ps(to, value.v); }
STRIDENET_INLINE void store(double* to, Vec<double> value) { _mm256_storeu_pd(to, value.v); }
STRIDENET_INLINE Vec<float> load_partial(const float* from, int count) {
  return {_mm256_maskload_ps(from, tail_mask(count, 0.0f))};
}
STRIDENET_INLINE Vec<double> load_partial(const double* from, int count) {
  return {_mm256_maskload_pd(from, tail_mask(count, 0.0))};
}
STRIDENET_INLINE void store_partial(float* to, Vec<float> value, int count) {
  _mm256_maskstore_ps(to, tail_mask(count, 0.0f), value.v);
}
STRIDENET_INLINE void store_partial(double* to, Vec<double> value, int count) {
  _mm256_maskstore_pd(to, tail_mask(count, 0.0), value.v);
}
STRIDENET_INLINE void store_past_caches(float* to, Vec<float> value) {
  _mm256_stream_ps(to, value.v);
}
STRIDENET_INLINE void store_past_caches(double* to, Vec<double> value) {
  _mm256_stream_pd(to, value.v);
}
STRIDENET_INLINE Words multiply_words(Words a, Words b) {
  return reinterpret_cast<Words>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}
STRIDENET_INLINE void order_stores() { _mm_sfence(); }
STRIDENET_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
STRIDENET_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
STRIDENET_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.v)}; }
STRIDENET_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.v)}; }
STRIDENET_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.v, b.v)}; }
STRIDENET_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.v, b.v)}; }
STRIDENET_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.v, b.v)}; }
STRIDENET_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm256_min_pd(a.v, b.v)}; }
STRIDENET_INLINE bool any(Mask<float> mask) {
  return _mm256_movemask_ps(reinterpret_cast<__m256>(mask.v)) != 0;
}
STRIDENET_INLINE bool any(Mask<double> mask) {
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask.v)) != 0;
}
