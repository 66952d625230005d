// Functions of one element and their gradients: what kernels/unary.inc lists beyond
// kernels/math.inl.h, and the kernels. Formulas: docs/architecture.md. Where the limit at −∞ is 0
// but the formula is −∞ · 0, x is kept above a bound from which on the other factor is 0.

template <class T>
STRIDENET_INLINE Vec<T> neg(Vec<T> x) {
  return -x;
}

template <class T>
STRIDENET_INLINE Vec<T> square(Vec<T> x) {
  return x * x;
}

/// x in [low, high], NaN kept.
template <class T>
STRIDENET_INLINE Vec<T> clamp(Vec<T> x, T low, T high) {
  return min(broadcast(high), max(broadcast(low), x));
}

template <class T>
STRIDENET_INLINE Vec<T> clip(Vec<T> x, UnaryParameters<T> limits) {
  return clamp(x, limits.a, limits.b);
}
template <class T>
STRIDENET_INLINE Vec<T> clip_gradient(Vec<T> dy, Vec<T> x, UnaryParameters<T> limits) {
  const Mask<T> inside =
      mask_and(less_equal(broadcast(limits.a), x), less_equal(x, broadcast(limits.b)));
  return select(inside, dy, zero<T>());
}

template <class T>
STRIDENET_INLINE Vec<T> abs_gradient(Vec<T> dy, Vec<T> x) {
  return select(less(zero<T>(), x), dy, select(less(x, zero<T>()), -dy, zero<T>()));
}

template <class T>
STRIDENET_INLINE Vec<T> tanh_gradient(Vec<T> dy, Vec<T> y) {
  const Vec<T> one = broadcast(T{1});
  return dy * ((one - y) * (one + y));
}

template <class T>
STRIDENET_INLINE Vec<T> sigmoid_gradient(Vec<T> dy, Vec<T> y) {
  return dy * (y * (broadcast(T{1}) - y));
}

template <class T>
STRIDENET_INLINE Vec<T> relu6(Vec<T> x) {
  return min(broadcast(T{6}), relu_of(x));
}
template <class T>
STRIDENET_INLINE Vec<T> relu6_gradient(Vec<T> dy, Vec<T> y) {
  const Mask<T> inside = mask_and(less(zero<T>(), y), less(y, broadcast(T{6})));
  return select(inside, dy, zero<T>());
}

/// a: the slope below 0.
template <class T>
STRIDENET_INLINE Vec<T> leaky_relu(Vec<T> x, UnaryParameters<T> slope) {
  return select(less(x, zero<T>()), broadcast(slope.a) * x, x);
}
template <class T>
STRIDENET_INLINE Vec<T> leaky_relu_gradient(Vec<T> dy, Vec<T> x, UnaryParameters<T> slope) {
  return select(less(zero<T>(), x), dy, broadcast(slope.a) * dy);
}

/// a: alpha.
template <class T>
STRIDENET_INLINE Vec<T> elu(Vec<T> x, UnaryParameters<T> alpha) {
  const Vec<T> below = broadcast(alpha.a) * expm1_below(min(zero<T>(), x));
  return select(less(x, zero<T>()), below, x);
}
template <class T>
STRIDENET_INLINE Vec<T> elu_gradient(Vec<T> dy, Vec<T> y, UnaryParameters<T> alpha) {
  return select(less(zero<T>(), y), dy, dy * (y + broadcast(alpha.a)));
}

/// Klambauer et al. 2017: λ and λ·α that keep mean 0 and variance 1.
template <class T>
constexpr T kSeluScale = static_cast<T>(1.0507009873554804934);
template <class T>
constexpr T kSeluScaleAlpha = static_cast<T>(1.7580993408473768599);

template <class T>
STRIDENET_INLINE Vec<T> selu(Vec<T> x) {
  const Vec<T> below = broadcast(kSeluScaleAlpha<T>) * expm1_below(min(zero<T>(), x));
  return select(less(x, zero<T>()), below, broadcast(kSeluScale<T>) * x);
}
template <class T>
STRIDENET_INLINE Vec<T> selu_gradient(Vec<T> dy, Vec<T> y) {
  const Vec<T> slope =
      select(less(zero<T>(), y), broadcast(kSeluScale<T>), y + broadcast(kSeluScaleAlpha<T>));
  return dy * slope;
}

/// The distribution function of the normal distribution, ½ · (1 + erf(x/√2)).
template <class T>
STRIDENET_INLINE Vec<T> normal_distribution(Vec<T> x) {
  const Vec<T> half = broadcast(T(0.5));
  return fma(half, erf(x * broadcast(static_cast<T>(0.70710678118654752))), half);
}

template <class T>
STRIDENET_INLINE Vec<T> gelu(Vec<T> x) {
  return max(broadcast(T{-1000}), x) * normal_distribution(x);
}
template <class T>
STRIDENET_INLINE Vec<T> gelu_gradient(Vec<T> dy, Vec<T> x) {
  const Vec<T> inside = clamp(x, T{-1000}, T{1000});
  const Vec<T> density = broadcast(static_cast<T>(0.39894228040143268)) *
                         exp_below(broadcast(T(-0.5)) * inside * inside);
  return dy * fma(inside, density, normal_distribution(x));
}

/// σ = 1 / (1 + e^−x) and its derivative σ · (1 − σ), neither with cancellation.
template <class T>
struct Logistic {
  Vec<T> value, slope;
};
template <class T>
STRIDENET_INLINE Logistic<T> logistic(Vec<T> x) {
  const Vec<T> one = broadcast(T{1});
  const Vec<T> power = exp_below(-abs(x));
  const Vec<T> inverse = one / (one + power);
  const Vec<T> share = power * inverse;
  return {select(less(x, zero<T>()), share, inverse), share * inverse};
}

/// 2 · √(2/π), so that ½ · (1 + tanh(√(2/π) · v)) = σ(kGelu · v).
template <class T>
constexpr T kGelu = static_cast<T>(1.5957691216057308);
template <class T>
constexpr T kGeluCube = static_cast<T>(0.044715);

template <class T>
STRIDENET_INLINE Vec<T> gelu_tanh(Vec<T> x) {
  const Vec<T> inside = clamp(x, T{-1000}, T{1000});
  const Vec<T> cube = broadcast(kGeluCube<T>) * (inside * inside) * inside;
  return max(broadcast(T{-1000}), x) * sigmoid(broadcast(kGelu<T>) * (inside + cube));
}
template <class T>
STRIDENET_INLINE Vec<T> gelu_tanh_gradient(Vec<T> dy, Vec<T> x) {
  const Vec<T> inside = clamp(x, T{-1000}, T{1000});
  const Vec<T> square = broadcast(kGeluCube<T>) * (inside * inside);
  const Vec<T> scale = broadcast(kGelu<T>);
  const Logistic<T> sigma = logistic(scale * fma(square, inside, inside));
  const Vec<T> slope = scale * fma(broadcast(T{3}), square, broadcast(T{1}));
  return dy * fma(inside * slope, sigma.slope, sigma.value);
}

/// a: β, b: the threshold of β·x from which on the result is x.
template <class T>
STRIDENET_INLINE Vec<T> softplus(Vec<T> x, UnaryParameters<T> p) {
  const Vec<T> scaled = broadcast(p.a) * x;
  const Vec<T> rest = log1p_of_fraction(exp_below(-abs(scaled)));
  const Vec<T> value = (max(zero<T>(), scaled) + rest) * broadcast(T{1} / p.a);
  return select(less(broadcast(p.b), scaled), x, value);
}
template <class T>
STRIDENET_INLINE Vec<T> softplus_gradient(Vec<T> dy, Vec<T> x, UnaryParameters<T> p) {
  const Vec<T> scaled = broadcast(p.a) * x;
  return select(less(broadcast(p.b), scaled), dy, dy * sigmoid(scaled));
}

/// tanh(log(1 + eˣ)) = n / (n + 2) with n = e²ˣ + 2eˣ; 1 from x = 30 on.
template <class T>
STRIDENET_INLINE Vec<T> mish(Vec<T> x) {
  const Vec<T> two = broadcast(T{2});
  const Vec<T> power = exp_below(min(broadcast(T{30}), x));
  const Vec<T> n = power * (power + two);
  return max(broadcast(T{-1000}), x) * (n / (n + two));
}
template <class T>
STRIDENET_INLINE Vec<T> mish_gradient(Vec<T> dy, Vec<T> x) {
  const Vec<T> two = broadcast(T{2});
  const Vec<T> inside = clamp(x, T{-1000}, T{30});
  const Vec<T> power = exp_below(inside);
  const Vec<T> n = power * (power + two);
  const Vec<T> inverse = broadcast(T{1}) / (n + two);
  // The derivative of n / (n + 2) is 2 · n′ / (n + 2)² with n′ = 2eˣ · (eˣ + 1).
  const Vec<T> growth = broadcast(T{4}) * power * (power + broadcast(T{1})) * inverse * inverse;
  return dy * fma(inside, growth, n * inverse);
}

template <class T>
STRIDENET_INLINE Vec<T> swish(Vec<T> x) {
  return max(broadcast(T{-1000}), x) * sigmoid(x);
}
template <class T>
STRIDENET_INLINE Vec<T> swish_gradient(Vec<T> dy, Vec<T> x) {
  const Vec<T> inside = clamp(x, T{-1000}, T{1000});
  const Logistic<T> sigma = logistic(inside);
  return dy * fma(inside, sigma.slope, sigma.value);
}

template <class T>
STRIDENET_INLINE Vec<T> hard_swish(Vec<T> x) {
  const Vec<T> gate = clamp(x + broadcast(T{3}), T{0}, T{6});
  return max(broadcast(T{-3}), x) * gate / broadcast(T{6});
}
template <class T>
STRIDENET_INLINE Vec<T> hard_swish_gradient(Vec<T> dy, Vec<T> x) {
  const Vec<T> three = broadcast(T{3});
  const Vec<T> slope = (x + x + three) / broadcast(T{6});
  return select(less(x, -three), zero<T>(), select(less(three, x), dy, dy * slope));
}

#define UNARY(operator_name, function, parameters)             \
  template <class T>                                           \
  void map_##function(const T* x, T* y, std::int64_t count,    \
                      [[maybe_unused]] UnaryParameters<T> p) { \
    for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {  \
      const Vec<T> value = load_lanes(x + i, count - i);       \
      if constexpr (requires { function(value, p); }) {        \
        store_lanes(y + i, function(value, p), count - i);     \
      } else {                                                 \
        store_lanes(y + i, function(value), count - i);        \
      }                                                        \
    }                                                          \
  }
#define UNARY_GRADIENT(operator_name, function, saved, parameters)            \
  template <class T>                                                          \
  void map_##function(const T* dy, const T* saved, T* dx, std::int64_t count, \
                      [[maybe_unused]] UnaryParameters<T> p) {                \
    for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {                 \
      const Vec<T> message = load_lanes(dy + i, count - i);                   \
      const Vec<T> value = load_lanes(saved + i, count - i);                  \
      if constexpr (requires { function(message, value, p); }) {              \
        store_lanes(dx + i, function(message, value, p), count - i);          \
      } else {                                                                \
        store_lanes(dx + i, function(message, value), count - i);             \
      }                                                                       \
    }                                                                         \
  }
#include "kernels/unary.inc"
#undef UNARY
#undef UNARY_GRADIENT
