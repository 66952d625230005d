// Max pooling over channels-last images; the vector runs over channels. Contracts: kernels/pool.h.

/// The cells of a window that are inside, [first, last), along one axis.
struct PoolRange {
  std::int64_t start, first, last;
};

STRIDENET_INLINE PoolRange pool_range(std::int64_t start, std::int64_t cells, std::int64_t dilation,
                                      std::int64_t size) {
  PoolRange range = {start, 0, cells};
  if (start < 0) range.first = (-start + dilation - 1) / dilation;
  if (start + (cells - 1) * dilation >= size) range.last = (size - start + dilation - 1) / dilation;
  return range;
}

template <class T>
STRIDENET_INLINE Vec<T> load_lanes(const T* from, std::int64_t count) {
  return count >= Vec<T>::lanes ? load(from) : load_partial(from, static_cast<int>(count));
}
template <class T>
STRIDENET_INLINE void store_lanes(T* to, Vec<T> value, std::int64_t count) {
  if (count >= Vec<T>::lanes) {
    store(to, value);
  } else {
    store_partial(to, value, static_cast<int>(count));
  }
}

template <class T, class Winner>
struct WinnerVector {
  typedef Winner type __attribute__((vector_size(sizeof(Winner) * Vec<T>::lanes)));
};

/// Winners are kept as numbers of type T, exact up to 2^24.
template <class T, class Winner>
STRIDENET_INLINE void store_winners(Winner* to, Vec<T> value, std::int64_t count) {
  using Lanes = typename WinnerVector<T, Winner>::type;
  const Lanes narrow =
      __builtin_convertvector(__builtin_convertvector(value.v, typename Raw<T>::integer), Lanes);
  if (count >= Vec<T>::lanes) {
    __builtin_memcpy(to, &narrow, sizeof narrow);
  } else {
    for (int i = 0; i < count; ++i) to[i] = narrow[i];
  }
}
template <class T, class Winner>
STRIDENET_INLINE Vec<T> load_winners(const Winner* from, std::int64_t count) {
  using Lanes = typename WinnerVector<T, Winner>::type;
  Lanes narrow = {};
  if (count >= Vec<T>::lanes) {
    __builtin_memcpy(&narrow, from, sizeof narrow);
  } else {
    for (int i = 0; i < count; ++i) narrow[i] = from[i];
  }
  return {__builtin_convertvector(__builtin_convertvector(narrow, typename Raw<T>::integer),
                                  typename Raw<T>::type)};
}

template <class T, class Winner>
void max_pool_windows(const MaxPoolRow<T>& call, Winner* winners) {
  const PoolGeometry& g = *call.geometry;
  const PoolRange vertical =
      pool_range(call.row * g.stride_height - g.top, g.kernel_height, g.dilation_height, g.height);
  for (std::int64_t q = 0; q < g.columns; ++q) {
    const PoolRange horizontal =
        pool_range(q * g.stride_width - g.left, g.kernel_width, g.dilation_width, g.width);
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      Vec<T> best = zero<T>();
      Vec<T> winner = zero<T>();
      bool first = true;
      for (std::int64_t r = vertical.first; r < vertical.last; ++r) {
        const T* row = call.x + (vertical.start + r * g.dilation_height) * g.width * g.channels + c;
        for (std::int64_t s = horizontal.first; s < horizontal.last; ++s) {
          const Vec<T> value =
              load_lanes(row + (horizontal.start + s * g.dilation_width) * g.channels, count);
          const Vec<T> place = broadcast(static_cast<T>(r * g.kernel_width + s));
          if (first) {
            best = value;
            winner = place;
            first = false;
          } else {
            // Also true when only the value is NaN.
            const Mask<T> wins =
                mask_and(mask_not(less_equal(value, best)), mask_not(is_nan(best)));
            best = select(wins, value, best);
            winner = select(wins, place, winner);
          }
        }
      }
      if (call.y != nullptr) store_lanes(call.y + q * g.channels + c, best, count);
      if (winners != nullptr) store_winners<T>(winners + q * g.channels + c, winner, count);
    }
  }
}

template <class T>
void max_pool_row(const MaxPoolRow<T>& call) {
  if (call.words != nullptr) {
    max_pool_windows<T>(call, call.words);
  } else {
    max_pool_windows<T>(call, call.bytes);
  }
}

/// Which lanes of a cell won: by the winners' numbers, or by being equal to the maximum.
template <class T, class Winner>
struct WinnerMatch {
  const Winner* winners;
  STRIDENET_INLINE Mask<T> operator()(std::int64_t window, std::int64_t, std::int64_t cell,
                                      std::int64_t count) const {
    return equal(load_winners<T>(winners + window, count), broadcast(static_cast<T>(cell)));
  }
};
template <class T>
struct EqualMatch {
  const T* x;
  const T* y;
  STRIDENET_INLINE Mask<T> operator()(std::int64_t window, std::int64_t place, std::int64_t,
                                      std::int64_t count) const {
    return equal(load_lanes(x + place, count), load_lanes(y + window, count));
  }
};

template <class T, class Match>
void max_pool_gather(const MaxPoolGradientRow<T>& call, Match match) {
  const PoolGeometry& g = *call.geometry;
  for (std::int64_t w = 0; w < g.width; ++w) {
    const std::int64_t begin = call.horizontal_first[w];
    const std::int64_t end = call.horizontal_first[w + 1];
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      const std::int64_t place = w * g.channels + c;
      Vec<T> sum = zero<T>();
      for (std::int64_t i = 0; i < call.vertical_count; ++i) {
        const std::int64_t row = call.vertical[i].window * g.columns;
        const std::int64_t cell = call.vertical[i].cell * g.kernel_width;
        for (std::int64_t j = begin; j < end; ++j) {
          const std::int64_t window = (row + call.horizontal[j].window) * g.channels + c;
          const Mask<T> won = match(window, place, cell + call.horizontal[j].cell, count);
          sum = sum + select(won, load_lanes(call.dy + window, count), zero<T>());
        }
      }
      store_lanes(call.dx + place, sum, count);
    }
  }
}

template <class T>
void max_pool_gradient_row(const MaxPoolGradientRow<T>& call) {
  if (call.bytes != nullptr) {
    max_pool_gather(call, WinnerMatch<T, std::uint8_t>{call.bytes});
  } else if (call.words != nullptr) {
    max_pool_gather(call, WinnerMatch<T, std::int32_t>{call.words});
  } else {
    max_pool_gather(call, EqualMatch<T>{call.x, call.y});
  }
}

template <class T>
void max_pool_share_row(const MaxPoolShareRow<T>& call) {
  const PoolGeometry& g = *call.geometry;
  const PoolRange vertical =
      pool_range(call.row * g.stride_height - g.top, g.kernel_height, g.dilation_height, g.height);
  for (std::int64_t q = 0; q < g.columns; ++q) {
    const PoolRange horizontal =
        pool_range(q * g.stride_width - g.left, g.kernel_width, g.dilation_width, g.width);
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      const std::int64_t window = q * g.channels + c;
      const Vec<T> best = load_lanes(call.y + window, count);
      Vec<T> cells = zero<T>();
      for (std::int64_t r = vertical.first; r < vertical.last; ++r) {
        const T* row = call.x + (vertical.start + r * g.dilation_height) * g.width * g.channels + c;
        for (std::int64_t s = horizontal.first; s < horizontal.last; ++s) {
          const Vec<T> value =
              load_lanes(row + (horizontal.start + s * g.dilation_width) * g.channels, count);
          cells = cells + select(equal(value, best), broadcast(T{1}), zero<T>());
        }
      }
      store_lanes(call.share + window, load_lanes(call.dy + window, count) / cells, count);
    }
  }
}
