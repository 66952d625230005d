// Masks of ISAs that compare into ordinary vectors: all bits of a lane set, or none.

template <class T>
constexpr bool kPicks = false;

template <class T>
struct Mask {
  typename Raw<T>::integer v;
};

template <class T>
STRIDENET_INLINE Mask<T> less(Vec<T> a, Vec<T> b) {
  return {a.v < b.v};
}
template <class T>
STRIDENET_INLINE Mask<T> less_equal(Vec<T> a, Vec<T> b) {
  return {a.v <= b.v};
}
template <class T>
STRIDENET_INLINE Mask<T> equal(Vec<T> a, Vec<T> b) {
  return {a.v == b.v};
}
template <class T>
STRIDENET_INLINE Mask<T> is_nan(Vec<T> a) {
  return {a.v != a.v};
}
template <class T>
STRIDENET_INLINE Mask<T> mask_and(Mask<T> a, Mask<T> b) {
  return {a.v & b.v};
}
template <class T>
STRIDENET_INLINE Mask<T> mask_or(Mask<T> a, Mask<T> b) {
  return {a.v | b.v};
}
template <class T>
STRIDENET_INLINE Mask<T> mask_not(Mask<T> a) {
  return {~a.v};
}
template <class T>
STRIDENET_INLINE bool any(Mask<T> mask) {
  typename Raw<T>::Lane bits = 0;
  for (int i = 0; i < Vec<T>::lanes; ++i) bits |= mask.v[i];
  return bits != 0;
}
template <class T>
STRIDENET_INLINE Vec<T> select(Mask<T> mask, Vec<T> a, Vec<T> b) {
  using Integer = typename Raw<T>::integer;
  const Integer bits =
      (mask.v & reinterpret_cast<Integer>(a.v)) | (~mask.v & reinterpret_cast<Integer>(b.v));
  return {reinterpret_cast<typename Raw<T>::type>(bits)};
}
