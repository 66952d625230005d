#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/table.h"
#include "ops/direct_strips.h"

namespace stridenet {

/// Of planes at a time: they should stay in the second cache, beside what they come from.
inline constexpr std::int64_t kPlanesBytes = 192 << 10;
/// Products that are summed from 0 before they are added to an output.
inline constexpr std::int64_t kPlaneDepth = 256;

/// How images lie in planes for a pass with strides of 1: rows `pitch` apart, of which `used`
/// elements from `left` on come from the image, the first from its column `from`; the others are 0.
/// Zeros to the right of a row serve as those to the left of the next.
struct PlaneRows {
  std::int64_t pitch, left, used, from;
  std::int64_t shared;  // zeros, beyond the pitch
  std::int64_t halo;    // input rows that a strip of outputs meets beyond its own number
  std::vector<std::int64_t> offsets;  // by tap

  PlaneRows(const Pass& rows, const Pass& columns, std::int64_t width) {
    const std::int64_t span = std::max<std::int64_t>(0, columns.taps - 1) * columns.dilation;
    const std::int64_t total = columns.count + span;
    left = std::clamp<std::int64_t>(-columns.origin, 0, total);
    const std::int64_t end = std::clamp<std::int64_t>(width - columns.origin, left, total);
    used = end - left;
    from = columns.origin + left;
    shared = std::min({left, total - end, span});
    pitch = total - shared;
    halo = std::max<std::int64_t>(0, rows.taps - 1) * rows.dilation;
    for (std::int64_t r = 0; r < rows.taps; ++r) {
      for (std::int64_t s = 0; s < columns.taps; ++s) {
        offsets.push_back(r * rows.dilation * pitch + s * columns.dilation);
      }
    }
  }

  /// Elements of a plane that holds what `rows` rows of outputs meet.
  std::int64_t plane(std::int64_t rows) const { return pad((rows + halo) * pitch + shared); }

  /// Of planes of `elements`, with their slack; not a multiple of a page, where lines would
  /// compete.
  static std::int64_t pad(std::int64_t elements) {
    const std::int64_t padded = (elements + kPlaneSlack + 15) / 16 * 16;
    return padded % 1024 == 0 ? padded + 16 : padded;
  }
};

/// A pass over planes, cut into strips of rows and groups of planes.
struct PlanePass {
  Pass rows, columns;
  PlaneRows layout;
  std::int64_t inner, outputs;
  std::int64_t block, group;  // planes
  std::int64_t height;        // of a strip
  std::int64_t strips;

  PlanePass(const Pass& of_rows, const Pass& of_columns, std::int64_t width, std::int64_t all_inner,
            std::int64_t all_outputs, std::int64_t lanes, std::int64_t size)
      : rows(of_rows),
        columns(of_columns),
        layout(of_rows, of_columns, width),
        inner(taps() == 0 ? 0 : all_inner),
        outputs(all_outputs) {
    block = std::max<std::int64_t>(1, inner);
    if (inner * taps() > kPlaneDepth) {
      const std::int64_t most = std::max<std::int64_t>(1, kPlaneDepth / taps());
      block = most / lanes * lanes;
      if (block == 0) {
        for (block = 1; block * 2 <= most;) block *= 2;
      }
    }
    group = std::min(std::max<std::int64_t>(1, inner), (lanes + block - 1) / block * block);
    const std::int64_t row = (group + outputs) * layout.pitch * size;
    const std::int64_t fixed =
        (group + outputs) * (kPlaneSlack + 32) * size + group * layout.halo * layout.pitch * size;
    const std::int64_t most = (kPlanesBytes - fixed) / std::max<std::int64_t>(1, row);
    height = std::clamp<std::int64_t>(most, 1, std::max<std::int64_t>(1, rows.count));
    strips = (rows.count + height - 1) / height;
    if (strips > 0) height = (rows.count + strips - 1) / strips;
  }

  std::int64_t taps() const { return rows.taps * columns.taps; }
  std::int64_t output_plane() const { return PlaneRows::pad(height * layout.pitch); }
  std::int64_t elements() const { return group * layout.plane(height) + outputs * output_plane(); }
  double operations() const {
    return 2.0 * static_cast<double>(outputs * inner * taps()) *
           static_cast<double>(rows.count * columns.count);
  }
  std::int64_t vectors(std::int64_t lanes) const {
    return ((height - 1) * layout.pitch + columns.count + lanes - 1) / lanes;
  }
};

/// Writes the planes of `channels` channels of an image (height, width, pitch), which begins at
/// the first of them, for `count` rows from input row `first` on.
template <class T>
void write_planes(const Kernels<T>& kernels, const PlaneRows& rows, const T* image,
                  std::int64_t height, std::int64_t width, std::int64_t pitch,
                  std::int64_t channels, std::int64_t first, std::int64_t count, T* to,
                  std::int64_t plane) {
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, count);
  const std::int64_t end = std::clamp<std::int64_t>(height - first, begin, count);
  const bool whole = rows.used == rows.pitch && rows.used == width;
  if (!whole || begin > 0 || end < count) std::fill_n(to, channels * plane, T{0});
  if (rows.used == 0) return;
  const T* from = image + ((first + begin) * width + rows.from) * pitch;
  T* row = to + begin * rows.pitch + rows.left;
  if (whole) {
    kernels.pixels_to_planes(from, pitch, channels, (end - begin) * width, row, plane);
    return;
  }
  for (std::int64_t h = begin; h < end; ++h) {
    kernels.pixels_to_planes(from, pitch, channels, rows.used, row, plane);
    from += width * pitch;
    row += rows.pitch;
  }
}

}  // namespace stridenet
