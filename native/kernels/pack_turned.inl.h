// Copies into panels that turn rows into columns. Contracts: kernels/pack.h.

// The transposition of a lanes × lanes block: at each of log2(lanes) steps, rows whose numbers
// differ in one bit exchange the lanes whose numbers do.
template <class T, int Bit, int... L>
STRIDENET_INLINE Vec<T> exchange_low(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  return {__builtin_shufflevector(a.v, b.v, ((L & Bit) != 0 ? Vec<T>::lanes + L - Bit : L)...)};
}
template <class T, int Bit, int... L>
STRIDENET_INLINE Vec<T> exchange_high(Vec<T> a, Vec<T> b, std::integer_sequence<int, L...>) {
  return {__builtin_shufflevector(a.v, b.v, ((L & Bit) != 0 ? Vec<T>::lanes + L : L + Bit)...)};
}
template <class T, int Bit>
STRIDENET_INLINE void transpose_step(Vec<T> (&rows)[Vec<T>::lanes]) {
  using Lanes = std::make_integer_sequence<int, Vec<T>::lanes>;
  if constexpr (Bit < Vec<T>::lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < Vec<T>::lanes; ++i) {
      if ((i & Bit) == 0) {
        const Vec<T> a = rows[i];
        const Vec<T> b = rows[i + Bit];
        rows[i] = exchange_low<T, Bit>(a, b, Lanes{});
        rows[i + Bit] = exchange_high<T, Bit>(a, b, Lanes{});
      }
    }
    transpose_step<T, Bit * 2>(rows);
  }
}

template <class T>
void pack_along(const DepthOrder& order, const T* from, std::int64_t pitch, std::int64_t count,
                std::int64_t depth, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  constexpr int width = kTile<T>.columns;
  const std::int64_t outer_count = depth / order.inner_count;
  for (int j = 0; j < width; j += lanes) {
    const std::int64_t valid = clamp(count - j, 0, lanes);
    std::int64_t inner = 0;
    std::int64_t outer = 0;
    for (std::int64_t k = 0; k < depth; k += lanes) {
      const int part = static_cast<int>(depth - k < lanes ? depth - k : lanes);
      Vec<T> rows[lanes];
      const T* row = from + j * pitch + k;
#pragma GCC unroll 16
      for (int i = 0; i < lanes; ++i) __builtin_prefetch(row + i * pitch + 4 * line);
      if (valid == lanes && part == lanes) {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) rows[i] = load(row + i * pitch);
      } else {
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) {
          rows[i] = i < valid ? load_partial(row + i * pitch, part) : zero<T>();
        }
      }
      transpose_step<T, 1>(rows);
      if (order.inner_count == 1) {
        T* out = to + k * width + j;
        for (int i = 0; i < part; ++i) store(out + i * width, rows[i]);
        continue;
      }
      for (int i = 0; i < part; ++i) {
        const std::int64_t place = order.flipped ? order.inner_count - 1 - inner : inner;
        store(to + (place * outer_count + outer) * width + j, rows[i]);
        if (++inner == order.inner_count) {
          inner = 0;
          ++outer;
        }
      }
    }
  }
}

template <class T>
void pack_taps(const TapPlaces& taps, const T* from, std::int64_t pitch, std::int64_t count,
               std::int64_t filters, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  constexpr int width = kTile<T>.columns;
  if (taps.count == 1) {
    if (taps.places->start < 0) return;
    pack_across(from, pitch, count, filters,
                to + taps.places->start + taps.panel * taps.places->panel_step, width, width, 0);
    return;
  }
  // The filters' channels of one panel lie apart: too short for the hardware to see them coming.
  constexpr int filters_ahead = 2;
  for (std::int64_t filter = 0; filter < filters; ++filter) {
    for (std::int64_t i = 0; i < count * taps.count; i += line) {
      __builtin_prefetch(from + filters_ahead * pitch + i);
    }
    for (int j = 0; j < width; j += lanes) {
      const std::int64_t valid = clamp(count - j, 0, lanes);
      for (std::int64_t first = 0; first < taps.count; first += lanes) {
        const int part = static_cast<int>(clamp(taps.count - first, 0, lanes));
        const T* row = from + j * taps.count + first;
        Vec<T> rows[lanes];
#pragma GCC unroll 16
        for (int i = 0; i < lanes; ++i) {
          rows[i] = i < valid ? load_partial(row + i * taps.count, part) : zero<T>();
        }
        transpose_step<T, 1>(rows);
        for (int i = 0; i < part; ++i) {
          const TapPlace& place = taps.places[first + i];
          if (place.start < 0) continue;
          store(to + place.start + taps.panel * place.panel_step + filter * width + j, rows[i]);
        }
      }
    }
    from += pitch;
  }
}
