// The micro-kernel and the loops over one block. Contracts: kernels/gemm.h.

template <class T>
STRIDENET_INLINE Vec<T> relu_of(Vec<T> x) {
  return select(less_equal(x, zero<T>()), zero<T>(), x);
}

template <class T>
STRIDENET_INLINE Vec<T> activate(Activation activation, Vec<T> x) {
  if (activation == Activation::none) return x;
  const Vec<T> positive = relu_of(x);
  return activation == Activation::relu6 ? min(broadcast(T{6}), positive) : positive;
}

/// One micro-kernel's share of a block.
template <class T>
struct TileCall {
  const T* a;
  const T* b;
  std::int64_t b_pitch;
  T* c;
  const std::int64_t* row_offsets;
  const T* bias;
  const T* residual;
  const T* next_b;           // memory to prefetch while the tile is computed
  std::int64_t next_b_step;  // elements of it a product
  std::int64_t depth;
  int columns;
  bool accumulate;
  Activation activation;
  bool stream;
};

template <class T, PanelLayout Layout>
constexpr int kRowStep = Layout == PanelLayout::depth_major  ? 1
                         : Layout == PanelLayout::short_rows ? kShortPitch
                                                             : row_pitch(kTile<T>);
template <class T, PanelLayout Layout>
constexpr int kDepthStep = Layout == PanelLayout::depth_major ? kTile<T>.rows : 1;

/// The vector at column `first` of a row of which `columns` may be touched.
template <class T>
STRIDENET_INLINE Vec<T> load_columns(const T* row, int first, int columns) {
  return columns - first >= Vec<T>::lanes ? load(row + first)
                                          : load_partial(row + first, columns - first);
}

/// Rows × (Vectors · lanes) elements of C, kept in registers over the whole depth.
template <class T, int Rows, int Vectors, PanelLayout Layout>
void gemm_tile(const TileCall<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sums[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) sums[i][j] = zero<T>();
  }
  const T* a = call.a;
  const T* b = call.b;
  const std::int64_t b_pitch = call.b_pitch;
  const T* next_b = call.next_b;
  const std::int64_t next_b_step = call.next_b_step;
  if (call.accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) {
        __builtin_prefetch(call.c + call.row_offsets[i] + j * lanes);
      }
    }
  }
  for (std::int64_t k = call.depth; k > 0; --k) {
    __builtin_prefetch(next_b);
    __builtin_prefetch(next_b + 64 / sizeof(T));
    next_b += next_b_step;
    Vec<T> columns[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) columns[j] = load(b + j * lanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vec<T> row = broadcast(a[i * kRowStep<T, Layout>]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) sums[i][j] = fma(row, columns[j], sums[i][j]);
    }
    a += kDepthStep<T, Layout>;
    b += b_pitch;
  }
  if (call.accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) {
        sums[i][j] = load_columns(c, j * lanes, call.columns) + sums[i][j];
      }
    }
  }
  if (call.bias != nullptr) {
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; ++j) {
      const Vec<T> bias = load_columns(call.bias, j * lanes, call.columns);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) sums[i][j] = sums[i][j] + bias;
    }
  }
  if (call.residual != nullptr) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const T* residual = call.residual + call.row_offsets[i];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) {
        sums[i][j] = sums[i][j] + load_columns(residual, j * lanes, call.columns);
      }
    }
  }
  if (call.activation != Activation::none) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) sums[i][j] = activate(call.activation, sums[i][j]);
    }
  }
  if (call.stream) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) store_past_caches(c + j * lanes, sums[i][j]);
    }
  } else if (call.columns == Vectors * lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; ++j) store(c + j * lanes, sums[i][j]);
    }
  } else {
    const int tail = call.columns - (Vectors - 1) * lanes;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors - 1; ++j) store(c + j * lanes, sums[i][j]);
      store_partial(c + (Vectors - 1) * lanes, sums[i][Vectors - 1], tail);
    }
  }
}

template <class T>
using TileFunction = void (*)(const TileCall<T>&);

template <class T, PanelLayout Layout, int Vectors, int Rows>
TileFunction<T> tile_of_rows(int rows) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return tile_of_rows<T, Layout, Vectors, Rows - 1>(rows);
  }
  return &gemm_tile<T, Rows, Vectors, Layout>;
}

template <class T, PanelLayout Layout, int Vectors>
TileFunction<T> tile_of(int rows, int vectors) {
  if constexpr (Vectors > 1) {
    if (vectors < Vectors) return tile_of<T, Layout, Vectors - 1>(rows, vectors);
  }
  return tile_of_rows<T, Layout, Vectors, kTile<T>.rows>(rows);
}

/// The micro-kernel of that size.
template <class T>
TileFunction<T> choose_tile(PanelLayout layout, int rows, int columns) {
  constexpr int vectors = kTile<T>.columns / Vec<T>::lanes;
  const int needed = (columns + Vec<T>::lanes - 1) / Vec<T>::lanes;
  switch (layout) {
    case PanelLayout::row_major:
      return tile_of<T, PanelLayout::row_major, vectors>(rows, needed);
    case PanelLayout::short_rows:
      return tile_of<T, PanelLayout::short_rows, vectors>(rows, needed);
    case PanelLayout::depth_major:
      break;
  }
  return tile_of<T, PanelLayout::depth_major, vectors>(rows, needed);
}

// B's panel stays in the first cache while all A panels pass it.
template <class T>
void gemm_block(const GemmBlock<T>& block) {
  constexpr int panel_columns = kTile<T>.columns;
  TileCall<T> call = {};
  call.b_pitch = block.b_pitch;
  call.depth = block.depth;
  call.accumulate = block.accumulate;
  call.activation = block.activation;
  call.b = block.b;
  // While B's panel is in use, what follows it comes nearer: every tile asks for a part of it.
  const std::int64_t panels = (block.rows + block.panel_rows - 1) / block.panel_rows;
  const std::int64_t share = block.b_pitch / (panels > 0 ? panels : 1);
  call.next_b_step = block.b_pitch == panel_columns ? share : 0;
  const std::int64_t next_b_part = call.next_b_step * block.depth;
  for (std::int64_t column = 0; column < block.columns; column += panel_columns) {
    const std::int64_t left = block.columns - column;
    call.columns = static_cast<int>(left < panel_columns ? left : panel_columns);
    call.stream = block.stream && call.columns % Vec<T>::lanes == 0;
    call.next_b =
        call.b + (left > panel_columns ? block.b_panel_stride : block.depth * block.b_pitch);
    call.c = block.c + column;
    call.bias = block.bias == nullptr ? nullptr : block.bias + column;
    call.residual = block.residual == nullptr ? nullptr : block.residual + column;
    const TileFunction<T> whole = choose_tile<T>(block.layout, block.panel_rows, call.columns);
    call.a = block.a;
    std::int64_t row = 0;
    for (; row + block.panel_rows <= block.rows; row += block.panel_rows) {
      call.row_offsets = block.row_offsets + row;
      whole(call);
      call.a += block.a_panel_stride;
      call.next_b += next_b_part;
    }
    if (row < block.rows) {
      call.row_offsets = block.row_offsets + row;
      choose_tile<T>(block.layout, static_cast<int>(block.rows - row), call.columns)(call);
    }
    call.b += block.b_panel_stride;
  }
  if (block.stream) order_stores();
}

template <class T>
T fma_peak(std::int64_t rounds) {
  Vec<T> chains[kFmaChains];
  const Vec<T> factor = broadcast(static_cast<T>(0.5));
#pragma GCC unroll 16
  for (int i = 0; i < kFmaChains; ++i) chains[i] = broadcast(static_cast<T>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kFmaChains; ++i) chains[i] = fma(chains[i], factor, factor);
  }
  Vec<T> total = zero<T>();
  for (int i = 0; i < kFmaChains; ++i) total = total + chains[i];
  return sum(total);
}
