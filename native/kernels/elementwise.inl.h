// Kernels over contiguous elements. Sums and products are rounded one by one (no fused
// multiply-add), so that every ISA gives the same bits here.

template <class T>
void relu(const T* x, T* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    store_lanes(y + i, relu_of(load_lanes(x + i, count - i)), count - i);
  }
}

template <class T>
void relu_gradient(const T* dy, const T* y, T* dx, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Mask<T> open = less(zero<T>(), load_lanes(y + i, count - i));
    store_lanes(dx + i, select(open, load_lanes(dy + i, count - i), zero<T>()), count - i);
  }
}

template <class T>
bool all_finite(const T* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Vec<T> value = load_lanes(x + i, count - i);
    // x − x is 0 for the finite, NaN for the others.
    if (any(is_nan(value - value))) return false;
  }
  return true;
}

/// to = T(from · scale + offset) in float64, or T(from) when not affine.
template <class T, class From>
STRIDENET_INLINE void convert(const From* from, T* to, std::int64_t count, bool affine,
                              double scale, double offset) {
  if (affine) {
    for (std::int64_t i = 0; i < count; ++i) {
      to[i] = static_cast<T>(static_cast<double>(from[i]) * scale + offset);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(from[i]);
  }
}
template <class T>
void convert_uint8(const std::uint8_t* from, T* to, std::int64_t count, bool affine, double scale,
                   double offset) {
  convert(from, to, count, affine, scale, offset);
}
template <class T>
void convert_int32(const std::int32_t* from, T* to, std::int64_t count, bool affine, double scale,
                   double offset) {
  convert(from, to, count, affine, scale, offset);
}
template <class T>
void convert_float32(const float* from, T* to, std::int64_t count, bool affine, double scale,
                     double offset) {
  convert(from, to, count, affine, scale, offset);
}
template <class T>
void convert_float64(const double* from, T* to, std::int64_t count, bool affine, double scale,
                     double offset) {
  convert(from, to, count, affine, scale, offset);
}

/// Elements [begin, end).
template <class T>
void sgd_update(const SgdArrays<T>& arrays, const SgdScalars<T>& scalars, std::int64_t begin,
                std::int64_t end) {
  const Vec<T> rate = broadcast(scalars.learning_rate);
  const Vec<T> momentum = broadcast(scalars.momentum);
  const Vec<T> fresh = broadcast(scalars.one_minus_dampening);
  const Vec<T> decay = broadcast(scalars.weight_decay);
  for (std::int64_t i = begin; i < end; i += Vec<T>::lanes) {
    const std::int64_t count = end - i;
    const Vec<T> p = load_lanes(arrays.parameter + i, count);
    Vec<T> g = load_lanes(arrays.gradient + i, count);
    if (scalars.weight_decay != 0) g = g + decay * p;
    Vec<T> direction = g;
    if (arrays.velocity != nullptr) {
      const Vec<T> v = momentum * load_lanes(arrays.velocity + i, count) + fresh * g;
      store_lanes(arrays.new_velocity + i, v, count);
      direction = scalars.nesterov ? g + momentum * v : v;
    }
    store_lanes(arrays.new_parameter + i, p - rate * direction, count);
  }
}

template <class T>
void adam_update(const AdamArrays<T>& arrays, const AdamScalars<T>& scalars, std::int64_t begin,
                 std::int64_t end) {
  const Vec<T> beta1 = broadcast(scalars.beta1);
  const Vec<T> fresh1 = broadcast(scalars.one_minus_beta1);
  const Vec<T> beta2 = broadcast(scalars.beta2);
  const Vec<T> fresh2 = broadcast(scalars.one_minus_beta2);
  const Vec<T> step_size = broadcast(scalars.step_size);
  const Vec<T> root_correction = broadcast(scalars.root_correction);
  const Vec<T> epsilon = broadcast(scalars.epsilon);
  const Vec<T> decay = broadcast(scalars.weight_decay);
  const Vec<T> keep = broadcast(scalars.keep);
  for (std::int64_t i = begin; i < end; i += Vec<T>::lanes) {
    const std::int64_t count = end - i;
    Vec<T> p = load_lanes(arrays.parameter + i, count);
    Vec<T> g = load_lanes(arrays.gradient + i, count);
    if (scalars.weight_decay != 0) g = g + decay * p;
    p = p * keep;
    const Vec<T> m = beta1 * load_lanes(arrays.m + i, count) + fresh1 * g;
    const Vec<T> v = beta2 * load_lanes(arrays.v + i, count) + fresh2 * (g * g);
    store_lanes(arrays.new_m + i, m, count);
    store_lanes(arrays.new_v + i, v, count);
    const Vec<T> divisor = sqrt(v) / root_correction + epsilon;
    store_lanes(arrays.new_parameter + i, p - step_size * (m / divisor), count);
  }
}

template <class T>
void rmsprop_update(const RmspropArrays<T>& arrays, const RmspropScalars<T>& scalars,
                    std::int64_t begin, std::int64_t end) {
  const Vec<T> rate = broadcast(scalars.learning_rate);
  const Vec<T> alpha = broadcast(scalars.alpha);
  const Vec<T> fresh = broadcast(scalars.one_minus_alpha);
  const Vec<T> epsilon = broadcast(scalars.epsilon);
  const Vec<T> momentum = broadcast(scalars.momentum);
  const Vec<T> decay = broadcast(scalars.weight_decay);
  for (std::int64_t i = begin; i < end; i += Vec<T>::lanes) {
    const std::int64_t count = end - i;
    const Vec<T> p = load_lanes(arrays.parameter + i, count);
    Vec<T> g = load_lanes(arrays.gradient + i, count);
    if (scalars.weight_decay != 0) g = g + decay * p;
    const Vec<T> square = alpha * load_lanes(arrays.square + i, count) + fresh * (g * g);
    Vec<T> variance = square;
    if (arrays.average != nullptr) {
      const Vec<T> average = alpha * load_lanes(arrays.average + i, count) + fresh * g;
      variance = square - average * average;
      store_lanes(arrays.new_average + i, average, count);
    }
    Vec<T> direction = g / (sqrt(variance) + epsilon);
    if (arrays.velocity != nullptr) {
      direction = momentum * load_lanes(arrays.velocity + i, count) + direction;
      store_lanes(arrays.new_velocity + i, direction, count);
    }
    store_lanes(arrays.new_square + i, square, count);
    store_lanes(arrays.new_parameter + i, p - rate * direction, count);
  }
}

template <class T>
void adagrad_update(const AdagradArrays<T>& arrays, const AdagradScalars<T>& scalars,
                    std::int64_t begin, std::int64_t end) {
  const Vec<T> rate = broadcast(scalars.rate);
  const Vec<T> epsilon = broadcast(scalars.epsilon);
  const Vec<T> decay = broadcast(scalars.weight_decay);
  for (std::int64_t i = begin; i < end; i += Vec<T>::lanes) {
    const std::int64_t count = end - i;
    const Vec<T> p = load_lanes(arrays.parameter + i, count);
    Vec<T> g = load_lanes(arrays.gradient + i, count);
    if (scalars.weight_decay != 0) g = g + decay * p;
    const Vec<T> sum = load_lanes(arrays.sum + i, count) + g * g;
    store_lanes(arrays.new_sum + i, sum, count);
    store_lanes(arrays.new_parameter + i, p - rate * g / (sqrt(sum) + epsilon), count);
  }
}
