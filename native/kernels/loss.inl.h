// Losses and their slopes. Contracts: kernels/loss.h.

template <class T>
struct SquaredLoss {
  static STRIDENET_INLINE Vec<T> value(Vec<T> a, Vec<T> b, Vec<T>) {
    const Vec<T> difference = a - b;
    return difference * difference;
  }
  static STRIDENET_INLINE Vec<T> slope(Vec<T> a, Vec<T> b, Vec<T>) {
    return broadcast(T{2}) * (a - b);
  }
};

template <class T>
struct AbsoluteLoss {
  static STRIDENET_INLINE Vec<T> value(Vec<T> a, Vec<T> b, Vec<T>) { return abs(a - b); }
  /// The sign of a − b: 0 for 0, NaN for NaN.
  static STRIDENET_INLINE Vec<T> slope(Vec<T> a, Vec<T> b, Vec<T>) {
    const Vec<T> difference = a - b;
    const Vec<T> negative = select(less(difference, zero<T>()), broadcast(T{-1}), difference);
    return select(less(zero<T>(), difference), broadcast(T{1}), negative);
  }
};

template <class T>
struct HuberLoss {
  static STRIDENET_INLINE Vec<T> value(Vec<T> a, Vec<T> b, Vec<T> delta) {
    const Vec<T> half = broadcast(T(0.5));
    const Vec<T> distance = abs(a - b);
    const Vec<T> line = delta * (distance - half * delta);
    return select(less(delta, distance), line, half * distance * distance);
  }
  static STRIDENET_INLINE Vec<T> slope(Vec<T> a, Vec<T> b, Vec<T> delta) {
    const Vec<T> difference = a - b;
    const Vec<T> above = select(less(difference, -delta), -delta, difference);
    return select(less(delta, difference), delta, above);
  }
};

template <class T>
struct LogisticLoss {
  static STRIDENET_INLINE Vec<T> value(Vec<T> x, Vec<T> target, Vec<T>) {
    const Vec<T> rest = log1p_of_fraction(exp_below(-abs(x)));
    return (select(less(x, zero<T>()), zero<T>(), x) - x * target) + rest;
  }
  static STRIDENET_INLINE Vec<T> slope(Vec<T> x, Vec<T> target, Vec<T>) {
    return sigmoid(x) - target;
  }
};

template <class T, template <class> class Loss>
STRIDENET_INLINE void loss_values_of(T parameter, const T* a, const T* b, T* y,
                                     std::int64_t count) {
  const Vec<T> setting = broadcast(parameter);
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Vec<T> value =
        Loss<T>::value(load_lanes(a + i, count - i), load_lanes(b + i, count - i), setting);
    store_lanes(y + i, value, count - i);
  }
}

template <class T, template <class> class Loss>
STRIDENET_INLINE void loss_slopes_of(T parameter, const T* a, const T* b, T factor,
                                     const T* factors, T* y, std::int64_t count) {
  const Vec<T> setting = broadcast(parameter);
  const Vec<T> scale = broadcast(factor);
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Vec<T> slope =
        Loss<T>::slope(load_lanes(a + i, count - i), load_lanes(b + i, count - i), setting);
    const Vec<T> own = factors == nullptr ? scale : load_lanes(factors + i, count - i);
    store_lanes(y + i, slope * own, count - i);
  }
}

/// y = f(a, b).
template <class T>
void loss_values(const LossTerm<T>& term, const T* a, const T* b, T* y, std::int64_t count) {
  switch (term.kind) {
    case ElementwiseLoss::squared:
      return loss_values_of<T, SquaredLoss>(term.parameter, a, b, y, count);
    case ElementwiseLoss::absolute:
      return loss_values_of<T, AbsoluteLoss>(term.parameter, a, b, y, count);
    case ElementwiseLoss::huber:
      return loss_values_of<T, HuberLoss>(term.parameter, a, b, y, count);
    case ElementwiseLoss::logistic:
      return loss_values_of<T, LogisticLoss>(term.parameter, a, b, y, count);
  }
}

/// y = df/da · (factors == null ? factor : factors).
template <class T>
void loss_slopes(const LossTerm<T>& term, const T* a, const T* b, T factor, const T* factors, T* y,
                 std::int64_t count) {
  switch (term.kind) {
    case ElementwiseLoss::squared:
      return loss_slopes_of<T, SquaredLoss>(term.parameter, a, b, factor, factors, y, count);
    case ElementwiseLoss::absolute:
      return loss_slopes_of<T, AbsoluteLoss>(term.parameter, a, b, factor, factors, y, count);
    case ElementwiseLoss::huber:
      return loss_slopes_of<T, HuberLoss>(term.parameter, a, b, factor, factors, y, count);
    case ElementwiseLoss::logistic:
      return loss_slopes_of<T, LogisticLoss>(term.parameter, a, b, factor, factors, y, count);
  }
}

/// Σ f(a, b), summed in float64: 16 sums of every 16th element, then those in order.
template <class T>
double loss_sum(const LossTerm<T>& term, const T* a, const T* b, std::int64_t count) {
  constexpr std::int64_t block = 256;
  T values[block];
  double sums[16] = {};
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t size = count - begin < block ? count - begin : block;
    loss_values(term, a + begin, b + begin, values, size);
    std::int64_t i = 0;
    for (; i + 16 <= size; i += 16) {
      for (int j = 0; j < 16; ++j) sums[j] += static_cast<double>(values[i + j]);
    }
    for (int j = 0; i < size; ++i, ++j) sums[j] += static_cast<double>(values[i]);
  }
  double sum = 0;
  for (int j = 0; j < 16; ++j) sum += sums[j];
  return sum;
}

/// The target of class c.
template <class T>
STRIDENET_INLINE T target_of(const RowTargets<T>& row, std::int64_t c) {
  const T own = row.targets != nullptr ? row.targets[c] : c == row.label ? T{1} : T{0};
  const T smooth = row.keep * own + row.share;
  return row.weights == nullptr ? smooth : row.weights[c] * smooth;
}

/// dx = (softmax(x) · Σ q − q) · scale, with q the targets.
template <class T>
void cross_entropy_gradient_row(const T* x, const RowTargets<T>& targets, T scale, T* dx,
                                std::int64_t columns) {
  softmax_row(x, dx, columns);
  if (targets.targets == nullptr && targets.weights == nullptr && targets.share == 0) {
    dx[targets.label] -= T{1};
  } else {
    T total = 0;
    for (std::int64_t c = 0; c < columns; ++c) total += target_of(targets, c);
    for (std::int64_t c = 0; c < columns; ++c) dx[c] = dx[c] * total - target_of(targets, c);
  }
  for (std::int64_t c = 0; c < columns; ++c) dx[c] *= scale;
}
