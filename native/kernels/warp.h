#pragma once

#include <cstdint>

namespace stridenet {

/// Pixels whose places are found at once: whole vectors of them.
inline constexpr std::int64_t kWarpBlock = 64;

/// Some pixels of one row of an affine map; docs/architecture.md, warpAffine. Pixel i reads at
/// (row[0] + row[1] · (column + i), …): matrix[1] and [4] are the steps along the row, row[0] and
/// column[0] what the rest of the matrix gives for this row.
struct WarpPlaces {
  double row_start, row_step;
  double column_start, column_step;
  /// Of the pixels, count ≤ kWarpBlock.
  std::int64_t first, count;
  /// Of the image, at least one pixel, at most 2^40.
  std::int64_t height, width;
  bool bilinear;
};

/// For each pixel the cells that it reads, as row · width + column, or −1 for one outside of the
/// image, and their weights; one cell of weight 1 for the nearest. Cells of weight 0 do not count.
/// What follows the last pixel is safe to read, up to a whole vector.
template <class T>
struct WarpTaps {
  std::int64_t cells[4][kWarpBlock];
  T weights[4][kWarpBlock];
};

// warp_taps(places, taps): the taps of those pixels. Any numbers will do.
//
// warp_pixels(places, taps, x, channels, fill, y): the pixels at y, `channels` elements each, from
//     an image x (height, width, channels).
//
// warp_pixels_back(places, taps, dy, channels, dx): dx[cell] += weight · dy for each tap inside, in
//     the order of the pixels.

}  // namespace stridenet
