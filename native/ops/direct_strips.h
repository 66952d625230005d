#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/table.h"
#include "ops/conv2d_geometry.h"
#include "ops/gemm.h"

namespace stridenet {

/// Of expanded rows at a time: they should stay in the second cache.
inline constexpr std::int64_t kExpandedBytes = 256 << 10;
/// Operations of a task, and of rows that are summed apart, at least.
inline constexpr double kDirectTaskOperations = 4e5;
/// A result from this size on is written past the caches, and operands are fetched from memory.
inline constexpr std::int64_t kDirectStreamedBytes = std::int64_t{16} << 20;
/// Input channels from which a vector over them is better than one over few output channels.
inline constexpr std::int64_t kLeastNarrow = 8;
/// Output o of a group's `per_group` meets the `inner` inputs o / per_group · inner + i.
struct Grouping {
  std::int64_t outputs, inputs;
  std::int64_t per_group, inner;

  /// The inputs are found where the outputs are.
  bool plain() const { return per_group == 1 && inner == 1; }
  /// Few outputs of many inputs in one group, for the kernel whose vector runs over the inputs.
  bool narrow() const {
    return inner == inputs && outputs <= kMostNarrow && inputs >= kLeastNarrow;
  }
};

inline Grouping forward_grouping(const Convolution& conv) {
  return {conv.k, conv.c, conv.group_filters(), conv.group_channels()};
}
inline Grouping gradient_grouping(const Convolution& conv) {
  return {conv.c, conv.k, conv.group_channels(), conv.group_filters()};
}

/// Whether groups are too small for matrix products, and the expanded rows of the taps fit.
bool is_direct(const Convolution& conv, const Grouping& grouping, std::int64_t width,
               std::int64_t rows, const KernelTable& table, DType dtype);

/// Outputs first + i · step of one axis, i < count, and what they meet: tap t of the pass at input
/// coordinate origin + i · stride + t · dilation, tap first_tap + t · tap_step of the filter.
struct Pass {
  std::int64_t first, step, count;
  std::int64_t origin, stride;
  std::int64_t taps, dilation;
  std::int64_t first_tap, tap_step;
};

inline Pass forward_pass(std::int64_t count, std::int64_t stride, std::int64_t padding,
                         std::int64_t taps, std::int64_t dilation) {
  return {0, 1, count, -padding, stride, taps, dilation, 0, 1};
}

inline Pass gradient_pass(const Phase& phase, std::int64_t stride) {
  return {phase.first, stride,         phase.count,     phase.origin,   1,
          phase.taps,  phase.dilation, phase.first_tap, -phase.tap_step};
}

/// Input rows [first, last) that the outputs [begin, end) of a pass meet.
struct Rows {
  std::int64_t first, last;
};
inline Rows rows_of(const Pass& pass, std::int64_t begin, std::int64_t end, std::int64_t height) {
  const std::int64_t first = std::clamp<std::int64_t>(pass.origin + begin * pass.stride, 0, height);
  const std::int64_t last =
      pass.origin + (end - 1) * pass.stride + (pass.taps - 1) * pass.dilation + 1;
  return {first, pass.taps == 0 ? first : std::clamp<std::int64_t>(last, first, height)};
}

/// The input images as the kernels want them: as they are, or expanded strip by strip.
template <class T>
class Strips {
 public:
  Strips(const Kernels<T>& kernels, const Grouping& grouping, std::int64_t width)
      : kernels_(kernels), grouping_(grouping), width_(width) {
    if (in_place()) return;
    const std::int64_t block = block_channels();
    const std::int64_t blocks = (grouping.outputs + block - 1) / block;
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t i = 0; i < grouping.inner; ++i) {
        for (std::int64_t k = b * block; k < (b + 1) * block; ++k) {
          const std::int64_t output = std::min(k, grouping.outputs - 1);
          places_.push_back(
              static_cast<std::int32_t>(output / grouping.per_group * grouping.inner + i));
        }
      }
    }
  }

  /// Output channels of a call of the kernels.
  std::int64_t block_channels() const {
    return in_place() ? grouping_.outputs : std::int64_t{2} * kernels_.lanes;
  }

  /// Rows that may be expanded at once.
  std::int64_t most_rows() const {
    if (in_place()) return std::int64_t{1} << 40;
    return std::max<std::int64_t>(1, kExpandedBytes / row_bytes());
  }
  std::int64_t row_bytes() const {
    return width_ * grouping_.inner * block_channels() * static_cast<std::int64_t>(sizeof(T));
  }

  /// Where the kernels find rows [rows.first, rows.last) of `image` for the outputs from `channel`
  /// on. Lost at this thread's next call.
  DirectConvInput<T> input(const T* image, const Rows& rows, std::int64_t channel) const {
    DirectConvInput<T> input = {};
    input.height = rows.last - rows.first;
    input.width = width_;
    input.inner = grouping_.inner;
    const T* from = image + rows.first * width_ * grouping_.inputs;
    if (in_place()) {
      input.x = from + channel;
      input.pixel_pitch = grouping_.inputs;
    } else {
      const std::int64_t block = block_channels();
      const std::int64_t count = grouping_.inner * block;
      T* to = reinterpret_cast<T*>(thread_memory());
      DirectConvExpand<T> call = {};
      call.from = from;
      call.pitch = grouping_.inputs;
      call.pixels = input.height * width_;
      call.places = places_.data() + channel / block * count;
      call.inner = grouping_.inner;
      call.per_group = grouping_.per_group;
      call.block = block;
      call.first = channel / grouping_.per_group * grouping_.inner;
      call.regular = channel % grouping_.per_group == 0 && channel + block <= grouping_.outputs;
      call.to = to;
      kernels_.direct_conv_expand(call);
      input.x = to;
      input.inner_pitch = block;
      input.pixel_pitch = count;
    }
    input.row_pitch = width_ * input.pixel_pitch;
    return input;
  }

 private:
  bool in_place() const { return grouping_.plain() || grouping_.narrow(); }

  const Kernels<T>& kernels_;
  Grouping grouping_;
  std::int64_t width_;
  std::vector<std::int32_t> places_;
};

/// Sets what of `input` the passes say; its rows begin at input row `first_row`.
template <class T>
void aim(DirectConvInput<T>& input, const Pass& rows, const Pass& columns, std::int64_t row,
         std::int64_t first_row) {
  input.h = rows.origin + row * rows.stride - first_row;
  input.w = columns.origin;
  input.stride_w = columns.stride;
  input.taps_h = rows.taps;
  input.taps_w = columns.taps;
  input.dilation_h = rows.dilation;
  input.dilation_w = columns.dilation;
}

}  // namespace stridenet
