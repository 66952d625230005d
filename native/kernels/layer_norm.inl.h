// Normalization of rows. Contracts: kernels/normalize.h.

/// Elements of a row that are summed in T.
constexpr std::int64_t kRowPart = 4096;

template <class T>
void row_moments(const T* x, std::int64_t count, RowMoments<T>* moments) {
  constexpr int lanes = Vec<T>::lanes;
  double total = 0;
  for (std::int64_t part = 0; part < count; part += kRowPart) {
    const std::int64_t end = count - part < kRowPart ? count : part + kRowPart;
    Vec<T> sums[4] = {zero<T>(), zero<T>(), zero<T>(), zero<T>()};
    std::int64_t i = part;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sums[j] = sums[j] + load(x + i + j * lanes);
    }
    for (; i < end; i += lanes) sums[0] = sums[0] + load_lanes(x + i, end - i);
    total += static_cast<double>(sum((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  moments->center = static_cast<T>(total / static_cast<double>(count));
  const Vec<T> center = broadcast(moments->center);
  double rest = 0;
  double squares = 0;
  for (std::int64_t part = 0; part < count; part += kRowPart) {
    const std::int64_t end = count - part < kRowPart ? count : part + kRowPart;
    Vec<T> rests[4] = {zero<T>(), zero<T>(), zero<T>(), zero<T>()};
    Vec<T> sums[4] = {zero<T>(), zero<T>(), zero<T>(), zero<T>()};
    std::int64_t i = part;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const Vec<T> difference = load(x + i + j * lanes) - center;
        rests[j] = rests[j] + difference;
        sums[j] = fma(difference, difference, sums[j]);
      }
    }
    for (; i + lanes <= end; i += lanes) {
      const Vec<T> difference = load(x + i) - center;
      rests[0] = rests[0] + difference;
      sums[0] = fma(difference, difference, sums[0]);
    }
    for (; i < end; ++i) {
      const double difference = static_cast<double>(x[i] - moments->center);
      rest += difference;
      squares += difference * difference;
    }
    rest += static_cast<double>(sum((rests[0] + rests[1]) + (rests[2] + rests[3])));
    squares += static_cast<double>(sum((sums[0] + sums[1]) + (sums[2] + sums[3])));
  }
  moments->rest = rest / static_cast<double>(count);
  const double corrected = squares - rest * moments->rest;
  moments->squares = corrected < 0 ? 0 : corrected;
}

template <class T>
void normalize_row(const T* x, const T* weight, const T* bias, std::int64_t count, T center, T rest,
                   T inverse, T* y) {
  const Vec<T> first = broadcast(center);
  const Vec<T> second = broadcast(rest);
  const Vec<T> scale = broadcast(inverse);
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    Vec<T> value = ((load_lanes(x + i, count - i) - first) - second) * scale;
    if (weight != nullptr) value = value * load_lanes(weight + i, count - i);
    if (bias != nullptr) value = value + load_lanes(bias + i, count - i);
    store_lanes(y + i, value, count - i);
  }
}

template <class T>
void row_products(const T* dy, const T* x, const T* weight, std::int64_t count, T mean,
                  double* sum_of, double* product_of) {
  const Vec<T> center = broadcast(mean);
  double total = 0;
  double total_product = 0;
  for (std::int64_t part = 0; part < count; part += kRowPart) {
    const std::int64_t end = count - part < kRowPart ? count : part + kRowPart;
    Vec<T> sums = zero<T>();
    Vec<T> products = zero<T>();
    for (std::int64_t i = part; i < end; i += Vec<T>::lanes) {
      // Lanes beyond the row have a message of 0.
      Vec<T> message = load_lanes(dy + i, end - i);
      if (weight != nullptr) message = message * load_lanes(weight + i, end - i);
      sums = sums + message;
      products = fma(message, load_lanes(x + i, end - i) - center, products);
    }
    total += static_cast<double>(sum(sums));
    total_product += static_cast<double>(sum(products));
  }
  *sum_of = total;
  *product_of = total_product;
}

template <class T>
void normalize_row_gradient(const T* dy, const T* x, const T* weight, std::int64_t count, T mean,
                            T inverse, T offset, T slope, T* dx) {
  const Vec<T> center = broadcast(mean);
  const Vec<T> scale = broadcast(inverse);
  const Vec<T> first = broadcast(offset);
  const Vec<T> second = broadcast(slope);
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    Vec<T> message = load_lanes(dy + i, count - i);
    if (weight != nullptr) message = message * load_lanes(weight + i, count - i);
    const Vec<T> difference = load_lanes(x + i, count - i) - center;
    store_lanes(dx + i, ((message - first) - difference * second) * scale, count - i);
  }
}

template <class T>
void normalized_column_sums(const T* dy, const T* x, const T* mean, const T* inverse,
                            std::int64_t rows, std::int64_t pitch, std::int64_t columns, T* product,
                            T* total) {
  for (std::int64_t c = 0; c < columns; c += Vec<T>::lanes) {
    const std::int64_t count = columns - c;
    Vec<T> sums = zero<T>();
    Vec<T> products = zero<T>();
    for (std::int64_t row = 0; row < rows; ++row) {
      const Vec<T> message = load_lanes(dy + row * pitch + c, count);
      const Vec<T> difference = load_lanes(x + row * pitch + c, count) - broadcast(mean[row]);
      sums = sums + message;
      products = fma(message, difference * broadcast(inverse[row]), products);
    }
    store_lanes(total + c, sums, count);
    store_lanes(product + c, products, count);
  }
}
