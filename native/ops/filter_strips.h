#pragma once

#include <cstdint>

#include "ops/conv2d_geometry.h"
#include "ops/gemm.h"

namespace stridenet {

// The filter gradient of groups of many channels: for every tap, xᵀ · dy over the pixels that the
// tap meets. A strip of some rows of dy, and of the rows of x that they meet, is packed once; all
// taps read those panels, each from a place of its own, so that nothing is copied a second time
// and nothing outside of the image is multiplied.

/// Rows [p0, p1) and columns [q0, q1) of the output grid of images [n0, n1), and the rows and
/// columns of x between the first and the last that their taps meet.
struct Strip {
  std::int64_t n0, n1;
  std::int64_t p0, p1, q0, q1;
  std::int64_t h0, h1, w0, w1;

  std::int64_t rows() const { return p1 - p0; }
  std::int64_t columns() const { return q1 - q0; }
};

/// The cut of a convolution's pixels into strips of at most `most` pixels. FilterStrips hold whole
/// images, or rows of one, or pieces of one row.
class FilterStrips {
 public:
  FilterStrips(const Convolution& conv, std::int64_t most);

  /// Of a batch of `images`.
  std::int64_t count(std::int64_t images) const;
  Strip at(std::int64_t index, std::int64_t images) const;

  /// Pixels of dy, and places of x, that a strip holds at most.
  std::int64_t most_pixels() const { return images_ * rows_ * columns_; }
  std::int64_t most_places() const;
  /// Rows of a strip's images at most.
  std::int64_t most_rows() const { return images_ * rows_; }

  /// Columns of x lie by their residue modulo the stride, so that a tap meets neighbours: the place
  /// in a strip's row of column w.
  std::int64_t place(const Strip& strip, std::int64_t w) const;

 private:
  Convolution conv_;
  std::int64_t images_, rows_, columns_;  // of a strip at most
};

/// Coordinates [first, last) within [begin, end) of an output axis at which a tap that lies
/// `offset` = tap · dilation − padding from the output's own place meets one of `size` inputs.
struct Met {
  std::int64_t first, last;
};
Met meet(std::int64_t begin, std::int64_t end, std::int64_t stride, std::int64_t offset,
         std::int64_t size);

}  // namespace stridenet
