// Copies into panels. Contracts: kernels/pack.h.

typedef char Chunk16 __attribute__((vector_size(16)));

/// Copies `count` elements; may write up to the end of the vector beyond them, and reads so when
/// `loose`.
template <class T>
STRIDENET_INLINE void copy_run(T* to, const T* from, std::int64_t count, bool loose) {
  constexpr int lanes = Vec<T>::lanes;
  if (loose) {
    for (std::int64_t i = 0; i < count; i += lanes) store(to + i, load(from + i));
    return;
  }
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(to + i, load(from + i));
  if (i < count) store(to + i, load_partial(from + i, static_cast<int>(count - i)));
}

template <class T>
STRIDENET_INLINE void zero_run(T* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) store(to + i, zero<T>());
}

/// Takes a patch's elements one after the other into contiguous memory.
template <class T>
struct RowSink {
  T* to;
  STRIDENET_INLINE void copy(const T* from, std::int64_t count, bool loose) {
    copy_run(to, from, count, loose);
    to += count;
  }
  STRIDENET_INLINE void clear(std::int64_t count) {
    zero_run(to, count);
    to += count;
  }
};

/// Takes them into consecutive depth_major panels, panel_rows to each.
template <class T>
struct ColumnSink {
  T* panel;
  std::int64_t stride;
  int panel_rows;
  int row;
  STRIDENET_INLINE void copy(const T* from, std::int64_t count, bool loose) {
    while (count > 0) {
      const std::int64_t room = panel_rows - row;
      const std::int64_t part = count < room ? count : room;
      copy_run(panel + row, from, part, loose);
      from += part;
      advance(part);
      count -= part;
    }
  }
  STRIDENET_INLINE void clear(std::int64_t count) {
    while (count > 0) {
      const std::int64_t room = panel_rows - row;
      const std::int64_t part = count < room ? count : room;
      zero_run(panel + row, part);
      advance(part);
      count -= part;
    }
  }
  STRIDENET_INLINE void advance(std::int64_t part) {
    row += static_cast<int>(part);
    if (row == panel_rows) {
      row = 0;
      panel += stride;
    }
  }
};

/// A pixel of the output grid and the image place of its patch's first tap.
template <class T>
struct PatchPlace {
  const T* image;
  std::int64_t p, q, h, w;

  STRIDENET_INLINE void start(const Patches<T>& x, std::int64_t pixel) {
    const std::int64_t n = pixel / (x.out_height * x.out_width);
    const std::int64_t rest = pixel % (x.out_height * x.out_width);
    image = x.image + n * x.image_size;
    p = rest / x.out_width;
    q = rest % x.out_width;
    h = p * x.stride_h + x.origin_h;
    w = q * x.stride_w + x.origin_w;
  }
  STRIDENET_INLINE void next(const Patches<T>& x) {
    w += x.stride_w;
    if (++q < x.out_width) return;
    q = 0;
    w = x.origin_w;
    h += x.stride_h;
    if (++p < x.out_height) return;
    p = 0;
    h = x.origin_h;
    image += x.image_size;
  }
};

STRIDENET_INLINE std::int64_t clamp(std::int64_t value, std::int64_t low, std::int64_t high) {
  return value < low ? low : value > high ? high : value;
}

/// How a patch falls into runs of memory: all taps of a filter row when nothing lies between
/// them, else tap by tap; and where the elements of a range begin in that.
struct PatchRuns {
  bool merged;
  std::int64_t run;
  std::int64_t tap_row, tap_column, offset;
};

template <class T>
STRIDENET_INLINE PatchRuns patch_runs(const Patches<T>& x, std::int64_t element) {
  PatchRuns runs;
  runs.merged = (x.dilation_w == 1 || x.taps_w == 1) && x.channels == x.pixel_size;
  runs.run = runs.merged ? x.taps_w * x.channels : x.channels;
  const std::int64_t row_elements = x.taps_w * x.channels;
  const std::int64_t rest = element % row_elements;
  runs.tap_row = element / row_elements;
  runs.tap_column = runs.merged ? 0 : rest / x.channels;
  runs.offset = runs.merged ? rest : rest % x.channels;
  return runs;
}

template <class T>
STRIDENET_INLINE bool may_read_loosely(const T* from, std::int64_t count, const T* end) {
  return end - from >= count + Vec<T>::lanes;
}

/// `elements` of a patch from where `runs` says, clipped to the image.
template <class T, class Sink>
STRIDENET_INLINE void gather_patch(const Patches<T>& x, const PatchPlace<T>& place,
                                   const PatchRuns& runs, std::int64_t elements, Sink sink) {
  std::int64_t tap_row = runs.tap_row;
  std::int64_t tap_column = runs.tap_column;
  std::int64_t offset = runs.offset;
  while (elements > 0) {
    const std::int64_t left = runs.run - offset;
    const std::int64_t length = left < elements ? left : elements;
    const std::int64_t h = place.h + tap_row * x.dilation_h;
    const std::int64_t w = place.w + tap_column * x.dilation_w;
    if (h < 0 || h >= x.height) {
      sink.clear(length);
    } else if (runs.merged) {
      const std::int64_t stop = offset + length;
      const std::int64_t low = clamp(-w * x.channels, offset, stop);
      const std::int64_t high = clamp((x.width - w) * x.channels, low, stop);
      sink.clear(low - offset);
      if (high > low) {
        const T* from = place.image + (h * x.row_size + w * x.pixel_size + low);
        sink.copy(from, high - low, may_read_loosely(from, high - low, x.end));
      }
      sink.clear(stop - high);
    } else if (w < 0 || w >= x.width) {
      sink.clear(length);
    } else {
      const T* from = place.image + (h * x.row_size + w * x.pixel_size + offset);
      sink.copy(from, length, may_read_loosely(from, length, x.end));
    }
    elements -= length;
    offset = 0;
    if (runs.merged || ++tap_column == x.taps_w) {
      tap_column = 0;
      ++tap_row;
    }
  }
}

/// Whether all of a patch lies inside of the image, so far from the end of memory that copies may
/// read beyond it.
template <class T>
STRIDENET_INLINE bool is_interior(const Patches<T>& x, const PatchPlace<T>& place) {
  const std::int64_t last_h = place.h + (x.taps_h - 1) * x.dilation_h;
  if (place.h < 0 || place.w < 0 || last_h >= x.height || place.w + x.taps_w > x.width) {
    return false;
  }
  const T* last_row = place.image + (last_h * x.row_size + place.w * x.pixel_size);
  return may_read_loosely(last_row, x.taps_w * x.channels, x.end);
}

/// One whole patch to contiguous memory.
template <class T>
STRIDENET_INLINE void gather_whole(const Patches<T>& x, const PatchPlace<T>& place,
                                   const PatchRuns& runs, std::int64_t elements, T* to) {
  if (!runs.merged || !is_interior(x, place)) {
    gather_patch(x, place, runs, elements, RowSink<T>{to});
    return;
  }
  const T* from = place.image + (place.h * x.row_size + place.w * x.pixel_size);
  const std::int64_t step = x.dilation_h * x.row_size;
  if (runs.run * static_cast<int>(sizeof(T)) <= 16) {
    for (std::int64_t r = 0; r < x.taps_h; ++r) {
      Chunk16 chunk;
      __builtin_memcpy(&chunk, from, 16);
      __builtin_memcpy(to, &chunk, 16);
      from += step;
      to += runs.run;
    }
    return;
  }
  for (std::int64_t r = 0; r < x.taps_h; ++r) {
    copy_run(to, from, runs.run, true);
    from += step;
    to += runs.run;
  }
}

template <class T>
void pack_patch_rows(const Patches<T>& patches, const PatchRange& range, const PanelTarget<T>& to) {
  const int pitch = to.layout == PanelLayout::short_rows ? kShortPitch : row_pitch(kTile<T>);
  const PatchRuns runs = patch_runs(patches, range.element);
  const bool whole =
      range.element == 0 && range.elements == patches.taps_h * patches.taps_w * patches.channels;
  PatchPlace<T> place;
  place.start(patches, range.pixel);
  for (std::int64_t first = 0; first < range.pixels; first += to.panel_rows) {
    T* row = to.data + first / to.panel_rows * to.stride;
    const std::int64_t left = range.pixels - first;
    const std::int64_t rows = left < to.panel_rows ? left : to.panel_rows;
    for (std::int64_t r = 0; r < rows; ++r) {
      if (whole) {
        gather_whole(patches, place, runs, range.elements, row);
      } else {
        gather_patch(patches, place, runs, range.elements, RowSink<T>{row});
      }
      place.next(patches);
      row += pitch;
    }
  }
}

template <class T>
void pack_patch_columns(const Patches<T>& patches, const PatchRange& range,
                        const PanelTarget<T>& to) {
  constexpr int step = kTile<T>.rows;
  const PatchRuns runs = patch_runs(patches, range.element);
  const bool one_panel = range.elements <= to.panel_rows;
  const bool whole =
      range.element == 0 && range.elements == patches.taps_h * patches.taps_w * patches.channels;
  PatchPlace<T> place;
  place.start(patches, range.pixel);
  T* at = to.data;
  for (std::int64_t k = 0; k < range.pixels; ++k) {
    if (one_panel && whole) {
      gather_whole(patches, place, runs, range.elements, at);
    } else {
      gather_patch(patches, place, runs, range.elements,
                   ColumnSink<T>{at, to.stride, to.panel_rows, 0});
    }
    place.next(patches);
    at += step;
  }
}

template <class T>
void pack_across(const T* from, std::int64_t pitch, std::int64_t count, std::int64_t depth, T* to,
                 int width, std::int64_t step, std::int64_t stride) {
  constexpr int lanes = Vec<T>::lanes;
  for (std::int64_t first = 0; first < count; first += width) {
    const std::int64_t left = count - first;
    const T* row = from + first;
    T* out = to;
    if (left >= width + lanes) {
      for (std::int64_t k = 0; k < depth; ++k) {
        for (int j = 0; j < width; j += lanes) store(out + j, load(row + j));
        row += pitch;
        out += step;
      }
    } else {
      for (std::int64_t k = 0; k < depth; ++k) {
        for (int j = 0; j < width; j += lanes) {
          const std::int64_t valid = clamp(left - j, 0, lanes);
          store(out + j, load_partial(row + j, static_cast<int>(valid)));
        }
        row += pitch;
        out += step;
      }
    }
    to += stride;
  }
}

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
