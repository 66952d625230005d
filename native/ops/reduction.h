#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {

/// Attribute 'axes': rising axes of x.
std::vector<std::int64_t> parse_axes(const Call& call, const TensorSpec& x);

/// x with a size of 1 at each of the axes; unbatched when the batch is among them.
TensorSpec reduced_spec(const TensorSpec& x, const std::vector<std::int64_t>& axes);

/// One pass of a reduction: (outer, reduced, inner) → (outer, inner). With a batch, one of `outer`
/// and `reduced` is that of one sample.
struct ReductionStep {
  std::int64_t outer, reduced, inner;
};

/// A reduction as passes, the innermost axes first: axes of size 1 left out, neighbours merged.
struct ReductionPlan {
  std::vector<ReductionStep> steps;
  bool batched = false;
  /// The batch is reduced, by the last pass.
  bool over_batch = false;

  /// Pass i at the sizes of a step of so many samples.
  ReductionStep at(std::size_t i, std::int64_t samples) const {
    ReductionStep step = steps[i];
    if (!batched) return step;
    (over_batch && i + 1 == steps.size() ? step.reduced : step.outer) *= samples;
    return step;
  }
};

/// A reduction to elements of x, of which there must be some along the axes in every step.
struct Choice {
  std::string name;
  std::vector<std::int64_t> axes;

  /// Throws Error("ERR_SHAPE") when x has none, as a batch of none.
  void check(const TensorView& x) const;
};

ReductionPlan plan_reduction(const TensorSpec& x, const std::vector<std::int64_t>& axes);

/// How a pass is cut: (outer, reduced, inner) into parts of `reduced` and blocks of `inner`, by
/// these two sizes alone.
struct ReductionCut {
  std::int64_t part, parts;
  std::int64_t block, blocks;

  explicit ReductionCut(const ReductionStep& step)
      : block(std::clamp<std::int64_t>(step.inner, 1, kBlock)) {
    part = step.inner == 1 ? kGrain : std::clamp<std::int64_t>(2 * kGrain / block, 32, 256);
    parts = std::max<std::int64_t>(1, (step.reduced + part - 1) / part);
    blocks = (step.inner + block - 1) / block;
  }

  static constexpr std::int64_t kBlock = 512;
};

}  // namespace stridenet
