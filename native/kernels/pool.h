#pragma once

#include <cstdint>

namespace stridenet {

/// A pooling over channels-last images: x (H, W, C) → y (P, Q, C). Window p covers the rows
/// p · stride_h − top + r · dilation_h, r < R, that are inside; it has at least one.
struct PoolGeometry {
  std::int64_t height, width, channels;      // H, W, C
  std::int64_t rows, columns;                // P, Q
  std::int64_t kernel_height, kernel_width;  // R, S; R · S ≤ 2^24, exact in a float
  std::int64_t stride_height, stride_width;
  std::int64_t dilation_height, dilation_width;
  std::int64_t top, left;
};

/// One row of windows of one image.
template <class T>
struct MaxPoolRow {
  const PoolGeometry* geometry;
  const T* x;  // the image
  std::int64_t row;
  T* y;                 // the row, Q · C, or null
  std::uint8_t* bytes;  // where the row's winners go, in bytes,
  std::int32_t* words;  // or in words, or nowhere
  /// Bytes are masks instead, R · S ≤ 8: bit r · S + s is whether that cell equals y, so a NaN has
  /// 0.
  bool masks;
};

/// That window `window` along an axis has a cell at a place, as its cell number `cell`.
struct PoolCover {
  std::int32_t window;
  std::int32_t cell;
};

/// One row of dx of one image, gathered from the windows that cover it.
template <class T>
struct MaxPoolGradientRow {
  const PoolGeometry* geometry;
  const T* dy;                // the image, P · Q · C
  const std::uint8_t* bytes;  // the image's winners in bytes,
  const std::int32_t* words;  // or in words;
  const T* x;                 // or the row of x and the image of y, when a cell wins
  const T* y;                 // by being equal to its window's maximum
  const PoolCover* vertical;  // what covers this row, windows rising
  std::int64_t vertical_count;
  const PoolCover* horizontal;  // what covers column w: [first[w], first[w + 1])
  const std::int64_t* horizontal_first;
  T* dx;  // the row, W · C
  /// Bytes are the masks of MaxPoolRow: each bit's cell wins. Split: dy / (bits that are set).
  bool masks, split;
};

/// One row of windows: share = dy / (cells that equal y).
template <class T>
struct MaxPoolShareRow {
  const PoolGeometry* geometry;
  const T* x;  // the image
  std::int64_t row;
  const T* y;  // the rows, Q · C
  const T* dy;
  T* share;
};

/// One row of windows: y = the cell that is the window's winner, 0 when it is outside.
template <class T>
struct MaxPoolPickRow {
  const PoolGeometry* geometry;
  const T* x;  // the image
  std::int64_t row;
  const std::uint8_t* bytes;  // the row's winners in bytes,
  const std::int32_t* words;  // or in words
  T* y;                       // the row, Q · C
};

/// A window of average pooling along one axis: the cells [first, last) that are inside, and how
/// many it is divided by along that axis.
struct AverageWindow {
  std::int64_t first, last;
  std::int64_t divisor;
};

/// One row of windows of one image.
template <class T>
struct AveragePoolRow {
  const T* x;  // the image (H, W, C)
  std::int64_t width, channels;
  AverageWindow vertical;
  const AverageWindow* horizontal;  // by column of windows
  std::int64_t columns;
  T* y;  // the row, Q · C
};

/// The windows [first, last) along an axis that hold a place.
struct PoolSpan {
  std::int64_t first, last;
};

/// One row of dx of one image: the sum of dy / (the divisors of both axes) over the windows that
/// hold the cell, in window order.
template <class T>
struct AveragePoolGradientRow {
  const T* dy;  // the image (P, Q, C)
  std::int64_t width, channels, columns;
  const AverageWindow* vertical;  // by row of windows
  PoolSpan rows;                  // those that hold this row
  const AverageWindow* horizontal;
  const PoolSpan* spans;  // by column of dx
  T* dx;                  // the row, W · C
};

}  // namespace stridenet
