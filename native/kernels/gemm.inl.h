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
  std::int64_t row_step, half_step, depth_step;
  const DepthRun* runs;
  const T* b;
  std::int64_t b_pitch, b_panel_stride;
  T* c;
  const std::int64_t* row_offsets;
  const T* bias;
  const T* residual;
  const T* next;  // memory to prefetch, a line for each k, with gaps after runs
  std::int64_t next_gap;
  std::int64_t depth;
  int columns;
  bool accumulate;
  Activation activation;
  bool stream;
};

/// The vector at column `first` of a row of which `columns` may be touched.
template <class T>
STRIDENET_INLINE Vec<T> load_columns(const T* row, int first, int columns) {
  return columns - first >= Vec<T>::lanes ? load(row + first)
                                          : load_partial(row + first, columns - first);
}

/// Rows × (Vectors · lanes) sums, in registers.
template <class T, int Rows, int Vectors>
using TileSums = Vec<T>[Rows][Vectors];

/// A · B over the whole depth. The rows of A are addressed from two pointers: multiples of the step
/// fit the addressing modes of CPUs, a pointer a row not their registers.
template <class T, int Rows, int Vectors>
STRIDENET_INLINE void multiply_tile(const TileCall<T>& call, TileSums<T, Rows, Vectors>& sums) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int kHalf = (Rows + 1) / 2;
  constexpr int kPanel = kTile<T>.columns / lanes;
  constexpr std::int64_t line = 64 / sizeof(T);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < Vectors; ++j) sums[i][j] = zero<T>();
  }
  const std::int64_t row_step = call.row_step;
  const std::int64_t depth_step = call.depth_step;
  const T* first = call.a;
  const T* second = call.a + call.half_step;
  const T* b = call.b;
  const std::int64_t b_pitch = call.b_pitch;
  const std::int64_t b_panel_stride = call.b_panel_stride;
  const T* next = call.next;
  const DepthRun* run = call.runs;
  for (std::int64_t left = call.depth; left > 0; left -= run->length, ++run) {
    for (std::int64_t k = left < run->length ? left : run->length; k > 0; --k) {
      __builtin_prefetch(next, 0, 2);
      next += line;
      asm("" : "+r"(first), "+r"(second));
      Vec<T> columns[Vectors];
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) {
        columns[j] = load(b + j / kPanel * b_panel_stride + j % kPanel * lanes);
      }
#pragma GCC unroll 16
      for (int i = 0; i < Rows; ++i) {
        const Vec<T> row =
            broadcast(i < kHalf ? first[i * row_step] : second[(i - kHalf) * row_step]);
#pragma GCC unroll 16
        for (int j = 0; j < Vectors; ++j) sums[i][j] = fma(row, columns[j], sums[i][j]);
      }
      first += depth_step;
      second += depth_step;
      b += b_pitch;
    }
    first += run->gap;
    second += run->gap;
    next += call.next_gap;
  }
}

/// Adds C, the bias and the residual, and applies the activation.
template <class T, int Rows, int Vectors>
STRIDENET_INLINE void finish_tile(const TileCall<T>& call, TileSums<T, Rows, Vectors>& sums) {
  constexpr int lanes = Vec<T>::lanes;
  if (call.accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) {
        sums[i][j] = load_columns(c, j * lanes, call.columns) + sums[i][j];
      }
    }
  }
  if (call.bias != nullptr) {
#pragma GCC unroll 16
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
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) {
        sums[i][j] = sums[i][j] + load_columns(residual, j * lanes, call.columns);
      }
    }
  }
  if (call.activation != Activation::none) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) sums[i][j] = activate(call.activation, sums[i][j]);
    }
  }
}

template <class T, int Rows, int Vectors>
STRIDENET_INLINE void store_tile(const TileCall<T>& call, const TileSums<T, Rows, Vectors>& sums) {
  constexpr int lanes = Vec<T>::lanes;
  if (call.stream) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) store_past_caches(c + j * lanes, sums[i][j]);
    }
  } else if (call.columns == Vectors * lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) store(c + j * lanes, sums[i][j]);
    }
  } else {
    const int tail = call.columns - (Vectors - 1) * lanes;
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      T* c = call.c + call.row_offsets[i];
#pragma GCC unroll 16
      for (int j = 0; j < Vectors - 1; ++j) store(c + j * lanes, sums[i][j]);
      store_partial(c + (Vectors - 1) * lanes, sums[i][Vectors - 1], tail);
    }
  }
}

/// Rows × (Vectors · lanes) elements of C.
template <class T, int Rows, int Vectors>
void gemm_tile(const TileCall<T>& call) {
  if (!call.stream) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
      for (int j = 0; j < Vectors; ++j) {
        __builtin_prefetch(call.c + call.row_offsets[i] + j * Vec<T>::lanes);
      }
    }
  }
  TileSums<T, Rows, Vectors> sums;
  multiply_tile<T, Rows, Vectors>(call, sums);
  finish_tile<T, Rows, Vectors>(call, sums);
  store_tile<T, Rows, Vectors>(call, sums);
}

template <class T>
using TileFunction = void (*)(const TileCall<T>&);

/// The micro-kernel of Rows × up to Vectors vectors that fits `vectors`: all, or by halves.
template <class T, int Rows, int Vectors>
TileFunction<T> choose_width(std::int64_t vectors, int& taken) {
  if constexpr (Vectors > 1) {
    if (vectors < Vectors) return choose_width<T, Rows, Vectors / 2>(vectors, taken);
  }
  taken = Vectors;
  return &gemm_tile<T, Rows, Vectors>;
}

/// The micro-kernel of `rows` rows and the most of `vectors` vectors that its registers hold.
template <class T, int Rows = kTile<T>.rows>
TileFunction<T> choose_wide_tile(int rows, std::int64_t vectors, int& taken) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return choose_wide_tile<T, Rows - 1>(rows, vectors, taken);
  }
  constexpr int lanes = Vec<T>::lanes;
  return choose_width<T, Rows, wide_columns(kTile<T>, lanes, Rows) / lanes>(vectors, taken);
}

template <class T, int Vectors, int Rows>
TileFunction<T> tile_of_rows(int rows) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return tile_of_rows<T, Vectors, Rows - 1>(rows);
  }
  return &gemm_tile<T, Rows, Vectors>;
}

/// The micro-kernel of that size.
template <class T, int Vectors = kTile<T>.columns / Vec<T>::lanes>
TileFunction<T> choose_tile(int rows, int columns) {
  if constexpr (Vectors > 1) {
    if (columns <= (Vectors - 1) * Vec<T>::lanes) {
      return choose_tile<T, Vectors - 1>(rows, columns);
    }
  }
  return tile_of_rows<T, Vectors, kTile<T>.rows>(rows);
}

template <class T>
STRIDENET_INLINE int rows_at(const GemmBlock<T>& block, std::int64_t row) {
  const std::int64_t left = block.rows - row;
  return static_cast<int>(left < block.panel_rows ? left : block.panel_rows);
}

/// Where the tile of `rows` rows at (row, column) of a block has its A, C, bias and residual.
template <class T>
STRIDENET_INLINE void place_tile(const GemmBlock<T>& block, std::int64_t row, int rows,
                                 std::int64_t column, TileCall<T>& call) {
  const bool halves = block.half_step != 0 && rows == block.panel_rows;
  call.half_step = halves ? block.half_step : (rows + 1) / 2 * block.row_step;
  call.stream = block.stream && call.columns % Vec<T>::lanes == 0;
  call.row_offsets = block.row_offsets + row;
  call.c = block.c + column;
  call.bias = block.bias == nullptr ? nullptr : block.bias + column;
  call.residual = block.residual == nullptr ? nullptr : block.residual + column;
}

/// The tile at (row, column) of a block; `call` holds what all tiles have in common.
template <class T>
STRIDENET_INLINE void multiply_at(const GemmBlock<T>& block, std::int64_t row, std::int64_t column,
                                  TileCall<T>& call) {
  constexpr int panel_columns = kTile<T>.columns;
  const std::int64_t columns_left = block.columns - column;
  const int rows = rows_at(block, row);
  call.columns = static_cast<int>(columns_left < panel_columns ? columns_left : panel_columns);
  place_tile(block, row, rows, column, call);
  choose_tile<T>(rows, call.columns)(call);
}

/// Rows whose sums are too few for the latency of additions in tiles of one panel of B.
constexpr int kFewRows = 3;

/// Lines of memory that a row of KC elements takes.
template <class T>
constexpr std::int64_t kRowLines = (kTile<T>.depth * static_cast<int>(sizeof(T)) + 63) / 64;

/// A row without gaps, in as many runs as a tile asks for rows of what comes next.
template <class T>
struct WholeRow {
  DepthRun runs[(kTile<T>.depth + kRowLines<T> - 1) / kRowLines<T>] = {};
  constexpr WholeRow() {
    for (DepthRun& run : runs) run = {kRowLines<T>, 0};
  }
};
template <class T>
constexpr WholeRow<T> kWholeRow;

/// All rows of A pass the columns of one tile, which is as wide as registers allow, before the next
/// ones are read: for a B that lies in memory as it is, and for few rows.
template <class T>
STRIDENET_INLINE void multiply_wide(const GemmBlock<T>& block, TileCall<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int panel_columns = kTile<T>.columns;
  const std::int64_t width = wide_columns(kTile<T>, lanes, block.panel_rows);
  call.next_gap = block.b_pitch - kRowLines<T> * (64 / static_cast<int>(sizeof(T)));
  for (std::int64_t first = 0; first < block.columns; first += width) {
    const std::int64_t left = block.columns - first;
    const std::int64_t end = first + (left < width ? left : width);
    call.a = block.a;
    for (std::int64_t row = 0; row < block.rows; row += block.panel_rows) {
      const int rows = rows_at(block, row);
      for (std::int64_t column = first; column < end;) {
        int vectors = 0;
        const TileFunction<T> tile =
            choose_wide_tile<T>(rows, (end - column + lanes - 1) / lanes, vectors);
        const std::int64_t taken = vectors * lanes;
        call.columns = static_cast<int>(end - column < taken ? end - column : taken);
        call.b = block.b + column / panel_columns * block.b_panel_stride + column % panel_columns;
        call.next = call.b;
        place_tile(block, row, rows, column, call);
        tile(call);
        column += taken;
      }
      call.a += block.a_panel_stride;
    }
  }
}

template <class T>
void gemm_block(const GemmBlock<T>& block) {
  constexpr std::int64_t line = 64 / sizeof(T);
  constexpr std::int64_t lines = kRowLines<T>;
  constexpr int panel_columns = kTile<T>.columns;
  // Rows of what comes next that one tile asks for.
  const std::int64_t next_rows = (block.depth + lines - 1) / lines;
  TileCall<T> call = {};
  call.row_step = block.row_step;
  call.depth_step = block.depth_step;
  call.runs = block.runs == nullptr ? kWholeRow<T>.runs : block.runs;
  call.b_pitch = block.b_pitch;
  call.b_panel_stride = block.b_panel_stride;
  call.depth = block.depth;
  call.accumulate = block.accumulate;
  call.activation = block.activation;
  call.a = block.a;
  call.b = block.b;
  if (block.b_in_place || (block.rows <= kFewRows && block.columns > panel_columns)) {
    multiply_wide(block, call);
  } else if (block.columns_first) {
    // B's panel stays in the first cache while all A panels, which stay in the second, pass it.
    for (std::int64_t column = 0; column < block.columns; column += panel_columns) {
      call.a = block.a;
      call.next = call.b + block.b_panel_stride;
      for (std::int64_t row = 0; row < block.rows; row += block.panel_rows) {
        multiply_at(block, row, column, call);
        call.a += block.a_panel_stride;
        call.next += next_rows * lines * line;
      }
      call.b += block.b_panel_stride;
    }
  } else {
    for (std::int64_t row = 0; row < block.rows; row += block.panel_rows) {
      call.b = block.b;
      std::int64_t next_row = block.next_pitch == 0 ? block.panel_rows : 0;
      for (std::int64_t column = 0; column < block.columns; column += panel_columns) {
        const bool more = next_row < block.panel_rows;
        call.next =
            more ? block.next + (row + next_row) * block.next_pitch : call.b + block.b_panel_stride;
        call.next_gap = more ? block.next_pitch - lines * line : 0;
        next_row += next_rows;
        multiply_at(block, row, column, call);
        call.b += block.b_panel_stride;
      }
      call.a += block.a_panel_stride;
    }
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
