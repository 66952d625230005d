// Sums of outer products of rows. Contracts: kernels/outer_products.h.

template <class T, int Rows, int Vectors>
void outer_tile(const OuterProducts<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const int tail = call.columns - (Vectors - 1) * lanes;
  if (call.accumulate) {
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < Vectors; ++j) __builtin_prefetch(call.c + i * call.c_pitch + j * lanes);
    }
  }
  Vec<T> sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) sums[i][j] = zero<T>();
  }
  const std::int64_t a_step = call.a_step;
  const std::int64_t b_step = call.b_step;
  for (std::int64_t segment = 0; segment < call.segments; ++segment) {
    const T* a = call.a + call.a_offsets[segment];
    const T* b = call.b + call.b_offsets[segment];
    for (std::int64_t k = call.depth; k > 0; --k) {
      Vec<T> columns[Vectors];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) columns[j] = load(b + j * lanes);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const Vec<T> row = broadcast(a[i]);
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; ++j) sums[i][j] = fma(row, columns[j], sums[i][j]);
      }
      a += a_step;
      b += b_step;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    T* c = call.c + i * call.c_pitch;
#pragma GCC unroll 4
    for (int j = 0; j < Vectors - 1; ++j) {
      store(c + j * lanes, call.accumulate ? load(c + j * lanes) + sums[i][j] : sums[i][j]);
    }
    T* last = c + (Vectors - 1) * lanes;
    const Vec<T> sum = sums[i][Vectors - 1];
    store_partial(last, call.accumulate ? load_partial(last, tail) + sum : sum, tail);
  }
}

template <class T>
using OuterFunction = void (*)(const OuterProducts<T>&);

template <class T, int Rows, int Vectors>
OuterFunction<T> outer_tile_of(int rows, int vectors) {
  if constexpr (Vectors > 1) {
    if (vectors < Vectors) return outer_tile_of<T, Rows, Vectors - 1>(rows, vectors);
  }
  if constexpr (Rows > 1) {
    if (rows < Rows) return outer_tile_of<T, Rows - 1, Vectors>(rows, vectors);
  }
  return &outer_tile<T, Rows, Vectors>;
}

template <class T>
void outer_products(const OuterProducts<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  outer_tile_of<T, kTile<T>.rows, kTile<T>.columns / lanes>(
      call.rows, (call.columns + lanes - 1) / lanes)(call);
}
