// Functions of vectors, in both precisions, on every ISA. Each stays within 2 ULP of the exact
// value (test/native/math_test.cpp); results that would be denormal are 0. The polynomials are
// minimax fits (Remez exchange in 60 digits, coefficients then rounded one by one); the error that
// is named with one is its own, relative to the function unless said otherwise.

template <class T>
struct Series;

template <>
struct Series<float> {
  /// eʳ = 1 + r + r²·Q(r), |r| ≤ ln 2 / 2: 2^-26 of eʳ − 1.
  static constexpr float exp[] = {0x1p-1f, 0x1.5554bp-3f, 0x1.555486p-5f, 0x1.1227fep-7f,
                                  0x1.6d991cp-10f};
  /// log(1 + f) = 2s + s·z·P(z) with s = f / (2 + f), z = s² ≤ 0.04: 2^-34.
  static constexpr float log[] = {0x1.555554p-1f, 0x1.999bep-2f, 0x1.23e8dap-2f, 0x1.eda3b6p-3f};
  /// tanh x = x + x·z·P(z), z = x², |x| ≤ 0.625: 2^-27.
  static constexpr float tanh[] = {-0x1.555534p-2f, 0x1.11076p-3f, -0x1.b8430ep-5f, 0x1.524e64p-6f,
                                   -0x1.768482p-8f};
  /// sin r = r + r·z·P(z), z = r², |r| ≤ π/4: 2^-28.
  static constexpr float sin[] = {-0x1.555546p-3f, 0x1.11075cp-7f, -0x1.994cf8p-13f};
  /// cos r = 1 − z/2 + z²·P(z), likewise: 2^-33.
  static constexpr float cos[] = {0x1.55554ap-5f, -0x1.6c0c86p-10f, 0x1.9a00e2p-16f};
  /// erf x = x + x·P(x²), |x| ≤ 1: 2^-29.
  static constexpr float erf[] = {0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2cf8p-4f, -0x1.b7f90ep-6f,
                                  0x1.5405b2p-8f, -0x1.a3f7p-11f,  0x1.496a3p-14f};
  /// −log(1 − erf(1 + t)), 0 ≤ t ≤ 3: 2^-29 of erf.
  static constexpr float erf_tail[] = {0x1.d97fcp+0f,   0x1.51c9aap+1f,  0x1.afad34p-1f,
                                       0x1.53f93ep-5f,  -0x1.441abep-7f, 0x1.deb74cp-10f,
                                       -0x1.852c46p-13f};
  static constexpr float erf_end = 4.0f;
  /// Adding it rounds to an integer: 1.5 · 2^mantissa bits.
  static constexpr float rounder = 0x1.8p23f;
  /// ln 2 = high + low; n · high is exact for every exponent n.
  static constexpr float ln2_high = 0.693359375f;
  static constexpr float ln2_low = -0x1.bd0106p-13f;
  /// log 2^-126 rounded towards 0, and the largest x whose eˣ is finite.
  static constexpr float exp_lowest = -87.33654f;
  static constexpr float exp_highest = 0x1.62e42ep+6f;
  /// Below it, eˣ − 1 rounds to −1; above minus it, tanh rounds to 1 and a logistic function too.
  static constexpr float exp_vanishes = -20.0f;
  /// π/2 in parts of which multiples up to 2^11 are exact.
  static constexpr float half_pi[] = {0x1.921p+0f, 0x1.f6ap-13f, 0x1.11p-26f, 0x1.68c234p-39f};
  static constexpr float reducible = 3200.0f;
};

template <>
struct Series<double> {
  /// 2^-55.
  static constexpr double exp[] = {
      0x1.0000000000005p-1,  0x1.555555555555cp-3,  0x1.55555555520f4p-5,  0x1.111111110e6dbp-7,
      0x1.6c16c17f3775ap-10, 0x1.a01a01b5d2102p-13, 0x1.a019a685bdee4p-16, 0x1.71ddea189d869p-19,
      0x1.28a2ab9d4e06dp-22, 0x1.af768764377cbp-26};
  /// 2^-54 of s·z, which is below 2^-6 of the whole.
  static constexpr double log[] = {0x1.555555555578p-1,  0x1.99999998ee2c5p-2, 0x1.249249b3f1d82p-2,
                                   0x1.c71c003d19e7fp-3, 0x1.747511e21eeeap-3, 0x1.384f292b88665p-3,
                                   0x1.3adab986e8482p-3};
  /// 2^-56.
  static constexpr double tanh[] = {
      -0x1.5555555555502p-2, 0x1.111111110afe7p-3,  -0x1.ba1ba1b526d32p-5,  0x1.664f4780227c4p-6,
      -0x1.226e16a9f9167p-7, 0x1.d6cf369479b11p-9,  -0x1.7d692c0bb2a2ep-10, 0x1.33694c6bdb449p-11,
      -0x1.df6d90f5690fp-13, 0x1.43c3df9ca7d7fp-14, -0x1.0e034b9786416p-16};
  /// 2^-58.
  static constexpr double sin[] = {-0x1.5555555555549p-3,  0x1.111111110f861p-7,
                                   -0x1.a01a019c0e4d9p-13, 0x1.71de3574bbe49p-19,
                                   -0x1.ae5e63ceca5c4p-26, 0x1.5d9247298a3efp-33};
  /// 2^-64.
  static constexpr double cos[] = {0x1.555555555554cp-5,  -0x1.6c16c16c15163p-10,
                                   0x1.a01a019caef6dp-16, -0x1.27e4f807d887bp-22,
                                   0x1.1ee9ea6e5383dp-29, -0x1.8fadd135bf6ebp-37};
  /// 2^-62.
  static constexpr double erf[] = {
      0x1.06eba8214db69p-3,  -0x1.812746b0379e6p-2,  0x1.ce2f21a042b2p-4,   -0x1.b82ce3128499fp-6,
      0x1.565bcd0db033ep-8,  -0x1.c02db3d8ee237p-11, 0x1.f9a321a13a2e6p-14, -0x1.f4d1df3b5acfcp-17,
      0x1.b9def1b75ac55p-20, -0x1.5f1d3790168edp-23, 0x1.f7a41a67c6c7dp-27, -0x1.386ad8d78db83p-30,
      0x1.0579e8270cae4p-34};
  /// 0 ≤ t ≤ 5: 2^-57 of erf.
  static constexpr double erf_tail[] = {
      0x1.d97fbf27aa2a1p+0,   0x1.51c9b0006c21ap+1,   0x1.afabc11a2afd2p-1,
      0x1.5477f099b71a7p-5,   -0x1.48c9d37fc747bp-7,  0x1.033f5a12d28ccp-9,
      -0x1.f1b04a5fac46dp-13, -0x1.b92de03ecff76p-16, 0x1.c852bb8db8355p-16,
      -0x1.44849f564855ap-17, 0x1.1e25862a908c2p-19,  -0x1.b7dd3cf850367p-23,
      -0x1.f23bc723b4175p-25, 0x1.1ecb38e4b1177p-25,  -0x1.24a98d9e6b827p-27,
      0x1.6a87faba15dbdp-30,  -0x1.0658ad35296d2p-33, 0x1.5642ba32705b3p-38};
  static constexpr double erf_end = 6.0;
  static constexpr double rounder = 0x1.8p52;
  static constexpr double ln2_high = 0x1.62e42fefa38p-1;
  static constexpr double ln2_low = 0x1.ef35793c7673p-45;
  static constexpr double exp_lowest = -708.396418532264;
  static constexpr double exp_highest = 0x1.62e42fefa39efp+9;
  static constexpr double exp_vanishes = -40.0;
  /// Multiples up to 2^20.
  static constexpr double half_pi[] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69,
                                       0x1.b839a252049c1p-104};
  static constexpr double reducible = 1600000.0;
};

/// Σ coefficients[first + k · step] · x^k.
template <int first, int step, class T, int count>
STRIDENET_INLINE Vec<T> every(const T (&coefficients)[count], Vec<T> x) {
  constexpr int last = first + (count - 1 - first) / step * step;
  Vec<T> sum = broadcast(coefficients[last]);
#pragma GCC unroll 32
  for (int k = last - step; k >= first; k -= step) {
    sum = fma(sum, x, broadcast(coefficients[k]));
  }
  return sum;
}

/// Σ coefficients[k] · x^k; long ones as several sums of every second or fourth term, because one
/// chain of so many operations would keep the CPU waiting.
template <class T, int count>
STRIDENET_INLINE Vec<T> polynomial(const T (&coefficients)[count], Vec<T> x) {
  if constexpr (count < 8) {
    return every<0, 1>(coefficients, x);
  } else if constexpr (count < 12) {
    const Vec<T> square = x * x;
    return fma(every<1, 2>(coefficients, square), x, every<0, 2>(coefficients, square));
  } else {
    const Vec<T> square = x * x;
    const Vec<T> fourth = square * square;
    const Vec<T> low = fma(every<1, 4>(coefficients, fourth), x, every<0, 4>(coefficients, fourth));
    const Vec<T> high =
        fma(every<3, 4>(coefficients, fourth), x, every<2, 4>(coefficients, fourth));
    return fma(high, square, low);
  }
}

/// x = n · ln 2 + r with |r| ≤ ln 2 / 2.
template <class T>
struct ReducedExp {
  /// eʳ − 1; NaN when x is.
  Vec<T> rest;
  /// n in the place of the exponent; anything when x is NaN.
  Bits<T> exponent;
};

/// For |x| within the range of eˣ.
template <class T>
STRIDENET_INLINE ReducedExp<T> reduce_exp(Vec<T> x) {
  using S = Series<T>;
  const Vec<T> rounder = broadcast(S::rounder);
  const Vec<T> shifted = fma(x, broadcast(static_cast<T>(1.4426950408889634)), rounder);
  const Vec<T> n = shifted - rounder;
  const Vec<T> r = fma(-n, broadcast(S::ln2_low), fma(-n, broadcast(S::ln2_high), x));
  // n is in the low bits of `shifted`, whose others this pushes out.
  return {fma(r * r, polynomial(S::exp, r), r), bits(shifted) << Raw<T>::kMantissaBits};
}

/// 2ⁿ.
template <class T>
STRIDENET_INLINE Vec<T> scale_of(const ReducedExp<T>& reduced) {
  return from_bits<T>(bits(broadcast(T{1})) + reduced.exponent);
}

/// eˣ for x ≤ 60; 0 where it would be denormal, NaN for NaN.
template <class T>
STRIDENET_INLINE Vec<T> exp_below(Vec<T> x) {
  const Vec<T> lowest = broadcast(Series<T>::exp_lowest);
  const ReducedExp<T> reduced = reduce_exp(max(lowest, x));
  const Vec<T> inside = from_bits<T>(bits(broadcast(T{1}) + reduced.rest) + reduced.exponent);
  // The maximum is 0 below the lowest, and NaN for NaN.
  return select(less_equal(lowest, x), inside, max(zero<T>(), x));
}

/// eˣ for −80 ≤ x ≤ 60, NaN for NaN.
template <class T>
STRIDENET_INLINE Vec<T> exp_between(Vec<T> x) {
  const ReducedExp<T> reduced = reduce_exp(x);
  const Vec<T> scale = scale_of(reduced);
  return fma(scale, reduced.rest, scale);
}

template <class T>
STRIDENET_INLINE Vec<T> exp(Vec<T> x) {
  using S = Series<T>;
  const Vec<T> lowest = broadcast(S::exp_lowest);
  const Vec<T> highest = broadcast(S::exp_highest);
  const ReducedExp<T> reduced = reduce_exp(min(highest, max(lowest, x)));
  // Where 2ⁿ itself would overflow, eʳ is below 1.
  const Vec<T> inside = from_bits<T>(bits(broadcast(T{1}) + reduced.rest) + reduced.exponent);
  const Vec<T> beyond = x + broadcast(std::numeric_limits<T>::infinity());
  return select(less(x, lowest), zero<T>(), select(less_equal(x, highest), inside, beyond));
}

/// eˣ − 1 for x ≤ 60.
template <class T>
STRIDENET_INLINE Vec<T> expm1_below(Vec<T> x) {
  const ReducedExp<T> reduced = reduce_exp(max(broadcast(Series<T>::exp_vanishes), x));
  const Vec<T> scale = scale_of(reduced);
  return fma(scale, reduced.rest, scale - broadcast(T{1}));
}

/// log(1 + f) + k · ln 2 for |f| < 0.5, f / (2 + f) ≤ 0.2, integers k.
template <class T>
STRIDENET_INLINE Vec<T> log_of_reduced(Vec<T> f, Vec<T> k) {
  using S = Series<T>;
  const Vec<T> s = f / (broadcast(T{2}) + f);
  const Vec<T> z = s * s;
  const Vec<T> half_square = broadcast(T(0.5)) * f * f;
  const Vec<T> rest = fma(z, polynomial(S::log, z), half_square);
  // 2s = f − f²/2 + s·f²/2.
  const Vec<T> small = half_square - fma(s, rest, k * broadcast(S::ln2_low));
  return fma(k, broadcast(S::ln2_high), f - small);
}

template <class T>
STRIDENET_INLINE Vec<T> log(Vec<T> x) {
  using R = Raw<T>;
  const Bits<T> root_half = bits(broadcast(static_cast<T>(0.70710678118654752)));
  const Bits<T> one = bits(broadcast(T{1}));
  // x = 2^k · m with √½ ≤ m < √2: k + bias stands in the exponent.
  const Bits<T> moved = bits(x) + (one - root_half);
  const Bits<T> biased = moved >> R::kMantissaBits;
  const Vec<T> k = from_bits<T>(bits(broadcast(Series<T>::rounder)) + biased) -
                   broadcast(Series<T>::rounder + static_cast<T>(R::kBias));
  constexpr auto mantissa =
      static_cast<typename R::Word>((std::uint64_t{1} << R::kMantissaBits) - 1);
  const Vec<T> m = from_bits<T>((moved & mantissa) + root_half);
  const Vec<T> inside = log_of_reduced(m - broadcast(T{1}), k);
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const Vec<T> at_most_zero = select(
      less(x, zero<T>()), broadcast(std::numeric_limits<T>::quiet_NaN()), broadcast(-infinity));
  return select(less(x, broadcast(std::numeric_limits<T>::min())), at_most_zero,
                select(less(x, broadcast(infinity)), inside, x));
}

/// log(1 + x) for 0 ≤ x ≤ 1.
template <class T>
STRIDENET_INLINE Vec<T> log1p_of_fraction(Vec<T> x) {
  const Vec<T> half = broadcast(T(0.5));
  const Vec<T> one = broadcast(T{1});
  const Mask<T> near = less(x, half);
  return log_of_reduced(select(near, x, (x - one) * half), select(near, zero<T>(), one));
}

template <class T>
STRIDENET_INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> magnitude = abs(x);
  const Vec<T> z = x * x;
  const Vec<T> near = fma(magnitude * z, polynomial(Series<T>::tanh, z), magnitude);
  const Vec<T> power = exp_between(min(broadcast(-Series<T>::exp_vanishes), magnitude + magnitude));
  const Vec<T> one = broadcast(T{1});
  const Vec<T> far = one - broadcast(T{2}) / (power + one);
  return flip_signs(select(less(magnitude, broadcast(T(0.625))), near, far), sign_bits(x));
}

/// 1 / (1 + e^−x).
template <class T>
STRIDENET_INLINE Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = broadcast(T{1});
  const Vec<T> power = exp_below(-abs(x));
  const Mask<T> negative = less(x, zero<T>());
  const Vec<T> divisor = one + power;
  const Vec<T> value = select(negative, power, one) / divisor;
  // What `divisor` lost when it was rounded, times −value / divisor.
  const Vec<T> lost = power - (divisor - one);
  const Vec<T> inverse = select(negative, one - value, value);
  return fma(-value, inverse * lost, value);
}

template <class T>
STRIDENET_INLINE Vec<T> erf(Vec<T> x) {
  using S = Series<T>;
  const Vec<T> one = broadcast(T{1});
  const Vec<T> magnitude = abs(x);
  const Vec<T> near = fma(magnitude, polynomial(S::erf, x * x), magnitude);
  const Vec<T> t = min(broadcast(S::erf_end), magnitude) - one;
  const Vec<T> far = one - exp_between(-polynomial(S::erf_tail, t));
  return flip_signs(select(less(magnitude, one), near, far), sign_bits(x));
}

/// magnitude = n · π/2 + r with |r| ≤ π/4, for 0 ≤ magnitude < Series<T>::reducible.
template <class T>
struct ReducedAngle {
  Vec<T> sine, cosine;
  /// n modulo 4 in the lowest two bits.
  Bits<T> quadrant;
};

template <class T>
STRIDENET_INLINE ReducedAngle<T> reduce_angle(Vec<T> magnitude) {
  using S = Series<T>;
  const Vec<T> rounder = broadcast(S::rounder);
  const Vec<T> shifted = fma(magnitude, broadcast(static_cast<T>(0.63661977236758134)), rounder);
  const Vec<T> n = shifted - rounder;
  const Vec<T> first = fma(-n, broadcast(S::half_pi[0]), magnitude);
  const Vec<T> middle = broadcast(S::half_pi[1]);
  const Vec<T> second = fma(-n, middle, first);
  const Vec<T> lost = fma(-n, middle, first - second);
  const Vec<T> tail = fma(-n, broadcast(S::half_pi[3]), fma(-n, broadcast(S::half_pi[2]), lost));
  const Vec<T> r = second + tail;
  const Vec<T> z = r * r;
  const Vec<T> one = broadcast(T{1});
  return {fma(r * z, polynomial(S::sin, z), r),
          fma(z * z, polynomial(S::cos, z), fma(z, broadcast(T(-0.5)), one)), bits(shifted)};
}

/// Whether bit 0 is set.
template <class T>
STRIDENET_INLINE Mask<T> is_odd(Bits<T> a) {
  const Bits<T> signs = a << (8 * static_cast<int>(sizeof(T)) - 1);
  return less(from_bits<T>(bits(broadcast(T{1})) | signs), zero<T>());
}

/// Bit 1 in the place of the sign.
template <class T>
STRIDENET_INLINE Bits<T> sign_of_half_turn(Bits<T> a) {
  return (a << (8 * static_cast<int>(sizeof(T)) - 2)) & bits(broadcast(-T{0}));
}

/// `reduced`, and function(x) of the C library where |x| is too large for it, infinite or NaN.
template <class T>
STRIDENET_INLINE Vec<T> or_one_by_one(Vec<T> x, Vec<T> reduced, double (*function)(double)) {
  const Mask<T> large = mask_not(less(abs(x), broadcast(Series<T>::reducible)));
  if (!any(large)) [[likely]] {
    return reduced;
  }
  T values[Vec<T>::lanes];
  T results[Vec<T>::lanes];
  store(values, x);
  store(results, reduced);
  for (int i = 0; i < Vec<T>::lanes; ++i) {
    if (values[i] < Series<T>::reducible && values[i] > -Series<T>::reducible) continue;
    results[i] = static_cast<T>(function(static_cast<double>(values[i])));
  }
  return load(results);
}

template <class T>
STRIDENET_INLINE Vec<T> sin(Vec<T> x) {
  const ReducedAngle<T> angle = reduce_angle(abs(x));
  const Vec<T> value = select(is_odd<T>(angle.quadrant), angle.cosine, angle.sine);
  const Bits<T> signs = sign_of_half_turn<T>(angle.quadrant) ^ sign_bits(x);
  return or_one_by_one(x, flip_signs(value, signs), ::sin);
}

template <class T>
STRIDENET_INLINE Vec<T> cos(Vec<T> x) {
  const ReducedAngle<T> angle = reduce_angle(abs(x));
  const Vec<T> value = select(is_odd<T>(angle.quadrant), angle.sine, angle.cosine);
  return or_one_by_one(x, flip_signs(value, sign_of_half_turn<T>(angle.quadrant + 1)), ::cos);
}
