#pragma once

#include <memory>

#include "kernels/table.h"
#include "ops/conv2d_geometry.h"
#include "ops/operator.h"

namespace stridenet {

/// A convolution whose outputs (N, P, Q, K) are pooled at once: read from the attributes of
/// conv2d, those of maxPool2d with 'pool' before their names, and x and weight.
struct ConvMaxPool {
  Convolution conv;
  std::int64_t rows, columns;  // of windows
  std::int64_t kernel_h, kernel_w;
  std::int64_t stride_h, stride_w;
  std::int64_t dilation_h, dilation_w;
  std::int64_t top, left;
  /// What is pooled, (N, P, Q, K).
  TensorSpec map;
  /// The attributes under maxPool2d's own names.
  Attributes pool;
  /// Winners are masks, for ties 'all' and 'split'.
  bool masks, split;

  std::int64_t cells() const { return kernel_h * kernel_w; }
  /// Rows and columns of x from one window to the next, and those that a window's patches span.
  std::int64_t step_h() const { return stride_h * conv.stride_h; }
  std::int64_t step_w() const { return stride_w * conv.stride_w; }
  std::int64_t span_h() const {
    return (kernel_h - 1) * dilation_h * conv.stride_h + (conv.r - 1) * conv.dilation_h + 1;
  }
  std::int64_t span_w() const {
    return (kernel_w - 1) * dilation_w * conv.stride_w + (conv.s - 1) * conv.dilation_w + 1;
  }
  /// Where window 0 begins in x.
  std::int64_t origin_h() const { return -conv.top - top * conv.stride_h; }
  std::int64_t origin_w() const { return -conv.left - left * conv.stride_w; }
  /// Columns of x that a row of windows spans, padding counted.
  std::int64_t width() const { return (columns - 1) * step_w() + span_w(); }
  /// Rows of x that `count` rows of windows span.
  std::int64_t height(std::int64_t count) const { return (count - 1) * step_h() + span_h(); }
  /// Whether no window reaches beyond x.
  bool inside() const {
    return origin_h() >= 0 && origin_w() >= 0 && origin_h() + height(rows) <= conv.h &&
           origin_w() + width() <= conv.w;
  }
};

/// Reads both; `pooled` is y or dy, of which the windows are counted. What the pool's operators
/// check is left to them. Throws Error("ERR_PROGRAM" or "ERR_DTYPE").
ConvMaxPool read_conv_max_pool(const Call& call, const TensorSpec& x, const TensorSpec& weight,
                               const TensorSpec& pooled);

/// Offsets of a patch's elements (r, s, c) in x with rows of `row_pitch` elements.
std::vector<std::int32_t> patch_offsets(const Convolution& conv, std::int64_t row_pitch);

/// Copies rows [first, first + count) of the windows' span over `image` to `to`, 0 outside of it.
template <class T>
void copy_span(const ConvMaxPool& shape, const T* image, std::int64_t first, std::int64_t count,
               T* to);

/// maxPool2dGradient in which a winner that is no cell passes nothing. For a checked call.
std::unique_ptr<Instruction> prepare_gated_max_pool2d_gradient(const Call& call,
                                                               const KernelTable& table);

}  // namespace stridenet
