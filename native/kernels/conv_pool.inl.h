// Convolution and max pooling in one pass. Contracts: kernels/conv_pool.h.

/// The sums of B windows of Cells cells, V vectors of filters each.
template <class T, int Cells, int B, int V>
struct ConvPoolSums {
  Vec<T> of[B][Cells][V];
};

/// The products [first, last) of each patch, summed from 0.
template <class T, int R, int S, int B, int V>
STRIDENET_INLINE void conv_pool_sum(const ConvPoolRow<T>& call, const T* x, std::int64_t first,
                                    std::int64_t last, ConvPoolSums<T, R * S, B, V>& sums) {
  constexpr int panel = kTile<T>.columns;
#pragma GCC unroll 16
  for (int i = 0; i < B * R * S; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums.of[i / (R * S)][i % (R * S)][v] = zero<T>();
  }
  const std::int64_t window_pitch = call.window_pitch;
  const std::int64_t cell_row = call.cell_row;
  const std::int64_t cell_column = call.cell_column;
  const std::int32_t* taps = call.taps;
  const T* weight = call.weight + first * panel;
  for (std::int64_t k = first; k < last; ++k) {
    const T* at = x + taps[k];
    Vec<T> w[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) w[v] = load(weight + v * Vec<T>::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < B * R * S; ++i) {
      const int cell = i % (R * S);
      const Vec<T> value =
          broadcast(at[i / (R * S) * window_pitch + cell / S * cell_row + cell % S * cell_column]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        sums.of[i / (R * S)][cell][v] = fma(value, w[v], sums.of[i / (R * S)][cell][v]);
      }
    }
    weight += panel;
  }
}

/// The maxima of a window's cells, the first of equals, and their places.
template <class T, int Cells, int V>
STRIDENET_INLINE void conv_pool_best(const Vec<T> (&cells)[Cells][V], PoolBest<T> (&best)[V]) {
  // A sum with a NaN in it is NaN; one of opposite infinities too, which does no harm.
  Vec<T> total = zero<T>();
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    best[v] = {cells[0][v], zero<T>()};
    total = total + cells[0][v];
  }
#pragma GCC unroll 16
  for (int i = 1; i < Cells; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      total = total + cells[i][v];
      const Mask<T> wins = less(best[v].value, cells[i][v]);
      best[v] = {select(wins, cells[i][v], best[v].value),
                 select(wins, broadcast(static_cast<T>(i)), best[v].place)};
    }
  }
  if (!any(is_nan(total))) return;
  for (int v = 0; v < V; ++v) {
    best[v] = {cells[0][v], zero<T>()};
    for (int i = 1; i < Cells; ++i) {
      const Mask<T> wins = mask_and(mask_not(less_equal(cells[i][v], best[v].value)),
                                    mask_not(is_nan(best[v].value)));
      best[v] = {select(wins, cells[i][v], best[v].value),
                 select(wins, broadcast(static_cast<T>(i)), best[v].place)};
    }
  }
}

/// Which cells of a window equal `best`, a bit each.
template <class T, int Cells, int V>
STRIDENET_INLINE Vec<T> conv_pool_mask(const Vec<T> (&cells)[Cells][V], int v, Vec<T> best) {
  Vec<T> mask = zero<T>();
#pragma GCC unroll 16
  for (int i = 0; i < Cells; ++i) {
    const Vec<T> bit = broadcast(static_cast<T>(1 << i));
    mask = mask + select(equal(cells[i][v], best), bit, zero<T>());
  }
  return mask;
}

/// B windows from q on. Deep: the depth is more than one block.
template <class T, int R, int S, int B, int V, bool Deep, bool Masks>
STRIDENET_INLINE void conv_pool_windows(const ConvPoolRow<T>& call, std::int64_t q) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int cells = R * S;
  const T* x = call.x + q * call.window_pitch;
  ConvPoolSums<T, cells, B, V> sums;
  conv_pool_sum<T, R, S, B, V>(call, x, 0, Deep ? call.block_depth : call.depth, sums);
  if constexpr (Deep) {
    for (std::int64_t k = call.block_depth; k < call.depth; k += call.block_depth) {
      const std::int64_t left = call.depth - k;
      ConvPoolSums<T, cells, B, V> more;
      conv_pool_sum<T, R, S, B, V>(call, x, k,
                                   k + (left < call.block_depth ? left : call.block_depth), more);
#pragma GCC unroll 16
      for (int i = 0; i < B * cells; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          sums.of[i / cells][i % cells][v] =
              sums.of[i / cells][i % cells][v] + more.of[i / cells][i % cells][v];
        }
      }
    }
  }
  if (call.bias != nullptr) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      const Vec<T> bias = load_lanes(call.bias + v * lanes, call.filters - v * lanes);
#pragma GCC unroll 16
      for (int i = 0; i < B * cells; ++i) {
        sums.of[i / cells][i % cells][v] = sums.of[i / cells][i % cells][v] + bias;
      }
    }
  }
#pragma GCC unroll 16
  for (int b = 0; b < B; ++b) {
    PoolBest<T> best[V];
    conv_pool_best<T, cells, V>(sums.of[b], best);
    const std::int64_t at = (q + b) * call.y_pitch;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      if (Masks) best[v].place = conv_pool_mask<T, cells, V>(sums.of[b], v, best[v].value);
      if (call.activation == Activation::relu) {
        // All cells of such a window are 0 after the ReLU: the first wins, or all of them.
        const Vec<T> winner = broadcast(static_cast<T>(Masks ? (1 << cells) - 1 : 0));
        const Mask<T> dead = less_equal(best[v].value, zero<T>());
        best[v] = {select(dead, zero<T>(), best[v].value), select(dead, winner, best[v].place)};
      }
      store_lanes(call.y + at + v * lanes, best[v].value, call.filters - v * lanes);
      if (call.winners == nullptr) continue;
      if (call.gated) {
        const Vec<T> none = broadcast(static_cast<T>(Masks ? 0 : cells));
        best[v].place = select(less(zero<T>(), best[v].value), best[v].place, none);
      }
      store_winners<T>(call.winners + at + v * lanes, best[v].place, call.filters - v * lanes);
    }
  }
}

template <class T, int R, int S, int V, bool Deep, bool Masks>
void conv_pool_row_of(const ConvPoolRow<T>& call) {
  constexpr int block = kTile<T>.rows < 2 * R * S ? 1 : kTile<T>.rows / (R * S);
  std::int64_t q = 0;
  for (; q + block <= call.windows; q += block) {
    conv_pool_windows<T, R, S, block, V, Deep, Masks>(call, q);
  }
  for (; q < call.windows; ++q) conv_pool_windows<T, R, S, 1, V, Deep, Masks>(call, q);
}

template <class T, int R, int S, int V, bool Masks>
void conv_pool_filters(const ConvPoolRow<T>& call) {
  if constexpr (V > 1) {
    if (call.filters <= (V - 1) * Vec<T>::lanes) {
      return conv_pool_filters<T, R, S, V - 1, Masks>(call);
    }
  }
  if (call.depth > call.block_depth) {
    conv_pool_row_of<T, R, S, V, true, Masks>(call);
  } else {
    conv_pool_row_of<T, R, S, V, false, Masks>(call);
  }
}

/// Windows of 2 x 2 cells.
template <class T>
void conv_pool_row(const ConvPoolRow<T>& call) {
  constexpr int vectors = kTile<T>.columns / Vec<T>::lanes;
  if (call.masks) {
    conv_pool_filters<T, 2, 2, vectors, true>(call);
  } else {
    conv_pool_filters<T, 2, 2, vectors, false>(call);
  }
}

template <class T>
STRIDENET_INLINE void conv_pool_add(const ConvPoolFilterRows<T>& call, std::int64_t element,
                                    std::int64_t filter, Vec<T> sum) {
  T* to = call.sums + element * call.sums_pitch + filter;
  const std::int64_t count = call.filters - filter;
  store_lanes(to, load_lanes(to, count) + sum, count);
}

/// Windows ahead of which dy and winners are asked for: they come from memory, once.
constexpr int kWindowsAhead = 32;

/// Elements [element, element + K) of the patches and, when Bias, the bias, for V vectors of
/// filters: every lane picks its winner's element from two rows of x.
template <class T, int K, int V, bool Bias>
void conv_pool_gradient_picked(const ConvPoolFilterRows<T>& call, std::int64_t element,
                               std::int64_t filter) {
  constexpr int lanes = Vec<T>::lanes;
  std::uint8_t places[lanes] = {};
  for (int i = 0; i < call.cell_rows * call.cell_columns; ++i) {
    places[i] = static_cast<std::uint8_t>(i / call.cell_columns * lanes +
                                          i % call.cell_columns * call.cell_column);
  }
  const auto sources = load_places(places, lanes, T{});
  const int cells = static_cast<int>(call.cell_rows * call.cell_columns);
  const std::int64_t second = (call.cell_rows - 1) * call.cell_row;
  const std::int64_t count = call.filters - filter;
  const std::int32_t* taps = call.taps + element;
  Vec<T> sums[K][V];
  Vec<T> bias[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    bias[v] = zero<T>();
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) sums[k][v] = zero<T>();
  }
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const T* x = call.x + row * call.row_pitch;
    std::int64_t at = row * call.windows * call.filters + filter;
    for (std::int64_t q = 0; q < call.windows; ++q) {
      Vec<T> dy[V];
      decltype(load_places(places, lanes, T{})) from[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        __builtin_prefetch(call.dy + at + v * lanes + kWindowsAhead * call.filters);
        if (v == 0) __builtin_prefetch(call.winners + at + kWindowsAhead * call.filters);
        from[v] = load_places(call.winners + at + v * lanes, count - v * lanes, T{});
        dy[v] = select(below(from[v], cells),
                       load_lanes(call.dy + at + v * lanes, count - v * lanes), zero<T>());
        from[v] = pick_places(sources, from[v]);
        if (Bias) bias[v] = bias[v] + dy[v];
      }
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) {
        const Vec<T> upper = load(x + taps[k]);
        const Vec<T> lower = load(x + taps[k] + second);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          sums[k][v] = fma(pick_lanes(upper, from[v], lower), dy[v], sums[k][v]);
        }
      }
      x += call.window_pitch;
      at += call.filters;
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    if (Bias) conv_pool_add(call, call.depth, filter + v * lanes, bias[v]);
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) conv_pool_add(call, element + k, filter + v * lanes, sums[k][v]);
  }
}

/// The same for one vector of filters on any window: cell by cell, the others' dy being 0.
template <class T, int K, bool Bias, class Match>
void conv_pool_gradient_masked(const ConvPoolFilterRows<T>& call, std::int64_t element,
                               std::int64_t filter, Match match) {
  const std::int64_t count = call.filters - filter;
  const std::int32_t* taps = call.taps + element;
  Vec<T> bias = zero<T>();
  Vec<T> sums[K];
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k) sums[k] = zero<T>();
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const T* x = call.x + row * call.row_pitch;
    std::int64_t at = row * call.windows * call.filters + filter;
    for (std::int64_t q = 0; q < call.windows; ++q) {
      const auto winner = match.load(at, count);
      const Vec<T> dy = match.share(winner, load_lanes(call.dy + at, count));
      for (std::int64_t i = 0; i < call.cell_rows; ++i) {
        for (std::int64_t j = 0; j < call.cell_columns; ++j) {
          const Mask<T> wins = match.won(winner, 0, i * call.cell_columns + j, count);
          const Vec<T> won = select(wins, dy, zero<T>());
          if (Bias) bias = bias + won;
          const T* cell = x + i * call.cell_row + j * call.cell_column;
#pragma GCC unroll 16
          for (int k = 0; k < K; ++k) sums[k] = fma(broadcast(cell[taps[k]]), won, sums[k]);
        }
      }
      x += call.window_pitch;
      at += call.filters;
    }
  }
  if (Bias) conv_pool_add(call, call.depth, filter, bias);
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k) conv_pool_add(call, element + k, filter, sums[k]);
}

/// K elements from `element` on, all filters.
template <class T, int K, bool Bias>
void conv_pool_gradient_elements(const ConvPoolFilterRows<T>& call, std::int64_t element) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t filter = 0;
  if constexpr (kPicks<T>) {
    const bool fits = !call.masks && call.cell_rows <= 2 &&
                      call.cell_rows * call.cell_columns <= lanes &&
                      (call.cell_columns - 1) * call.cell_column < lanes;
    if (fits) {
      for (; filter + lanes < call.filters; filter += 2 * lanes) {
        conv_pool_gradient_picked<T, K, 2, Bias>(call, element, filter);
      }
      if (filter < call.filters) conv_pool_gradient_picked<T, K, 1, Bias>(call, element, filter);
      return;
    }
  }
  for (; filter < call.filters; filter += lanes) {
    if (call.masks) {
      const MaskMatch<T> match = {call.winners, call.split};
      conv_pool_gradient_masked<T, K, Bias>(call, element, filter, match);
    } else {
      const WinnerMatch<T, std::uint8_t> match = {call.winners};
      conv_pool_gradient_masked<T, K, Bias>(call, element, filter, match);
    }
  }
}

/// `elements` ≤ K.
template <class T, int K, bool Bias>
void conv_pool_gradient_rest(const ConvPoolFilterRows<T>& call, std::int64_t element,
                             std::int64_t elements) {
  if constexpr (K > 1) {
    if (elements < K) return conv_pool_gradient_rest<T, K - 1, Bias>(call, element, elements);
  }
  conv_pool_gradient_elements<T, K, Bias>(call, element);
}

template <class T>
void conv_pool_filter_rows(const ConvPoolFilterRows<T>& call) {
  constexpr int most = 9;
  std::int64_t element = 0;
  for (; call.depth - element > most; element += most) {
    conv_pool_gradient_elements<T, most, false>(call, element);
  }
  conv_pool_gradient_rest<T, most, true>(call, element, call.depth - element);
}
