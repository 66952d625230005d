// Copies into panels. Contracts: kernels/pack.h.

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

/// How many patches from `place` on, at most `limit`, lie in one row of the output grid and wholly
/// inside of the image, so far from the end of memory that copies may read beyond them.
template <class T>
STRIDENET_INLINE std::int64_t count_interior(const Patches<T>& x, const PatchPlace<T>& place,
                                             std::int64_t limit) {
  const std::int64_t last_h = place.h + (x.taps_h - 1) * x.dilation_h;
  const std::int64_t room = x.width - x.taps_w - place.w;
  if (place.h < 0 || place.w < 0 || last_h >= x.height || room < 0) return 0;
  std::int64_t count = x.out_width - place.q;
  count = count < limit ? count : limit;
  if (x.stride_w * (count - 1) > room) count = room / x.stride_w + 1;
  const T* last_row = place.image + (last_h * x.row_size + place.w * x.pixel_size);
  const std::int64_t reach = x.stride_w * (count - 1) * x.pixel_size + x.taps_w * x.channels;
  return may_read_loosely(last_row, reach, x.end) ? count : 0;
}

template <class T>
struct PatchCopy {
  const T* from;
  std::int64_t from_step;  // from patch to patch
  std::int64_t tap_step;   // from filter row to filter row
  std::int64_t taps, run;
  T* to;
  std::int64_t to_step;
  std::int64_t count;
};

/// Copies whole patches; Taps 0 reads their number from the call, Bytes 0 the length of a run.
template <class T, int Taps, int Bytes>
STRIDENET_INLINE void copy_patches(const PatchCopy<T>& copy) {
  const std::int64_t taps = Taps == 0 ? copy.taps : Taps;
  const T* from = copy.from;
  T* to = copy.to;
  for (std::int64_t i = 0; i < copy.count; ++i) {
#pragma GCC unroll 8
    for (std::int64_t r = 0; r < taps; ++r) {
      if constexpr (Bytes != 0) {
        char bytes[Bytes];
        __builtin_memcpy(bytes, from + r * copy.tap_step, Bytes);
        __builtin_memcpy(to + r * copy.run, bytes, Bytes);
      } else {
        copy_run(to + r * copy.run, from + r * copy.tap_step, copy.run, true);
      }
    }
    from += copy.from_step;
    to += copy.to_step;
  }
}

template <class T>
STRIDENET_INLINE void copy_interior(const PatchCopy<T>& copy) {
  const std::int64_t bytes = copy.run * static_cast<int>(sizeof(T));
  if (bytes <= 16) {
    if (copy.taps == 3) return copy_patches<T, 3, 16>(copy);
    return copy_patches<T, 0, 16>(copy);
  }
  if (bytes <= 32) {
    if (copy.taps == 5) return copy_patches<T, 5, 32>(copy);
    return copy_patches<T, 0, 32>(copy);
  }
  copy_patches<T, 0, 0>(copy);
}

/// `count` whole patches from `place` on, one every `step` elements.
template <class T>
STRIDENET_INLINE void gather_whole(const Patches<T>& x, PatchPlace<T>& place, const PatchRuns& runs,
                                   std::int64_t count, T* to, std::int64_t step) {
  const std::int64_t elements = x.taps_h * x.taps_w * x.channels;
  while (count > 0) {
    const std::int64_t interior = runs.merged ? count_interior(x, place, count) : 0;
    if (interior == 0) {
      gather_patch(x, place, runs, elements, RowSink<T>{to});
      place.next(x);
      to += step;
      --count;
      continue;
    }
    const T* from = place.image + (place.h * x.row_size + place.w * x.pixel_size);
    copy_interior(PatchCopy<T>{from, x.stride_w * x.pixel_size, x.dilation_h * x.row_size, x.taps_h,
                               runs.run, to, step, interior});
    place.q += interior - 1;
    place.w += (interior - 1) * x.stride_w;
    place.next(x);
    to += interior * step;
    count -= interior;
  }
}

template <class T>
STRIDENET_INLINE bool is_whole(const Patches<T>& x, const PatchRange& range) {
  return range.element == 0 && range.elements == x.taps_h * x.taps_w * x.channels;
}

template <class T>
void pack_patch_rows(const Patches<T>& patches, const PatchRange& range, const PanelTarget<T>& to) {
  const int pitch = to.layout == PanelLayout::short_rows ? kShortPitch : row_pitch(kTile<T>);
  const PatchRuns runs = patch_runs(patches, range.element);
  const bool whole = is_whole(patches, range);
  PatchPlace<T> place;
  place.start(patches, range.pixel);
  T* panel = to.data;
  for (std::int64_t first = 0; first < range.pixels; first += to.panel_rows) {
    const std::int64_t left = range.pixels - first;
    const std::int64_t rows = left < to.panel_rows ? left : to.panel_rows;
    if (whole) {
      gather_whole(patches, place, runs, rows, panel, pitch);
    } else {
      for (std::int64_t r = 0; r < rows; ++r) {
        gather_patch(patches, place, runs, range.elements, RowSink<T>{panel + r * pitch});
        place.next(patches);
      }
    }
    panel += to.stride;
  }
}

template <class T>
void pack_patch_columns(const Patches<T>& patches, const PatchRange& range,
                        const PanelTarget<T>& to) {
  constexpr int lanes = Vec<T>::lanes;
  const PatchRuns runs = patch_runs(patches, range.element);
  const bool whole = is_whole(patches, range);
  PatchPlace<T> place;
  place.start(patches, range.pixel);
  if (range.elements <= to.panel_rows && whole) {
    gather_whole(patches, place, runs, range.pixels, to.data, to.step);
    return;
  }
  // A patch is put together first and then dealt out: its runs and the panels end elsewhere.
  T patch[kMostPatchColumns + kPanelSlack];
  T* at = to.data;
  for (std::int64_t k = 0; k < range.pixels; ++k) {
    if (whole) {
      gather_whole(patches, place, runs, 1, patch, 0);
    } else {
      gather_patch(patches, place, runs, range.elements, RowSink<T>{patch});
      place.next(patches);
    }
    T* panel = at;
    for (std::int64_t first = 0; first < range.elements; first += to.panel_rows) {
      for (int j = 0; j < to.panel_rows; j += lanes) store(panel + j, load(patch + first + j));
      panel += to.stride;
    }
    at += to.step;
  }
}

template <class T>
void pack_across(const T* from, std::int64_t pitch, std::int64_t count, std::int64_t depth, T* to,
                 int width, std::int64_t step, std::int64_t stride) {
  constexpr int lanes = Vec<T>::lanes;
  constexpr int line = 64 / static_cast<int>(sizeof(T));
  // Rows lie too far apart for the hardware to see the next ones coming.
  constexpr std::int64_t rows_ahead = 16;
  for (std::int64_t k = 0; k < depth; ++k) {
    const T* row = from + k * pitch;
    T* panel = to + k * step;
    for (std::int64_t j = 0; j < count; j += line) {
      __builtin_prefetch(row + rows_ahead * pitch + j);
    }
    std::int64_t left = count;
    for (; left >= width + lanes; left -= width) {
      for (int j = 0; j < width; j += lanes) store(panel + j, load(row + j));
      row += width;
      panel += stride;
    }
    for (; left > 0; left -= width) {
      for (int j = 0; j < width; j += lanes) {
        store(panel + j, load_partial(row + j, static_cast<int>(clamp(left - j, 0, lanes))));
      }
      row += width;
      panel += stride;
    }
  }
}
