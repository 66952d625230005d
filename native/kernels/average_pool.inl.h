// Average pooling over channels-last images; the vector runs over channels. Contracts:
// kernels/pool.h.

// Few channels leave vectors partly empty. Whole vectors are moved nevertheless where what they
// touch beyond the pixel lies in the same row: pixels are written in rising order, so the next one
// puts right what was written over it.

/// Divides by the number of cells: by multiplying where that is exact.
template <class T>
struct CellDivisor {
  Vec<T> divisor, inverse;
  bool exact;
};
template <class T>
STRIDENET_INLINE CellDivisor<T> cell_divisor(std::int64_t cells) {
  const T divisor = static_cast<T>(cells);
  return {broadcast(divisor), broadcast(T{1} / divisor), (cells & (cells - 1)) == 0};
}
template <class T>
STRIDENET_INLINE Vec<T> divide(Vec<T> sum, const CellDivisor<T>& by) {
  return by.exact ? sum * by.inverse : sum / by.divisor;
}

/// Adds the cells of a window, at V vectors of channels from c on, and divides; `count` lanes when
/// not Whole. Columns: of the window, or 0 when the compiler does not know it.
template <class T, int V, bool Whole, int Columns>
STRIDENET_INLINE void average_window(const AveragePoolRow<T>& call, const AverageWindow& horizontal,
                                     std::int64_t c, const CellDivisor<T>& by, std::int64_t count,
                                     T* y) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sums[V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) sums[v] = zero<T>();
  const std::int64_t row = call.width * call.channels;
  const std::int64_t columns = Columns > 0 ? Columns : horizontal.last - horizontal.first;
  const T* cells = call.x + call.vertical.first * row + horizontal.first * call.channels + c;
  for (std::int64_t h = call.vertical.first; h < call.vertical.last; ++h) {
    const T* cell = cells;
#pragma GCC unroll 2
    for (std::int64_t w = 0; w < columns; ++w) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const T* at = cell + v * lanes;
        sums[v] = sums[v] + (Whole ? load(at) : load_lanes(at, count));
      }
      cell += call.channels;
    }
    cells += row;
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const Vec<T> mean = divide(sums[v], by);
    if (Whole) {
      store(y + v * lanes, mean);
    } else {
      store_lanes(y + v * lanes, mean, count);
    }
  }
}

template <class T>
void average_pool_row(const AveragePoolRow<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t end = call.columns * call.channels;
  std::int64_t cells = 0;
  CellDivisor<T> by = cell_divisor<T>(1);
  for (std::int64_t q = 0; q < call.columns; ++q) {
    const AverageWindow& horizontal = call.horizontal[q];
    if (cells != call.vertical.divisor * horizontal.divisor) {
      cells = call.vertical.divisor * horizontal.divisor;
      by = cell_divisor<T>(cells);
    }
    const std::int64_t place = q * call.channels;
    T* y = call.y + place;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= call.channels; c += 4 * lanes) {
      average_window<T, 4, true, 0>(call, horizontal, c, by, lanes, y + c);
    }
    for (; c < call.channels; c += lanes) {
      const std::int64_t last = (horizontal.last - 1) * call.channels + c;
      if (last + lanes <= call.width * call.channels && place + c + lanes <= end) {
        if (horizontal.last - horizontal.first == 2) {
          average_window<T, 1, true, 2>(call, horizontal, c, by, lanes, y + c);
        } else {
          average_window<T, 1, true, 0>(call, horizontal, c, by, lanes, y + c);
        }
      } else {
        average_window<T, 1, false, 0>(call, horizontal, c, by, call.channels - c, y + c);
      }
    }
  }
}

/// What the windows of both spans give to the channels from c on, over the divisors of both axes.
template <class T>
STRIDENET_INLINE Vec<T> average_shares(const AveragePoolGradientRow<T>& call, const PoolSpan& span,
                                       std::int64_t c) {
  const std::int64_t count = call.channels - c;
  Vec<T> sum = zero<T>();
  for (std::int64_t p = call.rows.first; p < call.rows.last; ++p) {
    const T* row = call.dy + p * call.columns * call.channels + c;
    for (std::int64_t q = span.first; q < span.last; ++q) {
      const std::int64_t cells = call.vertical[p].divisor * call.horizontal[q].divisor;
      sum = sum + load_lanes(row + q * call.channels, count) / broadcast(static_cast<T>(cells));
    }
  }
  return sum;
}

/// Writes `sum` to the channels from c on of the cells [first, last) of the row.
template <class T>
STRIDENET_INLINE void store_cells(const AveragePoolGradientRow<T>& call, std::int64_t first,
                                  std::int64_t last, std::int64_t c, Vec<T> sum) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t whole = call.width * call.channels - lanes;
  const std::int64_t end = last * call.channels;
  // The next vector of channels of the same cell must not be written over.
  const bool rising = call.channels <= lanes;
  for (std::int64_t place = first * call.channels + c; place < end; place += call.channels) {
    if (rising && place <= whole) {
      store(call.dx + place, sum);
    } else {
      store_lanes(call.dx + place, sum, call.channels - c);
    }
  }
}

template <class T>
void average_pool_gradient_row(const AveragePoolGradientRow<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  const bool one_row = call.rows.last - call.rows.first == 1;
  std::int64_t cells = 0;
  CellDivisor<T> by = cell_divisor<T>(1);
  for (std::int64_t w = 0; w < call.width;) {
    const PoolSpan& span = call.spans[w];
    std::int64_t last = w + 1;
    if (one_row && span.last - span.first == 1) {
      // The cells that only window q holds share its value.
      const std::int64_t q = span.first;
      last = call.horizontal[q].last;
      if (q + 1 < call.columns && call.horizontal[q + 1].first < last) {
        last = call.horizontal[q + 1].first;
      }
      const std::int64_t divisor = call.vertical[call.rows.first].divisor;
      if (cells != divisor * call.horizontal[q].divisor) {
        cells = divisor * call.horizontal[q].divisor;
        by = cell_divisor<T>(cells);
      }
      const std::int64_t place = (call.rows.first * call.columns + q) * call.channels;
      for (std::int64_t c = 0; c < call.channels; c += lanes) {
        const Vec<T> dy = load_lanes(call.dy + place + c, call.channels - c);
        store_cells(call, w, last, c, divide(dy, by));
      }
    } else {
      for (std::int64_t c = 0; c < call.channels; c += lanes) {
        store_cells(call, w, last, c, average_shares(call, span, c));
      }
    }
    w = last;
  }
}
