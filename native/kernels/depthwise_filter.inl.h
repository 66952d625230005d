// Filter gradients of depthwise convolutions, the sums in registers over several rows. Contracts:
// kernels/direct_conv.h.

/// Outputs of a tile: as many gradients of them are in registers beside the sums.
template <class T>
constexpr int kDepthwiseFilterColumns = kDepthwiseRows<T> > 1 ? kDepthwiseColumns : 4;

/// Adds to the sums of R · S taps what P rows of `count` channels of dy, B columns each, give with
/// the rows of x from h on and its columns from w on; Tail: only `columns` of them.
template <class T, int R, int S, int Step, int P, int B, bool Edge, bool Tail, bool Whole>
STRIDENET_INLINE void add_depthwise_products(const DirectConvFilterRows<T>& call, const T* x,
                                             const T* dy, std::int64_t h, std::int64_t w,
                                             std::int64_t columns, std::int64_t count,
                                             Vec<T> (&sums)[R][S]) {
  const DirectConvInput<T>& in = call.first.input;
  Vec<T> deltas[P][B];
#pragma GCC unroll 2
  for (int a = 0; a < P; ++a) {
    const T* at = dy + a * call.dy_row_pitch;
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      deltas[a][b] = Tail && b >= columns ? zero<T>() : Whole ? load(at) : load_lanes(at, count);
      at += call.first.dy_pitch;
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < (P - 1) * Step + R; ++i) {
    if (h + i < 0 || h + i >= in.height) continue;
    const T* next = x + i * in.row_pitch;
#pragma GCC unroll 32
    for (int j = 0; j < (B - 1) * Step + S; ++j) {
      const T* at = next;
      next += in.pixel_pitch;
      if (Edge && (w + j < 0 || w + j >= in.width)) continue;
      const Vec<T> value = Whole ? load(at) : load_lanes(at, count);
#pragma GCC unroll 2
      for (int a = 0; a < P; ++a) {
        const int r = i - a * Step;
        if (r < 0 || r >= R) continue;
#pragma GCC unroll 8
        for (int s = 0; s < S; ++s) {
          const int b = (j - s) / Step;
          if (j < s || (j - s) % Step != 0 || b >= B) continue;
          if (Tail && b >= columns) continue;
          sums[r][s] = fma(value, deltas[a][b], sums[r][s]);
        }
      }
    }
  }
}

template <int Rows, int Columns, class T>
STRIDENET_INLINE void prefetch_pixels(const T* from, std::int64_t row_pitch, std::int64_t pitch) {
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
    const T* at = from + i * row_pitch;
#pragma GCC unroll 16
    for (int j = 0; j < Columns; ++j) {
      __builtin_prefetch(at, 0, 2);
      at += pitch;
    }
  }
}

/// What rows p to p + P of dy give to the sums of the channels from c on.
template <class T, int R, int S, int Step, int P, bool Whole>
STRIDENET_INLINE void add_depthwise_rows(const DirectConvFilterRows<T>& call, std::int64_t p,
                                         std::int64_t c, std::int64_t count, Vec<T> (&sums)[R][S]) {
  constexpr int B = kDepthwiseFilterColumns<T>;
  const DirectConvFilterRow<T>& row = call.first;
  const DirectConvInput<T>& in = row.input;
  const std::int64_t h = in.h + p * Step;
  for (std::int64_t q = 0; q < row.columns; q += B) {
    const std::int64_t w = in.w + q * Step;
    const T* x = in.x + h * in.row_pitch + w * in.pixel_pitch + c;
    const T* dy = row.dy + p * call.dy_row_pitch + q * row.dy_pitch + c;
    const std::int64_t columns = row.columns - q;
    if (call.ahead > 0) {
      prefetch_pixels<P, B>(dy + call.ahead * call.dy_row_pitch, call.dy_row_pitch, row.dy_pitch);
      prefetch_pixels<P * Step, B * Step>(x + (call.ahead * Step + R - Step) * in.row_pitch,
                                          in.row_pitch, in.pixel_pitch);
    }
    if (!Whole || columns < B) {
      add_depthwise_products<T, R, S, Step, P, B, true, true, Whole>(call, x, dy, h, w, columns,
                                                                     count, sums);
    } else if (w < 0 || w + (B - 1) * Step + S > in.width) {
      add_depthwise_products<T, R, S, Step, P, B, true, false, Whole>(call, x, dy, h, w, columns,
                                                                      count, sums);
    } else {
      add_depthwise_products<T, R, S, Step, P, B, false, false, Whole>(call, x, dy, h, w, columns,
                                                                       count, sums);
    }
  }
}

template <class T, int R, int S, int Step, bool Whole>
void depthwise_filter_channels(const DirectConvFilterRows<T>& call, std::int64_t c,
                               std::int64_t count) {
  constexpr int P = kDepthwiseRows<T>;
  Vec<T> sums[R][S];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) sums[r][s] = zero<T>();
  }
  std::int64_t p = 0;
  for (; p + P <= call.rows; p += P) {
    add_depthwise_rows<T, R, S, Step, P, Whole>(call, p, c, count, sums);
  }
  if constexpr (P > 1) {
    if (p < call.rows) add_depthwise_rows<T, R, S, Step, 1, Whole>(call, p, c, count, sums);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int s = 0; s < S; ++s) {
      T* at = call.first.dw + (r * S + s) * call.first.dw_pitch + c;
      store_lanes(at, load_lanes(at, count) + sums[r][s], count);
    }
  }
}

template <class T, int R, int S, int Step>
void depthwise_filter_rows(const DirectConvFilterRows<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t whole = call.first.channels / lanes * lanes;
  for (std::int64_t c = 0; c < whole; c += lanes) {
    depthwise_filter_channels<T, R, S, Step, true>(call, c, lanes);
  }
  if (whole < call.first.channels) {
    depthwise_filter_channels<T, R, S, Step, false>(call, whole, call.first.channels - whole);
  }
}

template <class T>
void direct_conv_filter_rows(const DirectConvFilterRows<T>& call) {
  const DirectConvInput<T>& in = call.first.input;
  const bool usual = in.inner == 1 && in.dilation_h == 1 && in.dilation_w == 1 && in.taps_h == 3 &&
                     in.taps_w == 3 && in.stride_w == call.stride_h;
  if (usual && in.stride_w == 1) return depthwise_filter_rows<T, 3, 3, 1>(call);
  if (usual && in.stride_w == 2) return depthwise_filter_rows<T, 3, 3, 2>(call);
  DirectConvFilterRow<T> row = call.first;
  for (std::int64_t p = 0; p < call.rows; ++p) {
    direct_conv_filter_row(row);
    row.input.h += call.stride_h;
    row.dy += call.dy_row_pitch;
  }
}
