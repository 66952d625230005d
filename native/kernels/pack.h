#pragma once

#include <cstdint>

#include "kernels/gemm.h"

namespace stridenet {

/// Patches of an image batch (N, H, W, pixel_size) as a matrix that is never stored: one row a
/// pixel (n, p, q) of the output grid, one column an element (r, s, c) of the patch. The element
/// is image[n, p·stride_h + origin_h + r·dilation_h, q·stride_w + origin_w + s·dilation_w, c], 0
/// outside of the image.
template <class T>
struct Patches {
  const T* image;  // first image, already at the first channel of the group
  const T* end;    // of the memory that may be read
  std::int64_t image_size, row_size, pixel_size;  // elements from one to the next
  std::int64_t height, width, channels;           // channels: of the group
  std::int64_t out_height, out_width;
  std::int64_t stride_h, stride_w;
  std::int64_t origin_h, origin_w;
  std::int64_t dilation_h, dilation_w;
  std::int64_t taps_h, taps_w;
};

/// Rows and columns of the patch matrix.
struct PatchRange {
  std::int64_t pixel, pixels;
  std::int64_t element, elements;
};

/// Elements of a patch that one call of pack_patch_columns may take.
inline constexpr int kMostPatchColumns = 1024;

/// Where panels go. Panel p starts at data + p · stride and has panel_rows rows of A (or columns
/// of B). The rows of a row-major panel and the last element of a depth_major one are followed by
/// kPanelSlack elements that packing may write.
template <class T>
struct PanelTarget {
  T* data;
  PanelLayout layout;
  int panel_rows;
  int step;  // depth_major: elements from one k to the next, MR for A and NR for B
  std::int64_t stride;
};

// pack_patch_rows(patches, range, to): A = the patches; `to.layout` is row_major or short_rows.
//
// pack_patch_columns(patches, range, to): A = the transposed patches, elements by pixels, or
// B = the patches, pixels by elements; `to.layout` is depth_major; at most kMostPatchColumns
// elements.
//
// pack_across(from, pitch, count, depth, to, width, step, stride): matrix rows k of `count`
// elements, `pitch` apart, go to panels of `width`: to[panel · stride + k · step + j]; what is
// missing in the last panel is 0. Up to a vector is written beyond `width`, in rising k.
//
// pack_along(order, from, pitch, count, depth, to): `count` ≤ NR matrix rows of `depth` elements,
// `pitch` apart, become the columns of one B panel: to[position(k) · NR + j], 0 for j ≥ count.

/// With k = outer · inner_count + inner: position(k) = inner' · (depth / inner_count) + outer,
/// where inner' is inner, or inner_count − 1 − inner when flipped. inner_count 1 keeps the order.
struct DepthOrder {
  std::int64_t inner_count = 1;
  bool flipped = false;
};

// pack_taps(taps, from, pitch, count, filters, to): `filters` rows of `count` ≤ NR channels, each
// of taps.count elements, `pitch` apart, become rows of B panels, a tap's behind each other:
// to[start(tap) + taps.panel · panel_step(tap) + filter · NR + channel], 0 for channel ≥ count.

/// Where the rows of a tap begin in the first panel, negative for a tap that is left out, and
/// elements from panel to panel.
struct TapPlace {
  std::int64_t start, panel_step;
};
struct TapPlaces {
  const TapPlace* places;
  std::int64_t count;
  std::int64_t panel;
};

}  // namespace stridenet
