// Direct convolution of groups of few channels. Contracts: kernels/direct_conv.h.

/// The outputs [first, last) of a row whose taps are all inside, and the filter rows that are.
struct DirectRange {
  std::int64_t first, last;
  std::int64_t row_first, row_last;
};

STRIDENET_INLINE std::int64_t taps_from(std::int64_t start, std::int64_t dilation) {
  return start < 0 ? (-start + dilation - 1) / dilation : 0;
}
STRIDENET_INLINE std::int64_t taps_to(std::int64_t start, std::int64_t dilation, std::int64_t taps,
                                      std::int64_t size) {
  const std::int64_t inside = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  return inside < taps ? inside : taps;
}

template <class T>
STRIDENET_INLINE DirectRange direct_range(const DirectConvInput<T>& in, std::int64_t columns) {
  DirectRange range;
  range.row_first = taps_from(in.h, in.dilation_h);
  range.row_last = taps_to(in.h, in.dilation_h, in.taps_h, in.height);
  const std::int64_t room = in.width - 1 - (in.taps_w - 1) * in.dilation_w - in.w;
  range.first = clamp(in.w < 0 ? (-in.w + in.stride_w - 1) / in.stride_w : 0, 0, columns);
  range.last = clamp(room < 0 ? 0 : room / in.stride_w + 1, range.first, columns);
  return range;
}

/// V vectors of channels from c on at B outputs from q on, over the taps [s_first, s_last) of the
/// filter rows. Only the last vector may have fewer lanes, `count` of them, when not Whole.
template <class T, int V, int B, bool Whole>
STRIDENET_INLINE void direct_outputs(const DirectConvRow<T>& call, const DirectRange& range,
                                     std::int64_t q, std::int64_t s_first, std::int64_t s_last,
                                     std::int64_t c, std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  const DirectConvInput<T>& in = call.input;
  const std::int64_t step = in.stride_w * in.pixel_pitch;
  Vec<T> sums[B][V];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[b][v] = zero<T>();
  }
  for (std::int64_t r = range.row_first; r < range.row_last; ++r) {
    const T* row = in.x + (in.h + r * in.dilation_h) * in.row_pitch +
                   (in.w + q * in.stride_w) * in.pixel_pitch + c;
    const T* filter_row = call.weight + r * call.tap_row_pitch + c;
    for (std::int64_t s = s_first; s < s_last; ++s) {
      const T* x = row + s * in.dilation_w * in.pixel_pitch;
      const T* filter = filter_row + s * call.tap_pitch;
      for (std::int64_t i = 0; i < in.inner; ++i) {
        Vec<T> w[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          w[v] = Whole ? load(filter + v * lanes) : load_lanes(filter + v * lanes, count);
        }
#pragma GCC unroll 8
        for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) {
            const T* at = x + b * step + v * lanes;
            sums[b][v] = fma(Whole ? load(at) : load_lanes(at, count), w[v], sums[b][v]);
          }
        }
        x += in.inner_pitch;
        filter += call.weight_inner_pitch;
      }
    }
  }
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const std::int64_t channel = c + v * lanes;
      Vec<T> sum = sums[b][v];
      if (call.bias != nullptr) {
        sum = sum + (Whole ? load(call.bias + channel) : load_lanes(call.bias + channel, count));
      }
      const std::int64_t place = (q + b) * call.y_pitch + channel;
      if (call.residual != nullptr) {
        const T* residual = call.residual + place;
        sum = sum + (Whole ? load(residual) : load_lanes(residual, count));
      }
      sum = activate(call.activation, sum);
      T* y = call.y + place;
      if (Whole) {
        store(y, sum);
      } else {
        store_lanes(y, sum, count);
      }
    }
  }
}

/// All channels of B outputs from q on, so that memory is walked along.
template <class T, int B>
void direct_pixels(const DirectConvRow<T>& call, const DirectRange& range, std::int64_t q,
                   std::int64_t s_first, std::int64_t s_last) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t c = 0;
  for (; c + 2 * lanes <= call.channels; c += 2 * lanes) {
    direct_outputs<T, 2, B, true>(call, range, q, s_first, s_last, c, lanes);
  }
  for (; c + lanes <= call.channels; c += lanes) {
    direct_outputs<T, 1, B, true>(call, range, q, s_first, s_last, c, lanes);
  }
  if (c < call.channels) {
    direct_outputs<T, 1, B, false>(call, range, q, s_first, s_last, c, call.channels - c);
  }
}

template <class T>
void direct_conv_row(const DirectConvRow<T>& call) {
  constexpr int block = 4;
  const DirectConvInput<T>& in = call.input;
  const DirectRange range = direct_range(in, call.columns);
  for (std::int64_t q = 0; q < call.columns;) {
    if (q >= range.first && q + block <= range.last) {
      direct_pixels<T, block>(call, range, q, 0, in.taps_w);
      q += block;
      continue;
    }
    const std::int64_t start = in.w + q * in.stride_w;
    direct_pixels<T, 1>(call, range, q, taps_from(start, in.dilation_w),
                        taps_to(start, in.dilation_w, in.taps_w, in.width));
    ++q;
  }
}

/// The gradients of B neighbouring elements (s, i) of filter row r, from element `first` on.
template <class T, int V, int B, bool Whole>
STRIDENET_INLINE void direct_filter_elements(const DirectConvFilterRow<T>& call,
                                             const DirectRange& range, std::int64_t r,
                                             std::int64_t first, std::int64_t c,
                                             std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  const DirectConvInput<T>& in = call.input;
  const T* row = in.x + (in.h + r * in.dilation_h) * in.row_pitch + in.w * in.pixel_pitch + c;
  std::int64_t column[B];
  std::int64_t offset[B];
  Vec<T> sums[B][V];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
    column[b] = (first + b) / in.inner * in.dilation_w;
    offset[b] = column[b] * in.pixel_pitch + (first + b) % in.inner * in.inner_pitch;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[b][v] = zero<T>();
  }
  const std::int64_t step = in.stride_w * in.pixel_pitch;
  for (std::int64_t q = range.first; q < range.last; ++q) {
    const T* x = row + q * step;
    const T* dy = call.dy + q * call.dy_pitch + c;
    Vec<T> delta[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      delta[v] = Whole ? load(dy + v * lanes) : load_lanes(dy + v * lanes, count);
    }
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const T* at = x + offset[b] + v * lanes;
        sums[b][v] = fma(Whole ? load(at) : load_lanes(at, count), delta[v], sums[b][v]);
      }
    }
  }
  for (std::int64_t edge = 0; edge < call.columns - (range.last - range.first); ++edge) {
    const std::int64_t q = edge < range.first ? edge : edge + range.last - range.first;
    const std::int64_t w = in.w + q * in.stride_w;
    const T* dy = call.dy + q * call.dy_pitch + c;
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      if (w + column[b] < 0 || w + column[b] >= in.width) continue;
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const T* at = row + q * step + offset[b] + v * lanes;
        sums[b][v] = fma(load_lanes(at, Whole ? lanes : count),
                         load_lanes(dy + v * lanes, Whole ? lanes : count), sums[b][v]);
      }
    }
  }
  T* dw = call.dw + (r * in.taps_w * in.inner + first) * call.dw_pitch + c;
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      T* at = dw + b * call.dw_pitch + v * lanes;
      store_lanes(at, load_lanes(at, Whole ? lanes : count) + sums[b][v], Whole ? lanes : count);
    }
  }
}

template <class T, int V, bool Whole>
void direct_filter_channels(const DirectConvFilterRow<T>& call, const DirectRange& range,
                            std::int64_t c, std::int64_t count) {
  const std::int64_t elements = call.input.taps_w * call.input.inner;
  for (std::int64_t r = range.row_first; r < range.row_last; ++r) {
    std::int64_t j = 0;
    for (; j + 5 <= elements; j += 4) {
      direct_filter_elements<T, V, 4, Whole>(call, range, r, j, c, count);
    }
    switch (elements - j) {
      case 4:
        direct_filter_elements<T, V, 4, Whole>(call, range, r, j, c, count);
        break;
      case 3:
        direct_filter_elements<T, V, 3, Whole>(call, range, r, j, c, count);
        break;
      case 2:
        direct_filter_elements<T, V, 2, Whole>(call, range, r, j, c, count);
        break;
      default:
        direct_filter_elements<T, V, 1, Whole>(call, range, r, j, c, count);
    }
  }
}

template <class T>
void direct_conv_filter_row(const DirectConvFilterRow<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const DirectRange range = direct_range(call.input, call.columns);
  std::int64_t c = 0;
  for (; c + 2 * lanes <= call.channels; c += 2 * lanes) {
    direct_filter_channels<T, 2, true>(call, range, c, lanes);
  }
  for (; c + lanes <= call.channels; c += lanes) {
    direct_filter_channels<T, 1, true>(call, range, c, lanes);
  }
  if (c < call.channels) direct_filter_channels<T, 1, false>(call, range, c, call.channels - c);
}

/// B outputs from q on with O channels, the vector over the inner channels.
template <class T, int B, int O>
STRIDENET_INLINE void narrow_outputs(const DirectConvRow<T>& call, const DirectRange& range,
                                     std::int64_t q, std::int64_t s_first, std::int64_t s_last) {
  const DirectConvInput<T>& in = call.input;
  const std::int64_t step = in.stride_w * in.pixel_pitch;
  Vec<T> sums[B][O];
#pragma GCC unroll 8
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 4
    for (int o = 0; o < O; ++o) sums[b][o] = zero<T>();
  }
  for (std::int64_t r = range.row_first; r < range.row_last; ++r) {
    for (std::int64_t s = s_first; s < s_last; ++s) {
      const T* x = in.x + (in.h + r * in.dilation_h) * in.row_pitch +
                   (in.w + q * in.stride_w + s * in.dilation_w) * in.pixel_pitch;
      const T* filter = call.weight + r * call.tap_row_pitch + s * call.tap_pitch;
      for (std::int64_t i = 0; i < in.inner; i += Vec<T>::lanes) {
        const std::int64_t count = in.inner - i;
        Vec<T> w[O];
#pragma GCC unroll 4
        for (int o = 0; o < O; ++o) {
          w[o] = load_lanes(filter + o * call.weight_inner_pitch + i, count);
        }
#pragma GCC unroll 8
        for (int b = 0; b < B; ++b) {
          const Vec<T> value = load_lanes(x + b * step + i, count);
#pragma GCC unroll 4
          for (int o = 0; o < O; ++o) sums[b][o] = fma(value, w[o], sums[b][o]);
        }
      }
    }
  }
  for (int b = 0; b < B; ++b) {
    for (int o = 0; o < O; ++o) {
      T value = sum(sums[b][o]);
      if (call.bias != nullptr) value += call.bias[o];
      const std::int64_t place = (q + b) * call.y_pitch + o;
      if (call.residual != nullptr) value += call.residual[place];
      if (call.activation != Activation::none && value <= 0) value = 0;
      if (call.activation == Activation::relu6 && value > 6) value = 6;
      call.y[place] = value;
    }
  }
}

template <class T, int B, int O>
void narrow_row(const DirectConvRow<T>& call) {
  const DirectConvInput<T>& in = call.input;
  const DirectRange range = direct_range(in, call.columns);
  for (std::int64_t q = 0; q < call.columns;) {
    if (q >= range.first && q + B <= range.last) {
      narrow_outputs<T, B, O>(call, range, q, 0, in.taps_w);
      q += B;
      continue;
    }
    const std::int64_t start = in.w + q * in.stride_w;
    narrow_outputs<T, 1, O>(call, range, q, taps_from(start, in.dilation_w),
                            taps_to(start, in.dilation_w, in.taps_w, in.width));
    ++q;
  }
}

template <class T>
void direct_conv_narrow_row(const DirectConvRow<T>& call) {
  switch (call.channels) {
    case 1:
      return narrow_row<T, 4, 1>(call);
    case 2:
      return narrow_row<T, 4, 2>(call);
    case 3:
      return narrow_row<T, 4, 3>(call);
    default:
      return narrow_row<T, 2, 4>(call);
  }
}

/// Lane l of the result is element l / P · I + J of a, then b.
template <class T, int P, int I, int J, int... L>
STRIDENET_INLINE Vec<T> pick_lanes(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  return {__builtin_shufflevector(a.v, b.v, (L / P * I + J)...)};
}

template <class T, int P, int I, int J>
STRIDENET_INLINE void store_picked(Vec<T> a, Vec<T> b, T* to, std::int64_t block) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  if constexpr (J < I) {
    store(to + J * block, pick_lanes<T, P, I, J>(a, b, Lanes{}));
    store_picked<T, P, I, J + 1>(a, b, to, block);
  }
}

/// P outputs and I inputs a group, where a vector of outputs meets at most two of inputs.
template <class T, int P, int I>
void expand_picked(const DirectConvExpand<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int met = lanes * I / P;
  const T* from = call.from + call.first;
  T* to = call.to;
  for (std::int64_t pixel = 0; pixel < call.pixels; ++pixel) {
    for (int v = 0; v < 2; ++v) {
      const Vec<T> a = load_lanes(from + v * met, met);
      const Vec<T> b = met > lanes ? load_lanes(from + v * met + lanes, met - lanes) : a;
      store_picked<T, P, I, 0>(a, b, to + v * lanes, call.block);
    }
    from += call.pitch;
    to += I * call.block;
  }
}

template <class T>
void direct_conv_expand(const DirectConvExpand<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t kind = call.regular ? call.per_group * 100 + call.inner : 0;
  if (kind == 404 && lanes >= 4) return expand_picked<T, 4, lanes >= 4 ? 4 : 1>(call);
  if (kind == 808 && lanes >= 8) return expand_picked<T, 8, lanes >= 8 ? 8 : 1>(call);
  if (kind == 202) return expand_picked<T, 2, 2>(call);
  if (kind == 201) return expand_picked<T, 2, 1>(call);
  if (kind == 102) return expand_picked<T, 1, 2>(call);
  const std::int64_t count = call.inner * call.block;
  const T* from = call.from;
  T* to = call.to;
  for (std::int64_t pixel = 0; pixel < call.pixels; ++pixel) {
    for (std::int64_t j = 0; j < count; ++j) to[j] = from[call.places[j]];
    from += call.pitch;
    to += count;
  }
}
