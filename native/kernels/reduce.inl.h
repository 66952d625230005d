// Sums. Contracts: kernels/reduce.h.

template <class T>
STRIDENET_INLINE Vec<T> sum_column_vector(const T* from, std::int64_t rows, std::int64_t pitch,
                                          int valid) {
  Vec<T> sums[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) sums[i] = zero<T>();
  std::int64_t row = 0;
  for (; row + 8 <= rows; row += 8) {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      sums[i] = sums[i] + (valid == Vec<T>::lanes ? load(from) : load_partial(from, valid));
      from += pitch;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    if (row + i < rows) sums[i] = sums[i] + load_partial(from + i * pitch, valid);
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

template <class T>
void sum_rows(const T* from, std::int64_t rows, std::int64_t columns, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t column = 0;
  for (; column + lanes <= columns; column += lanes) {
    store(to + column, sum_column_vector(from + column, rows, columns, lanes));
  }
  if (column < columns) {
    const int valid = static_cast<int>(columns - column);
    store_partial(to + column, sum_column_vector(from + column, rows, columns, valid), valid);
  }
}
