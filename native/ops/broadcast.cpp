#include "ops/broadcast.h"

#include <string>

namespace stridenet {

TensorSpec expect_broadcast(const std::vector<NamedSpec>& operands) {
  TensorSpec y = {true, operands.front().spec.dtype, {}, false};
  for (const auto& [spec, name] : operands) {
    if (spec.shape.empty()) continue;
    if (y.shape.empty()) y.shape.assign(spec.shape.size(), 1);
    y.batched = y.batched || spec.batched;
    if (spec.shape.size() != y.shape.size()) {
      refuse(std::string("expected ") + name + " of rank " + std::to_string(y.shape.size()) +
             " or 0 but received shape " + describe_shape(spec.shape));
    }
    for (std::size_t axis = 0; axis < y.shape.size(); ++axis) {
      if (y.shape[axis] == 1) y.shape[axis] = spec.shape[axis];
    }
  }
  for (const auto& [spec, name] : operands) {
    for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
      const bool batch = axis == 0 && y.batched;
      const std::int64_t expected = batch && !spec.batched ? 1 : y.shape[axis];
      const std::int64_t size = spec.shape[axis];
      if (size == expected || (size == 1 && !(batch && spec.batched))) continue;
      refuse(std::string("expected ") + name + " to broadcast to " + describe_shape(y.shape) +
             " but received shape " + describe_shape(spec.shape));
    }
  }
  return y;
}

Broadcast plan_broadcast(const TensorSpec& y, const std::vector<NamedSpec>& operands) {
  Broadcast plan;
  plan.operands = static_cast<int>(operands.size());
  plan.batched = y.batched;
  const std::size_t rank = y.shape.size();
  std::int64_t strides[3][kMaxRank] = {};
  for (std::size_t o = 0; o < operands.size(); ++o) {
    const TensorSpec& spec = operands[o].spec;
    std::int64_t stride = 1;
    for (std::size_t axis = spec.shape.size(); axis-- > 0;) {
      const bool batch = axis == 0 && spec.batched;
      strides[o][axis] = spec.shape[axis] == 1 && !batch ? 0 : stride;
      stride *= spec.shape[axis];
    }
  }
  int last = -1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const bool batch = y.batched && axis == 0;
    const std::int64_t size = y.shape[axis];
    if (size == 1 && !batch) continue;
    bool mergeable = last >= 0;
    for (std::size_t o = 0; o < operands.size(); ++o) {
      mergeable = mergeable && plan.stride[o][last] == size * strides[o][axis];
    }
    if (!mergeable) ++last;
    plan.size[last] = batch ? 1 : mergeable ? plan.size[last] * size : size;
    for (std::size_t o = 0; o < operands.size(); ++o) plan.stride[o][last] = strides[o][axis];
  }
  plan.rank = std::max(last + 1, 1);
  return plan;
}

}  // namespace stridenet
