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
STRIDENET_INLINE typename Raw<T>::integer load_wide(const Winner* from, std::int64_t count) {
  typename Raw<T>::Lane lanes[Vec<T>::lanes] = {};
  if (count >= Vec<T>::lanes) {
    // A loop, since GCC 12 converts vectors of bytes lane by lane.
    for (int i = 0; i < Vec<T>::lanes; ++i) lanes[i] = from[i];
  } else {
    for (int i = 0; i < count; ++i) lanes[i] = from[i];
  }
  typename Raw<T>::integer wide;
  __builtin_memcpy(&wide, lanes, sizeof wide);
  return wide;
}
template <class T>
STRIDENET_INLINE Vec<T> to_floating(typename Raw<T>::integer a) {
  return {__builtin_convertvector(a, typename Raw<T>::type)};
}
template <class T, class Winner>
STRIDENET_INLINE Vec<T> load_winners(const Winner* from, std::int64_t count) {
  return to_floating<T>(load_wide<T>(from, count));
}

/// The largest of a window's cells and its place, for one vector of channels.
template <class T>
struct PoolBest {
  Vec<T> value;
  Vec<T> place;
};

/// Of any window: the cells [first, last) of both axes.
template <class T>
PoolBest<T> pool_best(const PoolGeometry& g, const T* x, const PoolRange& vertical,
                      const PoolRange& horizontal, std::int64_t count) {
  PoolBest<T> best = {zero<T>(), zero<T>()};
  bool first = true;
  for (std::int64_t r = vertical.first; r < vertical.last; ++r) {
    const T* row = x + (vertical.start + r * g.dilation_height) * g.width * g.channels;
    for (std::int64_t s = horizontal.first; s < horizontal.last; ++s) {
      const Vec<T> value =
          load_lanes(row + (horizontal.start + s * g.dilation_width) * g.channels, count);
      const Vec<T> place = broadcast(static_cast<T>(r * g.kernel_width + s));
      if (first) {
        best = {value, place};
        first = false;
      } else {
        // Also true when only the value is NaN.
        const Mask<T> wins =
            mask_and(mask_not(less_equal(value, best.value)), mask_not(is_nan(best.value)));
        best = {select(wins, value, best.value), select(wins, place, best.place)};
      }
    }
  }
  return best;
}

/// Of a whole window of a size that the compiler knows, at x. False when it may hold NaN, which is
/// then left to pool_best.
template <class T, int R, int S>
STRIDENET_INLINE bool pool_best_whole(const PoolGeometry& g, const T* x, std::int64_t count,
                                      PoolBest<T>& best) {
  const std::int64_t row = g.dilation_height * g.width * g.channels;
  const std::int64_t column = g.dilation_width * g.channels;
  best = {load_lanes(x, count), zero<T>()};
  // A sum with a NaN in it is NaN; one of opposite infinities too, which does no harm.
  Vec<T> sum = best.value;
#pragma GCC unroll 9
  for (int i = 1; i < R * S; ++i) {
    const Vec<T> value = load_lanes(x + i / S * row + i % S * column, count);
    sum = sum + value;
    const Mask<T> wins = less(best.value, value);
    best = {select(wins, value, best.value),
            select(wins, broadcast(static_cast<T>(i)), best.place)};
  }
  return !any(is_nan(sum));
}

/// Which cells of a window equal its maximum, a bit each.
template <class T>
Vec<T> pool_mask(const PoolGeometry& g, const T* x, const PoolRange& vertical,
                 const PoolRange& horizontal, std::int64_t count, Vec<T> best) {
  Vec<T> mask = zero<T>();
  for (std::int64_t r = vertical.first; r < vertical.last; ++r) {
    const T* row = x + (vertical.start + r * g.dilation_height) * g.width * g.channels;
    for (std::int64_t s = horizontal.first; s < horizontal.last; ++s) {
      const Vec<T> value =
          load_lanes(row + (horizontal.start + s * g.dilation_width) * g.channels, count);
      const Vec<T> bit = broadcast(static_cast<T>(1 << (r * g.kernel_width + s)));
      mask = mask + select(equal(value, best), bit, zero<T>());
    }
  }
  return mask;
}

/// R, S: the window's size, or 0 when the compiler does not know it.
template <class T, class Winner, int R, int S>
void max_pool_windows(const MaxPoolRow<T>& call, Winner* winners) {
  const PoolGeometry& g = *call.geometry;
  const PoolRange vertical =
      pool_range(call.row * g.stride_height - g.top, g.kernel_height, g.dilation_height, g.height);
  for (std::int64_t q = 0; q < g.columns; ++q) {
    const PoolRange horizontal =
        pool_range(q * g.stride_width - g.left, g.kernel_width, g.dilation_width, g.width);
    const bool whole =
        R > 0 && vertical.last - vertical.first == R && horizontal.last - horizontal.first == S;
    const std::int64_t corner =
        whole ? (vertical.start * g.width + horizontal.start) * g.channels : 0;
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      const std::int64_t window = q * g.channels + c;
      PoolBest<T> best;
      bool done = false;
      if constexpr (R > 0) {
        done = whole && pool_best_whole<T, R, S>(g, call.x + corner + c, count, best);
      }
      if (!done) best = pool_best(g, call.x + c, vertical, horizontal, count);
      if (call.masks) {
        best.place = pool_mask(g, call.x + c, vertical, horizontal, count, best.value);
      }
      if (call.y != nullptr) store_lanes(call.y + window, best.value, count);
      if (winners != nullptr) store_winners<T>(winners + window, best.place, count);
    }
  }
}

template <class T>
void max_pool_row(const MaxPoolRow<T>& call) {
  const PoolGeometry& g = *call.geometry;
  if (call.words != nullptr) {
    max_pool_windows<T, std::int32_t, 0, 0>(call, call.words);
  } else if (g.kernel_height == 2 && g.kernel_width == 2) {
    max_pool_windows<T, std::uint8_t, 2, 2>(call, call.bytes);
  } else if (g.kernel_height == 3 && g.kernel_width == 3) {
    max_pool_windows<T, std::uint8_t, 3, 3>(call, call.bytes);
  } else {
    max_pool_windows<T, std::uint8_t, 0, 0>(call, call.bytes);
  }
}

/// Which lanes of a cell won: by the winners' numbers, by masks, or by being equal to the maximum.
/// `load` reads what tells of a window, `won` asks for one of its cells, `share` is what such a
/// cell gets of dy.
template <class T, class Winner>
struct WinnerMatch {
  const Winner* winners;
  STRIDENET_INLINE Vec<T> load(std::int64_t window, std::int64_t count) const {
    return load_winners<T>(winners + window, count);
  }
  STRIDENET_INLINE Mask<T> won(Vec<T> winner, std::int64_t, std::int64_t cell, std::int64_t) const {
    return equal(winner, broadcast(static_cast<T>(cell)));
  }
  STRIDENET_INLINE Vec<T> share(Vec<T>, Vec<T> dy) const { return dy; }
};
template <class T>
struct MaskMatch {
  using Integer = typename Raw<T>::integer;
  const std::uint8_t* masks;
  bool split;
  STRIDENET_INLINE Integer load(std::int64_t window, std::int64_t count) const {
    return load_wide<T>(masks + window, count);
  }
  STRIDENET_INLINE Mask<T> won(Integer mask, std::int64_t, std::int64_t cell, std::int64_t) const {
    return less(zero<T>(), to_floating<T>(mask & static_cast<typename Raw<T>::Lane>(1 << cell)));
  }
  STRIDENET_INLINE Vec<T> share(Integer mask, Vec<T> dy) const {
    if (!split) return dy;
    // The bits of a byte are counted in pairs, then in fours, then all.
    mask = mask - ((mask >> 1) & 0x55);
    mask = (mask & 0x33) + ((mask >> 2) & 0x33);
    return dy / to_floating<T>((mask + (mask >> 4)) & 0x0F);
  }
};
template <class T>
struct EqualMatch {
  const T* x;
  const T* y;
  STRIDENET_INLINE Vec<T> load(std::int64_t window, std::int64_t count) const {
    return load_lanes(y + window, count);
  }
  STRIDENET_INLINE Mask<T> won(Vec<T> best, std::int64_t place, std::int64_t,
                               std::int64_t count) const {
    return equal(load_lanes(x + place, count), best);
  }
  STRIDENET_INLINE Vec<T> share(Vec<T>, Vec<T> dy) const { return dy; }
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
          const auto winner = match.load(window, count);
          const Mask<T> won = match.won(winner, place, cell + call.horizontal[j].cell, count);
          const Vec<T> dy = match.share(winner, load_lanes(call.dy + window, count));
          sum = sum + select(won, dy, zero<T>());
        }
      }
      store_lanes(call.dx + place, sum, count);
    }
  }
}

/// As max_pool_gather where no two windows overlap: each window's dy and winners are read once for
/// all of its cells in this row.
template <class T, class Match>
void max_pool_spread(const MaxPoolGradientRow<T>& call, Match match) {
  const PoolGeometry& g = *call.geometry;
  std::int64_t next = 0;  // columns before it are written
  for (std::int64_t q = 0; q <= g.columns && call.vertical_count > 0; ++q) {
    const std::int64_t start = q * g.stride_width - g.left;
    const std::int64_t first = start < 0 ? -start : 0;
    const std::int64_t covered = q < g.columns && start < g.width ? start + first : g.width;
    __builtin_memset(call.dx + next * g.channels, 0,
                     static_cast<std::size_t>((covered - next) * g.channels) * sizeof(T));
    next = covered;
    if (covered == g.width) break;
    const std::int64_t last = start + g.kernel_width <= g.width ? g.kernel_width : g.width - start;
    const std::int64_t window = (call.vertical[0].window * g.columns + q) * g.channels;
    const std::int64_t cell = call.vertical[0].cell * g.kernel_width;
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      const auto winner = match.load(window + c, count);
      const Vec<T> dy = match.share(winner, load_lanes(call.dy + window + c, count));
      for (std::int64_t s = first; s < last; ++s) {
        const std::int64_t place = (start + s) * g.channels + c;
        const Mask<T> won = match.won(winner, place, cell + s, count);
        store_lanes(call.dx + place, select(won, dy, zero<T>()), count);
      }
    }
    if (next < start + last) next = start + last;
  }
  __builtin_memset(call.dx + next * g.channels, 0,
                   static_cast<std::size_t>((g.width - next) * g.channels) * sizeof(T));
}

template <class T, class Match>
void max_pool_gradient_of(const MaxPoolGradientRow<T>& call, Match match) {
  const PoolGeometry& g = *call.geometry;
  const bool apart =
      call.vertical_count <= 1 && g.dilation_width == 1 && g.stride_width >= g.kernel_width;
  if (apart) {
    max_pool_spread(call, match);
  } else {
    max_pool_gather(call, match);
  }
}

template <class T>
void max_pool_gradient_row(const MaxPoolGradientRow<T>& call) {
  if (call.masks) {
    max_pool_gradient_of(call, MaskMatch<T>{call.bytes, call.split});
  } else if (call.bytes != nullptr) {
    max_pool_gradient_of(call, WinnerMatch<T, std::uint8_t>{call.bytes});
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

template <class T, class Winner>
void max_pool_pick(const MaxPoolPickRow<T>& call, const Winner* winners) {
  const PoolGeometry& g = *call.geometry;
  const PoolRange vertical =
      pool_range(call.row * g.stride_height - g.top, g.kernel_height, g.dilation_height, g.height);
  for (std::int64_t q = 0; q < g.columns; ++q) {
    const PoolRange horizontal =
        pool_range(q * g.stride_width - g.left, g.kernel_width, g.dilation_width, g.width);
    for (std::int64_t c = 0; c < g.channels; c += Vec<T>::lanes) {
      const std::int64_t count = g.channels - c;
      const Vec<T> winner = load_winners<T>(winners + q * g.channels + c, count);
      Vec<T> picked = zero<T>();
      for (std::int64_t r = vertical.first; r < vertical.last; ++r) {
        const T* row = call.x + (vertical.start + r * g.dilation_height) * g.width * g.channels + c;
        for (std::int64_t s = horizontal.first; s < horizontal.last; ++s) {
          const Vec<T> value =
              load_lanes(row + (horizontal.start + s * g.dilation_width) * g.channels, count);
          const Vec<T> place = broadcast(static_cast<T>(r * g.kernel_width + s));
          picked = select(equal(winner, place), value, picked);
        }
      }
      store_lanes(call.y + q * g.channels + c, picked, count);
    }
  }
}

template <class T>
void max_pool_pick_row(const MaxPoolPickRow<T>& call) {
  if (call.bytes != nullptr) {
    max_pool_pick(call, call.bytes);
  } else {
    max_pool_pick(call, call.words);
  }
}
