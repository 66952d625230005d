// Rows of softmax. A row's bits depend on its elements and its length alone.

/// log x for normal x > 0, within 2 ULP: x = 2ᵉ · m with m in [√½, √2), and
/// log m = 2 artanh((m − 1) / (m + 1)) by its series. Not libm's, which differs between systems.
STRIDENET_INLINE double log_positive(double x) {
  if (!(x <= std::numeric_limits<double>::max())) return x;  // infinite or NaN
  std::uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof(bits));
  // √½ has the fraction 0x6a09e667f3bcd: from there on a mantissa counts as below 1.
  const std::uint64_t shifted = bits + (0x3ff0000000000000 - 0x3fe6a09e667f3bcd);
  const auto exponent = static_cast<std::int64_t>(shifted >> 52) - 1023;
  bits -= static_cast<std::uint64_t>(exponent) << 52;
  double m;
  __builtin_memcpy(&m, &bits, sizeof(m));
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double series = 0;
  for (int k = 23; k >= 3; k -= 2) series = (series + 1.0 / k) * square;
  const double e = static_cast<double>(exponent);
  // ln 2 = high + low; e · high is exact.
  return e * 0x1.62e42fefa38p-1 + (2 * s + (2 * s * series + e * 0x1.ef35793c7673p-45));
}

/// The largest element of a row; NaN is passed over.
template <class T>
T row_max(const T* x, std::int64_t columns) {
  const T lowest = -std::numeric_limits<T>::infinity();
  Vec<T> best = broadcast(lowest);
  std::int64_t i = 0;
  for (; i + Vec<T>::lanes <= columns; i += Vec<T>::lanes) best = max(load(x + i), best);
  T lanes[Vec<T>::lanes];
  store(lanes, best);
  T result = lowest;
  for (int j = 0; j < Vec<T>::lanes; ++j) result = lanes[j] > result ? lanes[j] : result;
  for (; i < columns; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

/// Σ e^(x − shift), and each e^(x − shift) into y unless that is null.
template <class T>
T row_exp(const T* x, T shift, T* y, std::int64_t columns) {
  const Vec<T> shifts = broadcast(shift);
  Vec<T> sums = zero<T>();
  std::int64_t i = 0;
  for (; i + Vec<T>::lanes <= columns; i += Vec<T>::lanes) {
    const Vec<T> value = exp_below(load(x + i) - shifts);
    sums = sums + value;
    if (y != nullptr) store(y + i, value);
  }
  if (const int rest = static_cast<int>(columns - i); rest > 0) {
    // Lanes beyond the row must add nothing.
    T edge[Vec<T>::lanes] = {};
    store_partial(edge, exp_below(load_partial(x + i, rest) - shifts), rest);
    const Vec<T> value = load(edge);
    sums = sums + value;
    if (y != nullptr) store_partial(y + i, value, rest);
  }
  return sum(sums);
}

/// log Σ eˣ of a row, in float64 from the rounded sum on.
template <class T>
double row_log_sum_exp(const T* x, std::int64_t columns) {
  const T largest = row_max(x, columns);
  return log_positive(static_cast<double>(row_exp(x, largest, static_cast<T*>(nullptr), columns))) +
         static_cast<double>(largest);
}

template <class T>
void softmax_row(const T* x, T* y, std::int64_t columns) {
  const T total = row_exp(x, row_max(x, columns), y, columns);
  const Vec<T> divisor = broadcast(total);
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    store_lanes(y + i, load_lanes(y + i, columns - i) / divisor, columns - i);
  }
}

/// dx = y · (dy − Σ dy · y).
template <class T>
void softmax_gradient_row(const T* dy, const T* y, T* dx, std::int64_t columns) {
  Vec<T> sums = zero<T>();
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    sums = fma(load_lanes(dy + i, columns - i), load_lanes(y + i, columns - i), sums);
  }
  const Vec<T> dot = broadcast(sum(sums));
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    const Vec<T> value = load_lanes(y + i, columns - i) * (load_lanes(dy + i, columns - i) - dot);
    store_lanes(dx + i, value, columns - i);
  }
}

/// y = x − max x − log Σ e^(x − max x).
template <class T>
void log_softmax_row(const T* x, T* y, std::int64_t columns) {
  const T largest = row_max(x, columns);
  const T total = row_exp(x, largest, static_cast<T*>(nullptr), columns);
  const Vec<T> shift = broadcast(largest);
  const Vec<T> log_sum = broadcast(static_cast<T>(log_positive(static_cast<double>(total))));
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    store_lanes(y + i, (load_lanes(x + i, columns - i) - shift) - log_sum, columns - i);
  }
}

/// dx = dy − eʸ · Σ dy.
template <class T>
void log_softmax_gradient_row(const T* dy, const T* y, T* dx, std::int64_t columns) {
  Vec<T> sums = zero<T>();
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    sums = sums + load_lanes(dy + i, columns - i);
  }
  const Vec<T> total = broadcast(sum(sums));
  for (std::int64_t i = 0; i < columns; i += Vec<T>::lanes) {
    const Vec<T> p = exp_below(load_lanes(y + i, columns - i));
    store_lanes(dx + i, load_lanes(dy + i, columns - i) - p * total, columns - i);
  }
}

/// The logarithm of every lane.
template <class T>
STRIDENET_INLINE Vec<T> log_lanes(Vec<T> x) {
  for (int i = 0; i < Vec<T>::lanes; ++i) {
    x.v[i] = static_cast<T>(log_positive(static_cast<double>(x.v[i])));
  }
  return x;
}

/// One vector of softmaxes side by side, `count` of its lanes.
template <class T>
STRIDENET_INLINE void softmax_lanes(const SoftmaxBlock& block, const T* x, T* y,
                                    std::int64_t count) {
  const std::int64_t end = block.columns * block.stride;
  Vec<T> largest = broadcast(-std::numeric_limits<T>::infinity());
  for (std::int64_t i = 0; i < end; i += block.stride) {
    largest = max(load_lanes(x + i, count), largest);
  }
  Vec<T> total = zero<T>();
  for (std::int64_t i = 0; i < end; i += block.stride) {
    const Vec<T> value = exp_below(load_lanes(x + i, count) - largest);
    total = total + value;
    if (!block.logarithm) store_lanes(y + i, value, count);
  }
  if (block.logarithm) {
    const Vec<T> log_sum = log_lanes(total);
    for (std::int64_t i = 0; i < end; i += block.stride) {
      store_lanes(y + i, (load_lanes(x + i, count) - largest) - log_sum, count);
    }
  } else {
    for (std::int64_t i = 0; i < end; i += block.stride) {
      store_lanes(y + i, load_lanes(y + i, count) / total, count);
    }
  }
}

template <class T>
STRIDENET_INLINE void softmax_gradient_lanes(const SoftmaxBlock& block, const T* dy, const T* y,
                                             T* dx, std::int64_t count) {
  const std::int64_t end = block.columns * block.stride;
  Vec<T> total = zero<T>();
  for (std::int64_t i = 0; i < end; i += block.stride) {
    const Vec<T> message = load_lanes(dy + i, count);
    total = block.logarithm ? total + message : fma(message, load_lanes(y + i, count), total);
  }
  for (std::int64_t i = 0; i < end; i += block.stride) {
    const Vec<T> message = load_lanes(dy + i, count);
    const Vec<T> value = load_lanes(y + i, count);
    const Vec<T> result =
        block.logarithm ? message - exp_below(value) * total : value * (message - total);
    store_lanes(dx + i, result, count);
  }
}

template <class T>
void softmax_block(const SoftmaxBlock& block, const T* x, T* y) {
  if (block.stride == 1) {
    if (block.logarithm) {
      log_softmax_row(x, y, block.columns);
    } else {
      softmax_row(x, y, block.columns);
    }
    return;
  }
  for (std::int64_t j = 0; j < block.width; j += Vec<T>::lanes) {
    softmax_lanes(block, x + j, y + j, block.width - j);
  }
}

template <class T>
void softmax_gradient_block(const SoftmaxBlock& block, const T* dy, const T* y, T* dx) {
  if (block.stride == 1) {
    if (block.logarithm) {
      log_softmax_gradient_row(dy, y, dx, block.columns);
    } else {
      softmax_gradient_row(dy, y, dx, block.columns);
    }
    return;
  }
  for (std::int64_t j = 0; j < block.width; j += Vec<T>::lanes) {
    softmax_gradient_lanes(block, dy + j, y + j, dx + j, block.width - j);
  }
}
