#include "ops/conv2d_geometry.h"

#include <numeric>

#include "ops/checks.h"

namespace stridenet {

namespace {

// Keeps every coordinate and every product of two of them within 64 bits.
constexpr std::int64_t kMost = std::int64_t{1} << 30;

void expect_small(std::int64_t size, const char* name) {
  if (size > kMost) {
    refuse(std::string("expected ") + name + " of at most 2^30 but received " +
           std::to_string(size));
  }
}

std::int64_t output_size(std::int64_t input, std::int64_t padding, std::int64_t taps,
                         std::int64_t dilation, std::int64_t stride, const char* axis) {
  const std::int64_t room = input + padding - dilation * (taps - 1) - 1;
  if (room < 0) {
    refuse(std::string("the dilated filter is larger than the padded input along ") + axis);
  }
  return room / stride + 1;
}

}  // namespace

Convolution read_convolution(const Call& call, const TensorSpec& x, const TensorSpec& weight) {
  expect_floating(x, "x");
  expect_rank(x, "x", 4);
  expect_rank(weight, "weight", 4);
  expect_dtype(weight, "weight", x.dtype);
  expect_batched(weight, "weight", false);
  const auto stride = call.attributes.integers("stride", 2, 1, kMost);
  const auto padding = call.attributes.integers("padding", 4, 0, kMost);
  const auto dilation = call.attributes.integers("dilation", 2, 1, kMost);
  Convolution conv = {};
  conv.n = x.shape[0];
  conv.h = x.shape[1];
  conv.w = x.shape[2];
  conv.c = x.shape[3];
  conv.k = weight.shape[0];
  conv.r = weight.shape[2];
  conv.s = weight.shape[3];
  expect_small(conv.h, "a height");
  expect_small(conv.w, "a width");
  expect_small(conv.c, "a number of channels");
  expect_small(conv.k, "a number of filters");
  expect_small(conv.r, "a filter height");
  expect_small(conv.s, "a filter width");
  conv.stride_h = stride[0];
  conv.stride_w = stride[1];
  conv.top = padding[0];
  conv.bottom = padding[1];
  conv.left = padding[2];
  conv.right = padding[3];
  conv.dilation_h = dilation[0];
  conv.dilation_w = dilation[1];
  conv.groups = call.attributes.integer("groups", 1, kMost);
  conv.flipped = call.attributes.boolean("flipKernel");
  if (conv.r == 0 || conv.s == 0) refuse("expected a filter of at least 1 x 1");
  if (conv.c % conv.groups != 0 || conv.k % conv.groups != 0) {
    refuse("expected groups to divide " + std::to_string(conv.c) + " channels and " +
           std::to_string(conv.k) + " filters but received " + std::to_string(conv.groups));
  }
  expect_shape(weight, "weight", {conv.k, conv.group_channels(), conv.r, conv.s});
  conv.p = output_size(conv.h, conv.top + conv.bottom, conv.r, conv.dilation_h, conv.stride_h,
                       "the height");
  conv.q = output_size(conv.w, conv.left + conv.right, conv.s, conv.dilation_w, conv.stride_w,
                       "the width");
  return conv;
}

Convolution check_convolution(const Call& call, const TensorSpec& x, const TensorSpec& weight,
                              const TensorSpec& y) {
  const Convolution conv = read_convolution(call, x, weight);
  expect_tensor(y, "y", x.dtype, {conv.n, conv.p, conv.q, conv.k}, x.batched);
  return conv;
}

Phase make_phase(std::int64_t residue, std::int64_t size, std::int64_t stride, std::int64_t padding,
                 std::int64_t dilation, std::int64_t taps) {
  Phase phase = {};
  phase.first = residue;
  phase.count = residue < size ? (size - residue + stride - 1) / stride : 0;
  // dx coordinate i meets tap t at dy coordinate (i + padding − t·dilation) / stride when that is
  // whole: for one residue of t modulo stride / gcd(stride, dilation), or for no t.
  const std::int64_t common = std::gcd(stride, dilation);
  phase.tap_step = stride / common;
  phase.dilation = dilation / common;
  const std::int64_t shifted = residue + padding;
  if (shifted % common != 0) return phase;
  std::int64_t tap = 0;
  while (tap < phase.tap_step && tap < taps && (shifted - tap * dilation) % stride != 0) ++tap;
  if (tap >= phase.tap_step || tap >= taps) return phase;
  phase.taps = (taps - 1 - tap) / phase.tap_step + 1;
  phase.first_tap = tap + (phase.taps - 1) * phase.tap_step;
  phase.origin = (shifted - phase.first_tap * dilation) / stride;
  return phase;
}

}  // namespace stridenet
