// Kernels that move elements as they are, bit for bit, or add them up where they land. Contracts:
// kernels/move.h.

template <class T>
void add_to(const T* x, T* sum, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const std::int64_t left = count - i;
    store_lanes(sum + i, load_lanes(sum + i, left) + load_lanes(x + i, left), left);
  }
}

template <class T, int... L>
STRIDENET_INLINE Vec<T> reversed(Vec<T> a, std::integer_sequence<int, L...>) {
  return {__builtin_shufflevector(a.v, a.v, (Vec<T>::lanes - 1 - L)...)};
}

template <class T>
void reverse(const T* last, T* to, std::int64_t count) {
  constexpr int lanes = Vec<T>::lanes;
  using Lanes = std::make_integer_sequence<int, lanes>;
  std::int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    store(to + j, reversed(load(last - j - (lanes - 1)), Lanes{}));
  }
  for (; j < count; ++j) to[j] = last[-j];
}

/// A block of lanes × lanes elements; with `Past` it is not kept in the caches.
template <bool Past, class T>
STRIDENET_INLINE void transpose_block(const T* from, std::int64_t from_pitch, T* to,
                                      std::int64_t to_pitch) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> rows[lanes];
#pragma GCC unroll 16
  for (int j = 0; j < lanes; ++j) rows[j] = load(from + j * from_pitch);
  transpose_step<T, 1>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < lanes; ++i) {
    if constexpr (Past) {
      store_past_caches(to + i * to_pitch, rows[i]);
    } else {
      store(to + i * to_pitch, rows[i]);
    }
  }
}

template <class T>
STRIDENET_INLINE void transpose_singly(const T* from, std::int64_t from_pitch, T* to,
                                       std::int64_t to_pitch, std::int64_t rows,
                                       std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) to[i * to_pitch + j] = from[i + j * from_pitch];
  }
}

template <bool Past, class T>
STRIDENET_INLINE void transpose_blocks(const T* from, std::int64_t from_pitch, T* to,
                                       std::int64_t to_pitch, std::int64_t rows,
                                       std::int64_t columns) {
  constexpr int lanes = Vec<T>::lanes;
  // Strips as wide as a cache line along the longer side, so that lines are used up at once.
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
  const std::int64_t whole_rows = rows / lanes * lanes;
  const std::int64_t whole_columns = columns / lanes * lanes;
  if (rows >= columns) {
    for (std::int64_t strip = 0; strip < whole_rows; strip += line) {
      const std::int64_t end = strip + line < whole_rows ? strip + line : whole_rows;
      for (std::int64_t j = 0; j < whole_columns; j += lanes) {
        // The next strip's lines: too many streams for the hardware to see them coming.
        for (int k = 0; k < lanes; ++k) {
          __builtin_prefetch(from + strip + line + (j + k) * from_pitch);
        }
        for (std::int64_t i = strip; i < end; i += lanes) {
          transpose_block<Past>(from + i + j * from_pitch, from_pitch, to + i * to_pitch + j,
                                to_pitch);
        }
      }
      transpose_singly(from + strip + whole_columns * from_pitch, from_pitch,
                       to + strip * to_pitch + whole_columns, to_pitch, end - strip,
                       columns - whole_columns);
    }
  } else {
    for (std::int64_t strip = 0; strip < whole_columns; strip += line) {
      const std::int64_t end = strip + line < whole_columns ? strip + line : whole_columns;
      for (std::int64_t i = 0; i < whole_rows; i += lanes) {
        for (std::int64_t j = strip; j < end; j += lanes) {
          transpose_block<Past>(from + i + j * from_pitch, from_pitch, to + i * to_pitch + j,
                                to_pitch);
        }
      }
    }
    transpose_singly(from + whole_columns * from_pitch, from_pitch, to + whole_columns, to_pitch,
                     whole_rows, columns - whole_columns);
  }
  transpose_singly(from + whole_rows, from_pitch, to + whole_rows * to_pitch, to_pitch,
                   rows - whole_rows, columns);
}

template <class T>
void transpose_plane(const T* from, std::int64_t from_pitch, T* to, std::int64_t to_pitch,
                     std::int64_t rows, std::int64_t columns, bool past_caches) {
  // Worth it, and possible, where a vector is a cache line.
  if constexpr (kVectorBytes == 64) {
    const auto bytes = static_cast<std::uintptr_t>(to_pitch) * sizeof(T);
    if (past_caches && (reinterpret_cast<std::uintptr_t>(to) | bytes) % 64 == 0) {
      transpose_blocks<true>(from, from_pitch, to, to_pitch, rows, columns);
      order_stores();
      return;
    }
  }
  transpose_blocks<false>(from, from_pitch, to, to_pitch, rows, columns);
}
