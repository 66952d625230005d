#pragma once

#include "ops/channels.h"
#include "ops/checks.h"

namespace stridenet {

// What batchNorm, batchNormTraining and batchNormGradient share.

/// (rows, channels) of x as it is stored: (N,C) or (N,H,W,C).
inline ChannelCut channel_cut(const TensorView& x) {
  const std::int64_t channels = x.shape[x.rank - 1];
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < x.rank; ++axis) rows *= x.shape[axis];
  return {rows, channels};
}

inline ChannelCut channel_cut(const TensorSpec& x) {
  return {product(x, 0, x.shape.size() - 1), x.shape.back()};
}

/// A channel's element of a parameter, or what stands for one that is absent.
template <class T>
double channel_value(const TensorView& parameter, std::int64_t channel, double otherwise) {
  return parameter.present() ? static_cast<double>(parameter.as<T>()[channel]) : otherwise;
}

/// The operand of that index, floating, (N,C) or (N,H,W,C).
inline const TensorSpec& expect_image(const Call& call, std::size_t index, const char* name) {
  const TensorSpec& x = required_input(call, index, name);
  expect_floating(x, name);
  expect_rank(x, name, 2, 4);
  if (x.shape.size() == 3) expect_rank(x, name, 4);
  return x;
}

/// The operand is absent, or has one element for each channel of x.
inline void expect_channels(const TensorSpec& spec, const char* name, const TensorSpec& x) {
  if (spec.present) expect_tensor(spec, name, x.dtype, {x.shape.back()}, false);
}

/// Places of a normalizer, T(2,C): the mean's rest, and inverseDeviation · weight.
inline void expect_normalizer(const TensorSpec& spec, const TensorSpec& x) {
  if (spec.present) expect_tensor(spec, "normalizer", x.dtype, {2, x.shape.back()}, false);
}

}  // namespace stridenet
