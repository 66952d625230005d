// What all ISAs share of the vectors. An ISA's header defines kVectorBytes, includes this file,
// and adds the operations that need its own instructions:
//
//   load<T>(p) load_partial<T>(p, n) store(p, v) store_partial(p, v, n)   unaligned; partial: n
//       elements of [0, lanes], the others are read as 0 and not written
//   store_past_caches(p, v)   p aligned to the vector; order_stores() after the last of them
//   fma(a, b, c)     a · b + c, rounded once (twice on the portable table)
//   sqrt(a)
//   max(a, b)        a > b ? a : b, so b when either is NaN;   min(a, b)   a < b ? a : b
//   less(a, b) less_equal(a, b) equal(a, b) is_nan(a)   → Mask<T>; comparisons with NaN are false
//   mask_and(a, b) mask_or(a, b) mask_not(a) any(a)
//   select(m, a, b)  lane by lane m ? a : b
//   multiply_words(a, b)      the products of the low 32 bits of the lanes of Words
//   kPicks<T>        whether lanes of two vectors can be chosen by numbers; if so, with Places<T>:
//       load_places(p, n, T{})   n bytes, the other lanes 0;   below(a, bound) → Mask<T>
//       pick_places(table, at)   lane by lane table[at];   pick_lanes(a, at, b)   a's lanes, then
//       b's

template <class T>
struct Raw;
template <>
struct Raw<float> {
  typedef float type __attribute__((vector_size(kVectorBytes)));
  /// As many as there are lanes of double.
  typedef float half __attribute__((vector_size(kVectorBytes / 2)));
  typedef std::int32_t integer __attribute__((vector_size(kVectorBytes)));
  typedef std::uint32_t Unsigned __attribute__((vector_size(kVectorBytes)));
  typedef std::int32_t Lane;
  typedef std::uint32_t Word;
  static constexpr int kMantissaBits = 23;
  static constexpr std::int32_t kBias = 127;
};
template <>
struct Raw<double> {
  typedef double type __attribute__((vector_size(kVectorBytes)));
  typedef std::int64_t integer __attribute__((vector_size(kVectorBytes)));
  typedef std::uint64_t Unsigned __attribute__((vector_size(kVectorBytes)));
  typedef std::int64_t Lane;
  typedef std::uint64_t Word;
  static constexpr int kMantissaBits = 52;
  static constexpr std::int64_t kBias = 1023;
};

/// Lanes of 64 bits that hold words of 32, or their products.
typedef std::uint64_t Words __attribute__((vector_size(kVectorBytes)));

/// `lanes` elements of type T in a register.
template <class T>
struct Vec {
  static constexpr int lanes = kVectorBytes / static_cast<int>(sizeof(T));
  typename Raw<T>::type v;
};

template <class T>
STRIDENET_INLINE Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return {a.v + b.v};
}
template <class T>
STRIDENET_INLINE Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return {a.v - b.v};
}
template <class T>
STRIDENET_INLINE Vec<T> operator-(Vec<T> a) {
  return {-a.v};
}
template <class T>
STRIDENET_INLINE Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return {a.v * b.v};
}
template <class T>
STRIDENET_INLINE Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return {a.v / b.v};
}
template <class T>
STRIDENET_INLINE Vec<T> zero() {
  return {typename Raw<T>::type{}};
}
template <class T>
STRIDENET_INLINE Vec<T> broadcast(T value) {
  return {value - typename Raw<T>::type{}};
}

/// The lanes' bits, as numbers whose sums wrap.
template <class T>
using Bits = typename Raw<T>::Unsigned;
template <class T>
STRIDENET_INLINE Bits<T> bits(Vec<T> a) {
  return reinterpret_cast<Bits<T>>(a.v);
}
template <class T>
STRIDENET_INLINE Vec<T> from_bits(Bits<T> a) {
  return {reinterpret_cast<typename Raw<T>::type>(a)};
}
/// The lanes' signs: −0's bits where negative, else 0.
template <class T>
STRIDENET_INLINE Bits<T> sign_bits(Vec<T> a) {
  return bits(a) & bits(broadcast(-T{0}));
}
template <class T>
STRIDENET_INLINE Vec<T> abs(Vec<T> a) {
  return from_bits<T>(bits(a) & ~bits(broadcast(-T{0})));
}
/// −a where `signs` has −0's bits, else a.
template <class T>
STRIDENET_INLINE Vec<T> flip_signs(Vec<T> a, Bits<T> signs) {
  return from_bits<T>(bits(a) ^ signs);
}

/// The lanes as integers (they must be integers of that range), `count` of them written or read.
template <class T, class Integer>
STRIDENET_INLINE void store_integers(Integer* to, Vec<T> value, int count) {
  for (int i = 0; i < count; ++i) to[i] = static_cast<Integer>(value.v[i]);
}
template <class T, class Integer>
STRIDENET_INLINE Vec<T> load_integers(const Integer* from, int count) {
  Vec<T> result = zero<T>();
  for (int i = 0; i < count; ++i) result.v[i] = static_cast<T>(from[i]);
  return result;
}

template <class T, int Half, int... L>
STRIDENET_INLINE T sum_halves(Vec<T> value, std::integer_sequence<int, L...> lanes) {
  if constexpr (Half == 0) {
    return value.v[0];
  } else {
    const Vec<T> other = {
        __builtin_shufflevector(value.v, value.v, ((L + Half) % Vec<T>::lanes)...)};
    return sum_halves<T, Half / 2>(value + other, lanes);
  }
}

/// The sum of the lanes: halves are added to each other until one is left.
template <class T>
STRIDENET_INLINE T sum(Vec<T> value) {
  constexpr int lanes = Vec<T>::lanes;
  return sum_halves<T, lanes / 2>(value, std::make_integer_sequence<int, lanes>{});
}
