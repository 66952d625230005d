// Rows of softmax. A row's bits depend on its elements and its length alone.

/// eˣ for x ≤ 0, within 2 ULP: x = n · ln 2 + r with |r| ≤ ln 2 / 2, and Taylor's series of eʳ,
/// whose rest is below 0.1 ULP. 0 where eˣ would be denormal; NaN stays NaN.
template <class T>
STRIDENET_INLINE Vec<T> exp_nonpositive(Vec<T> x) {
  constexpr bool single = sizeof(T) == 4;
  constexpr int degree = single ? 7 : 13;
  // log 2^-126 and log 2^-1022, rounded towards 0.
  const Vec<T> lowest = broadcast(static_cast<T>(single ? -87.33654 : -708.396418532264));
  // Adding it rounds to an integer: 1.5 · 2^mantissa bits.
  const Vec<T> rounder = broadcast(static_cast<T>(single ? 12582912.0 : 6755399441055744.0));
  // ln 2 = high + low; n · high is exact.
  const Vec<T> high = broadcast(static_cast<T>(single ? 0.693359375 : 0x1.62e42fefa38p-1));
  const Vec<T> low =
      broadcast(static_cast<T>(single ? -0.000212194440054690583 : 0x1.ef35793c7673p-45));
  const Vec<T> inside = max(x, lowest);
  const Vec<T> n = (inside * broadcast(static_cast<T>(1.4426950408889634)) + rounder) - rounder;
  const Vec<T> r = fma(-n, low, fma(-n, high, inside));
  T factorial = 1;
  for (int k = 2; k <= degree; ++k) factorial *= static_cast<T>(k);
  Vec<T> series = broadcast(T{1} / factorial);
  for (int k = degree - 1; k >= 0; --k) {
    factorial /= static_cast<T>(k + 1);
    series = fma(series, r, broadcast(T{1} / factorial));
  }
  const Vec<T> result = select(less(x, lowest), zero<T>(), series * power_of_two(n));
  return select(is_nan(x), x, result);
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
    const Vec<T> value = exp_nonpositive(load(x + i) - shifts);
    sums = sums + value;
    if (y != nullptr) store(y + i, value);
  }
  if (const int rest = static_cast<int>(columns - i); rest > 0) {
    // Lanes beyond the row must add nothing.
    T edge[Vec<T>::lanes] = {};
    store_partial(edge, exp_nonpositive(load_partial(x + i, rest) - shifts), rest);
    const Vec<T> value = load(edge);
    sums = sums + value;
    if (y != nullptr) store_partial(y + i, value, rest);
  }
  return sum(sums);
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
