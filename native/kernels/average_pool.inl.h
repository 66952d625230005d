// Average pooling over channels-last images; the vector runs over channels. Contracts:
// kernels/pool.h.

/// Adds the cells of a window, at V vectors of channels from x on, and divides.
template <class T, int V>
STRIDENET_INLINE void average_window(const AveragePoolRow<T>& call, const AverageWindow& horizontal,
                                     std::int64_t c, Vec<T> divisor, T* y) {
  constexpr int lanes = Vec<T>::lanes;
  const std::int64_t last = call.channels - c - (V - 1) * lanes;
  Vec<T> sums[V];
  for (int v = 0; v < V; ++v) sums[v] = zero<T>();
  for (std::int64_t h = call.vertical.first; h < call.vertical.last; ++h) {
    const T* cell = call.x + (h * call.width + horizontal.first) * call.channels + c;
    for (std::int64_t w = horizontal.first; w < horizontal.last; ++w) {
      for (int v = 0; v < V - 1; ++v) sums[v] = sums[v] + load(cell + v * lanes);
      sums[V - 1] = sums[V - 1] + load_lanes(cell + (V - 1) * lanes, last);
      cell += call.channels;
    }
  }
  for (int v = 0; v < V - 1; ++v) store(y + v * lanes, sums[v] / divisor);
  store_lanes(y + (V - 1) * lanes, sums[V - 1] / divisor, last);
}

template <class T>
void average_pool_row(const AveragePoolRow<T>& call) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t q = 0; q < call.columns; ++q) {
    const AverageWindow& horizontal = call.horizontal[q];
    const Vec<T> divisor = broadcast(static_cast<T>(call.vertical.divisor * horizontal.divisor));
    T* y = call.y + q * call.channels;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= call.channels; c += 4 * lanes) {
      average_window<T, 4>(call, horizontal, c, divisor, y + c);
    }
    for (; c < call.channels; c += lanes) {
      average_window<T, 1>(call, horizontal, c, divisor, y + c);
    }
  }
}

template <class T>
void average_pool_gradient_row(const AveragePoolGradientRow<T>& call) {
  for (std::int64_t w = 0; w < call.width; ++w) {
    const PoolSpan& span = call.spans[w];
    T* dx = call.dx + w * call.channels;
    for (std::int64_t c = 0; c < call.channels; c += Vec<T>::lanes) {
      const std::int64_t count = call.channels - c;
      Vec<T> sum = zero<T>();
      for (std::int64_t p = call.rows.first; p < call.rows.last; ++p) {
        const T* row = call.dy + p * call.columns * call.channels + c;
        for (std::int64_t q = span.first; q < span.last; ++q) {
          const std::int64_t divisor = call.vertical[p].divisor * call.horizontal[q].divisor;
          sum =
              sum + load_lanes(row + q * call.channels, count) / broadcast(static_cast<T>(divisor));
        }
      }
      store_lanes(dx + c, sum, count);
    }
  }
}
