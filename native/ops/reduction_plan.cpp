#include "ops/reduction.h"

#include "core/error.h"

namespace stridenet {

std::vector<std::int64_t> parse_axes(const Call& call, const TensorSpec& x) {
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const std::vector<std::int64_t> axes = call.attributes.integers("axes", 0, rank - 1);
  for (std::size_t i = 1; i < axes.size(); ++i) {
    if (axes[i] <= axes[i - 1]) refuse("expected attribute 'axes' in rising order");
  }
  return axes;
}

TensorSpec reduced_spec(const TensorSpec& x, const std::vector<std::int64_t>& axes) {
  TensorSpec y = x;
  for (const std::int64_t axis : axes) y.shape[static_cast<std::size_t>(axis)] = 1;
  y.batched = x.batched && (axes.empty() || axes.front() != 0);
  return y;
}

void Choice::check(const TensorView& x) const {
  const bool none = std::any_of(axes.begin(), axes.end(), [&](std::int64_t axis) {
    return x.shape[static_cast<std::size_t>(axis)] == 0;
  });
  if (!none) return;
  std::string along;
  for (const std::int64_t axis : axes) along += (along.empty() ? "" : ",") + std::to_string(axis);
  throw Error("ERR_SHAPE", "[" + name + "] x " + describe_shape({x.shape, x.shape + x.rank}) +
                               " has no element along axes (" + along + ")");
}

ReductionPlan plan_reduction(const TensorSpec& x, const std::vector<std::int64_t>& axes) {
  struct Group {
    std::int64_t size;
    bool reduced;
  };
  std::vector<Group> groups;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    const bool batch = axis == 0 && x.batched;
    const std::int64_t size = batch ? 1 : x.shape[axis];
    if (size == 1 && !batch) continue;
    const bool reduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (!groups.empty() && groups.back().reduced == reduced) {
      groups.back().size *= size;
    } else {
      groups.push_back({size, reduced});
    }
  }
  ReductionPlan plan;
  plan.batched = x.batched;
  plan.over_batch = x.batched && groups.front().reduced;
  std::int64_t inner = 1;
  for (std::size_t g = groups.size(); g-- > 0;) {
    if (!groups[g].reduced) {
      inner *= groups[g].size;
      continue;
    }
    std::int64_t outer = 1;
    for (std::size_t before = 0; before < g; ++before) outer *= groups[before].size;
    plan.steps.push_back({outer, groups[g].size, inner});
  }
  if (plan.steps.empty()) plan.steps.push_back({1, 1, inner});
  return plan;
}

}  // namespace stridenet
