// Vectors of 64 bytes with AVX-512 F, BW, DQ and VL.
constexpr int kVectorBytes = 64;

#include "kernels/simd/vector.h"

template <class T>
constexpr GemmTile kTile = {14, 128 / static_cast<int>(sizeof(T)), sizeof(T) == 4 ? 256 : 192};

/// One bit a lane.
template <class T>
struct Mask;
template <>
struct Mask<float> {
  __mmask16 v;
};
template <>
struct Mask<double> {
  __mmask8 v;
};

/// Integers in lanes as wide as T's.
template <class T>
struct Places {
  __m512i v;
};

STRIDENET_INLINE Mask<float> tail_mask(int count, float) {
  return {static_cast<__mmask16>((1u << count) - 1u)};
}
STRIDENET_INLINE Mask<double> tail_mask(int count, double) {
  return {static_cast<__mmask8>((1u << count) - 1u)};
}

STRIDENET_INLINE Vec<float> load(const float* from) { return {_mm512_loadu_ps(from)}; }
STRIDENET_INLINE Vec<double> load(const double* from) { return {_mm512_loadu_pd(from)}; }
STRIDENET_INLINE void store(float* to, Vec<float> value) { _mm512_storeu_ps(to, value.v); }
STRIDENET_INLINE void store(double* to, Vec<double> value) { _mm512_storeu_pd(to, value.v); }
STRIDENET_INLINE Vec<float> load_partial(const float* from, int count) {
  return {_mm512_maskz_loadu_ps(tail_mask(count, 0.0f).v, from)};
}
STRIDENET_INLINE Vec<double> load_partial(const double* from, int count) {
  return {_mm512_maskz_loadu_pd(tail_mask(count, 0.0).v, from)};
}
STRIDENET_INLINE void store_partial(float* to, Vec<float> value, int count) {
  _mm512_mask_storeu_ps(to, tail_mask(count, 0.0f).v, value.v);
}
STRIDENET_INLINE void store_partial(double* to, Vec<double> value, int count) {
  _mm512_mask_storeu_pd(to, tail_mask(count, 0.0).v, value.v);
}
STRIDENET_INLINE void store_past_caches(float* to, Vec<float> value) {
  _mm512_stream_ps(to, value.v);
}
STRIDENET_INLINE void store_past_caches(double* to, Vec<double> value) {
  _mm512_stream_pd(to, value.v);
}
STRIDENET_INLINE Words multiply_words(Words a, Words b) {
  return reinterpret_cast<Words>(
      _mm512_mul_epu32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}
STRIDENET_INLINE void order_stores() { _mm_sfence(); }
STRIDENET_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
STRIDENET_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
STRIDENET_INLINE Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.v)}; }
STRIDENET_INLINE Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.v)}; }
STRIDENET_INLINE Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.v, b.v)}; }
STRIDENET_INLINE Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.v, b.v)}; }
STRIDENET_INLINE Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.v, b.v)}; }
STRIDENET_INLINE Vec<double> min(Vec<double> a, Vec<double> b) { return {_mm512_min_pd(a.v, b.v)}; }

#define STRIDENET_COMPARE(name, predicate)                           \
  STRIDENET_INLINE Mask<float> name(Vec<float> a, Vec<float> b) {    \
    return {_mm512_cmp_ps_mask(a.v, b.v, predicate)};                \
  }                                                                  \
  STRIDENET_INLINE Mask<double> name(Vec<double> a, Vec<double> b) { \
    return {_mm512_cmp_pd_mask(a.v, b.v, predicate)};                \
  }
STRIDENET_COMPARE(less, _CMP_LT_OQ)
STRIDENET_COMPARE(less_equal, _CMP_LE_OQ)
STRIDENET_COMPARE(equal, _CMP_EQ_OQ)
STRIDENET_COMPARE(unordered, _CMP_UNORD_Q)
#undef STRIDENET_COMPARE

template <class T>
STRIDENET_INLINE Mask<T> is_nan(Vec<T> a) {
  return unordered(a, a);
}
template <class T>
STRIDENET_INLINE Mask<T> mask_and(Mask<T> a, Mask<T> b) {
  return {static_cast<decltype(a.v)>(a.v & b.v)};
}
template <class T>
STRIDENET_INLINE Mask<T> mask_or(Mask<T> a, Mask<T> b) {
  return {static_cast<decltype(a.v)>(a.v | b.v)};
}
template <class T>
STRIDENET_INLINE Mask<T> mask_not(Mask<T> a) {
  return {static_cast<decltype(a.v)>(~a.v)};
}
template <class T>
STRIDENET_INLINE bool any(Mask<T> mask) {
  return mask.v != 0;
}
STRIDENET_INLINE Vec<float> select(Mask<float> mask, Vec<float> a, Vec<float> b) {
  return {_mm512_mask_blend_ps(mask.v, b.v, a.v)};
}
STRIDENET_INLINE Vec<double> select(Mask<double> mask, Vec<double> a, Vec<double> b) {
  return {_mm512_mask_blend_pd(mask.v, b.v, a.v)};
}

template <class T>
constexpr bool kPicks = true;
STRIDENET_INLINE Places<float> load_places(const std::uint8_t* from, std::int64_t count, float) {
  const __mmask16 mask = count >= 16 ? 0xFFFF : tail_mask(static_cast<int>(count), 0.0f).v;
  return {_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, from))};
}
STRIDENET_INLINE Places<double> load_places(const std::uint8_t* from, std::int64_t count, double) {
  const __mmask8 mask = count >= 8 ? 0xFF : tail_mask(static_cast<int>(count), 0.0).v;
  return {_mm512_cvtepu8_epi64(_mm_maskz_loadu_epi8(mask, from))};
}
STRIDENET_INLINE Mask<float> below(Places<float> a, int bound) {
  return {_mm512_cmplt_epi32_mask(a.v, _mm512_set1_epi32(bound))};
}
STRIDENET_INLINE Mask<double> below(Places<double> a, int bound) {
  return {_mm512_cmplt_epi64_mask(a.v, _mm512_set1_epi64(bound))};
}
STRIDENET_INLINE Places<float> pick_places(Places<float> table, Places<float> at) {
  return {_mm512_permutexvar_epi32(at.v, table.v)};
}
STRIDENET_INLINE Places<double> pick_places(Places<double> table, Places<double> at) {
  return {_mm512_permutexvar_epi64(at.v, table.v)};
}
STRIDENET_INLINE Vec<float> pick_lanes(Vec<float> a, Places<float> at, Vec<float> b) {
  return {_mm512_permutex2var_ps(a.v, at.v, b.v)};
}
STRIDENET_INLINE Vec<double> pick_lanes(Vec<double> a, Places<double> at, Vec<double> b) {
  return {_mm512_permutex2var_pd(a.v, at.v, b.v)};
}
