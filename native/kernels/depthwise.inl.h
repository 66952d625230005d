// Rows of a depthwise convolution in tiles of outputs. Contracts: kernels/direct_conv.h.

/// Outputs of a tile: rows, where registers allow two, and columns. What a row of x gives to all of
/// them takes one load a pixel.
template <class T>
constexpr int kDepthwiseRows = kTile<T>.rows * (kTile<T>.columns / Vec<T>::lanes) >= 20 ? 2 : 1;
constexpr int kDepthwiseColumns = 7;

/// The sums of P rows and B columns, and the taps of one filter row for each row.
template <class T, int P, int B, int S>
struct DepthwiseTile {
  Vec<T> sums[P][B];
  Vec<T> taps[P][S];
};

/// Adds what a row of x gives to the outputs of the tile's rows [First, Last), rising taps in each.
/// Columns of x from w on; those outside of it count nothing.
template <class T, int P, int B, int S, int Step, int First, int Last, bool Edge, bool Whole>
STRIDENET_INLINE void add_depthwise_row(DepthwiseTile<T, P, B, S>& tile,
                                        const DirectConvInput<T>& in, const T* row, std::int64_t w,
                                        std::int64_t count) {
#pragma GCC unroll 32
  for (int j = 0; j < (B - 1) * Step + S; ++j) {
    const T* at = row;
    row += in.pixel_pitch;
    if (Edge && (w + j < 0 || w + j >= in.width)) continue;
    const Vec<T> x = Whole ? load(at) : load_lanes(at, count);
#pragma GCC unroll 2
    for (int a = First; a < Last; ++a) {
#pragma GCC unroll 8
      for (int s = 0; s < S; ++s) {
        const int b = (j - s) / Step;
        if (j < s || (j - s) % Step != 0 || b >= B) continue;
        tile.sums[a][b] = fma(x, tile.taps[a][s], tile.sums[a][b]);
      }
    }
  }
}

template <class T, int P, int B, int S, bool Whole>
STRIDENET_INLINE void load_depthwise_taps(DepthwiseTile<T, P, B, S>& tile, int a,
                                          const DirectConvRow<T>& call, std::int64_t r,
                                          std::int64_t c, std::int64_t count) {
#pragma GCC unroll 8
  for (int s = 0; s < S; ++s) {
    const T* at = call.weight + r * call.tap_row_pitch + s * call.tap_pitch + c;
    tile.taps[a][s] = Whole ? load(at) : load_lanes(at, count);
  }
}

/// Bias, residual and activation, then the outputs are written.
template <class T, int P, int B, int S, bool Whole>
STRIDENET_INLINE void store_depthwise(DepthwiseTile<T, P, B, S>& tile,
                                      const DirectConvRows<T>& call, std::int64_t place,
                                      std::int64_t c, std::int64_t count) {
  const DirectConvRow<T>& row = call.first;
  if (row.bias != nullptr) {
    const Vec<T> bias = Whole ? load(row.bias + c) : load_lanes(row.bias + c, count);
#pragma GCC unroll 2
    for (int a = 0; a < P; ++a) {
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) tile.sums[a][b] = tile.sums[a][b] + bias;
    }
  }
  if (row.residual != nullptr) {
#pragma GCC unroll 2
    for (int a = 0; a < P; ++a) {
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) {
        const T* at = row.residual + place + a * call.y_row_pitch + b * row.y_pitch;
        tile.sums[a][b] = tile.sums[a][b] + (Whole ? load(at) : load_lanes(at, count));
      }
    }
  }
  if (row.activation != Activation::none) {
#pragma GCC unroll 2
    for (int a = 0; a < P; ++a) {
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) tile.sums[a][b] = activate(row.activation, tile.sums[a][b]);
    }
  }
#pragma GCC unroll 2
  for (int a = 0; a < P; ++a) {
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      T* at = row.y + place + a * call.y_row_pitch + b * row.y_pitch;
      if (!Whole) {
        store_lanes(at, tile.sums[a][b], count);
      } else if (kVectorBytes == 64 && call.past_caches) {
        store_past_caches(at, tile.sums[a][b]);
      } else {
        store(at, tile.sums[a][b]);
      }
    }
  }
}

/// The channels from c on of P rows from p and B columns from q on.
template <class T, int P, int B, int S, int Step, bool Edge, bool Whole>
STRIDENET_INLINE void depthwise_tile(const DirectConvRows<T>& call, std::int64_t p, std::int64_t q,
                                     std::int64_t c, std::int64_t count) {
  const DirectConvRow<T>& row = call.first;
  const DirectConvInput<T>& in = row.input;
  const std::int64_t h = in.h + p * call.stride_h;
  const std::int64_t w = in.w + q * Step;
  const T* x = in.x + h * in.row_pitch + w * in.pixel_pitch + c;
  const std::int64_t between = (P - 1) * call.stride_h;
  const std::int64_t ahead = P * call.stride_h;
  DepthwiseTile<T, P, B, S> tile;
#pragma GCC unroll 2
  for (int a = 0; a < P; ++a) {
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) tile.sums[a][b] = zero<T>();
    // Compilers do not see that a row's taps are loaded before they are used.
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) tile.taps[a][s] = zero<T>();
  }
  for (std::int64_t i = 0; i < between + in.taps_h; ++i) {
    if (h + i >= 0 && h + i < in.height) {
      const bool first = i < in.taps_h;
      const bool last = i >= between;
      if (first) load_depthwise_taps<T, P, B, S, Whole>(tile, 0, row, i, c, count);
      if (P == 2 && last) {
        load_depthwise_taps<T, P, B, S, Whole>(tile, P - 1, row, i - between, c, count);
      }
      if (first && last) {
        add_depthwise_row<T, P, B, S, Step, 0, P, Edge, Whole>(tile, in, x, w, count);
      } else if (first) {
        add_depthwise_row<T, P, B, S, Step, 0, 1, Edge, Whole>(tile, in, x, w, count);
      } else if (last) {
        add_depthwise_row<T, P, B, S, Step, P - 1, P, Edge, Whole>(tile, in, x, w, count);
      }
    }
    // The rows that the next tile meets first: the hardware does not see so many streams coming.
    if (i >= between + in.taps_h - ahead && h + i + ahead < in.height) {
      const T* next = x + ahead * in.row_pitch;
#pragma GCC unroll 16
      for (int j = 0; j < B * Step; ++j) __builtin_prefetch(next + j * in.pixel_pitch, 0, 2);
    }
    x += in.row_pitch;
  }
  store_depthwise<T, P, B, S, Whole>(tile, call, p * call.y_row_pitch + q * row.y_pitch + c, c,
                                     count);
}

/// All channels of a tile's outputs, so that memory is walked along.
template <class T, int P, int B, int S, int Step>
void depthwise_pixels(const DirectConvRows<T>& call, std::int64_t p, std::int64_t q) {
  constexpr int lanes = Vec<T>::lanes;
  const DirectConvRow<T>& row = call.first;
  const std::int64_t w = row.input.w + q * Step;
  const bool edge = w < 0 || w + (B - 1) * Step + S > row.input.width;
  const std::int64_t whole = row.channels / lanes * lanes;
  if (edge) {
    for (std::int64_t c = 0; c < whole; c += lanes) {
      depthwise_tile<T, P, B, S, Step, true, true>(call, p, q, c, lanes);
    }
  } else {
    for (std::int64_t c = 0; c < whole; c += lanes) {
      depthwise_tile<T, P, B, S, Step, false, true>(call, p, q, c, lanes);
    }
  }
  if (whole < row.channels) {
    depthwise_tile<T, P, B, S, Step, true, false>(call, p, q, whole, row.channels - whole);
  }
}

/// P rows from p on. The last tile reaches back into the one before it: what it computes again has
/// the same bits.
template <class T, int P, int S, int Step>
void depthwise_tiles(const DirectConvRows<T>& call, std::int64_t p) {
  constexpr int B = kDepthwiseColumns;
  const std::int64_t columns = call.first.columns;
  std::int64_t q = 0;
  for (; q + B <= columns; q += B) depthwise_pixels<T, P, B, S, Step>(call, p, q);
  if (q < columns) depthwise_pixels<T, P, B, S, Step>(call, p, columns - B);
}

template <class T, int S, int Step>
void depthwise_rows(const DirectConvRows<T>& call) {
  constexpr int P = kDepthwiseRows<T>;
  std::int64_t p = 0;
  for (; p + P <= call.rows; p += P) depthwise_tiles<T, P, S, Step>(call, p);
  if constexpr (P > 1) {
    if (p < call.rows) depthwise_tiles<T, 1, S, Step>(call, p);
  }
}

/// The calls that tiles are made for, or null.
template <class T>
using DepthwiseRows = void (*)(const DirectConvRows<T>&);
template <class T>
DepthwiseRows<T> depthwise_rows_for(const DirectConvRows<T>& call) {
  const DirectConvInput<T>& in = call.first.input;
  if (in.inner != 1 || in.dilation_h != 1 || in.dilation_w != 1 || in.taps_h == 0 ||
      call.first.columns < kDepthwiseColumns) {
    return nullptr;
  }
  if (in.stride_w == 2) {
    return in.taps_w == 3   ? &depthwise_rows<T, 3, 2>
           : in.taps_w == 5 ? &depthwise_rows<T, 5, 2>
                            : nullptr;
  }
  if (in.stride_w != 1) return nullptr;
  switch (in.taps_w) {
    case 1:
      return depthwise_rows<T, 1, 1>;
    case 2:
      return depthwise_rows<T, 2, 1>;
    case 3:
      return depthwise_rows<T, 3, 1>;
    case 5:
      return depthwise_rows<T, 5, 1>;
    case 7:
      return depthwise_rows<T, 7, 1>;
    default:
      return nullptr;
  }
}

/// Row p of the call alone.
template <class T>
DirectConvRow<T> direct_conv_row_of(const DirectConvRows<T>& call, std::int64_t p) {
  DirectConvRow<T> row = call.first;
  row.input.h += p * call.stride_h;
  row.y += p * call.y_row_pitch;
  if (row.residual != nullptr) row.residual += p * call.y_row_pitch;
  return row;
}

template <class T>
void direct_conv_rows(const DirectConvRows<T>& call) {
  if (const DepthwiseRows<T> rows = depthwise_rows_for(call)) {
    rows(call);
    if (call.past_caches) order_stores();
    return;
  }
  for (std::int64_t p = 0; p < call.rows; ++p) direct_conv_row(direct_conv_row_of(call, p));
}

template <class T>
void direct_conv_narrow_rows(const DirectConvRows<T>& call) {
  for (std::int64_t p = 0; p < call.rows; ++p) direct_conv_narrow_row(direct_conv_row_of(call, p));
}
