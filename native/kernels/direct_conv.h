#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

// Convolution without a matrix product, for groups of few channels: the vector runs over the
// output channels of all groups. `inner` is the number of input channels a group; x is stored so
// that inner channel i of the group of output channel k is found at [pixel, i, k]: for a depthwise
// convolution with a filter a channel that is x itself, otherwise an expanded copy of some rows.

/// Rows of x, and the taps that one row of outputs meets: output q, tap (r, s) is at row
/// h + r · dilation_h, column w + q · stride_w + s · dilation_w; what is outside counts nothing.
template <class T>
struct DirectConvInput {
  const T* x;
  std::int64_t height, width;
  std::int64_t row_pitch, pixel_pitch, inner_pitch;  // elements from one to the next
  std::int64_t inner;
  std::int64_t h, w;
  std::int64_t stride_w;
  std::int64_t taps_h, taps_w;
  std::int64_t dilation_h, dilation_w;
};

/// One row of y. Every element is one chain of fused multiply-adds over (r, s, i), then + bias,
/// then + residual, then the activation.
template <class T>
struct DirectConvRow {
  DirectConvInput<T> input;
  const T* weight;  // tap (0, 0), inner channel 0, output channel 0; channels are contiguous
  std::int64_t tap_row_pitch, tap_pitch, weight_inner_pitch;
  const T* bias;      // `channels` elements, or null
  const T* residual;  // as y, or null
  Activation activation;
  T* y;
  std::int64_t y_pitch;  // elements between pixels
  std::int64_t columns, channels;
};

/// Several rows of y, their places in x stride_h rows apart.
template <class T>
struct DirectConvRows {
  DirectConvRow<T> first;
  std::int64_t rows, stride_h;
  std::int64_t y_row_pitch;  // elements between rows
  /// y is too large to be found in a cache later, and all its vectors are aligned.
  bool past_caches;
};

// direct_conv_rows(call): depthwise convolutions with the usual filters in tiles of several rows
// and columns, in which a value of x is loaded once for all its taps; others row by row.
//
// direct_conv_narrow_rows(call): the same for few output channels, at most kMostNarrow: the vector
// runs over the inner channels, which are contiguous in x and for one output channel in the weight,
// whose output channels are weight_inner_pitch apart. Sums of lanes are added last.
inline constexpr std::int64_t kMostNarrow = 4;

/// Copies pixels of x (…, pitch) to [pixel, i, k] for a block of output channels k that starts a
/// group: from places[i · block + k], which is k / per_group · inner + i from `first` on where
/// `regular`.
template <class T>
struct DirectConvExpand {
  const T* from;
  std::int64_t pitch, pixels;
  const std::int32_t* places;
  std::int64_t inner, per_group;
  std::int64_t block;  // two vectors
  std::int64_t first;
  bool regular;
  T* to;
};

/// Adds what one row of dy gives to dw (taps_h, taps_w, inner, ·), `channels` of it.
template <class T>
struct DirectConvFilterRow {
  DirectConvInput<T> input;
  const T* dy;
  std::int64_t dy_pitch;  // elements between pixels
  std::int64_t columns, channels;
  T* dw;
  std::int64_t dw_pitch;  // elements between (r, s, i) and the next
};

/// Several rows of dy, their places in x stride_h rows apart. What a call adds to an element is
/// summed from 0; so a call should have some hundred pixels at most.
template <class T>
struct DirectConvFilterRows {
  DirectConvFilterRow<T> first;
  std::int64_t rows, stride_h;
  std::int64_t dy_row_pitch;  // elements between rows
  /// Rows of dy from this call's to those of the next, which are fetched meanwhile; 0: none.
  std::int64_t ahead;
};

}  // namespace stridenet
