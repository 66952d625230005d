#pragma once

#include <cstdint>

#include "ops/operator.h"

namespace stridenet {

/// Sizes and attributes of a convolution of x (N, H, W, C) by weight (K, C/groups, R, S) to
/// y (N, P, Q, K).
struct Convolution {
  std::int64_t n, h, w, c;
  std::int64_t k, r, s;
  std::int64_t p, q;
  std::int64_t stride_h, stride_w;
  std::int64_t top, bottom, left, right;
  std::int64_t dilation_h, dilation_w;
  std::int64_t groups;
  bool flipped;

  std::int64_t group_channels() const { return c / groups; }
  std::int64_t group_filters() const { return k / groups; }
  std::int64_t taps() const { return r * s; }
  /// Elements of a patch of one group.
  std::int64_t patch() const { return taps() * group_channels(); }
};

/// Reads and checks the convolution of x by weight that the call asks for; throws
/// Error("ERR_PROGRAM" or "ERR_DTYPE") when its tensors do not fit together.
Convolution read_convolution(const Call& call, const TensorSpec& x, const TensorSpec& weight);

/// The same, and y is its result.
Convolution check_convolution(const Call& call, const TensorSpec& x, const TensorSpec& weight,
                              const TensorSpec& y);

/// The input gradient falls into stride_h · stride_w phases: the rows h of dx with equal
/// h mod stride_h meet the same filter rows, and walk through dy one row at a time. So a phase is
/// a dense convolution of dy. This is its geometry along one axis.
struct Phase {
  std::int64_t first;      // smallest coordinate of dx in the phase
  std::int64_t count;      // coordinates of the phase, `stride` apart
  std::int64_t taps;       // filter taps that meet the phase
  std::int64_t first_tap;  // tap of the smallest dy coordinate; the next are tap_step lower
  std::int64_t tap_step;
  std::int64_t origin;    // dy coordinate of first_tap at the phase's first coordinate
  std::int64_t dilation;  // dy coordinates between neighbouring taps
};

/// Phase `residue` in [0, stride) of an axis of `size` coordinates.
Phase make_phase(std::int64_t residue, std::int64_t size, std::int64_t stride, std::int64_t padding,
                 std::int64_t dilation, std::int64_t taps);

}  // namespace stridenet
