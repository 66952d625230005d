#include <cstring>

#include "ops/checks.h"
#include "ops/parallel.h"
#include "ops/strided.h"

namespace stridenet {
namespace {

/// Entries start, start + step, … below end of each axis of a tensor.
struct Taken {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> starts;
  std::vector<std::int64_t> steps;
};

/// What the attributes take of a tensor of these sizes.
Taken parse_taken(const Call& call, const std::vector<std::int64_t>& sizes, bool batched) {
  const auto last_axis = static_cast<std::int64_t>(sizes.size()) - 1;
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const Attributes& attributes = call.attributes;
  const std::vector<std::int64_t> axes = attributes.integers("axes", 0, last_axis);
  const std::vector<std::int64_t> starts = attributes.integers("starts", axes.size(), 0, kMost);
  const std::vector<std::int64_t> ends = attributes.integers("ends", axes.size(), 0, kMost);
  const std::vector<std::int64_t> steps = attributes.integers("steps", axes.size(), 1, kMost);
  Taken taken{sizes, std::vector<std::int64_t>(sizes.size(), 0),
              std::vector<std::int64_t>(sizes.size(), 1)};
  std::vector<bool> seen(sizes.size(), false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    if (seen[axis]) refuse("an axis occurs twice in attribute 'axes'");
    if (batched && axis == 0) refuse("the batch must stay whole");
    if (ends[i] < starts[i] || ends[i] > sizes[axis]) {
      refuse("expected a range within [0, " + std::to_string(sizes[axis]) + "] but received " +
             std::to_string(starts[i]) + " to " + std::to_string(ends[i]));
    }
    seen[axis] = true;
    taken.shape[axis] = (ends[i] - starts[i]) / steps[i] + ((ends[i] - starts[i]) % steps[i] != 0);
    taken.starts[axis] = starts[i];
    taken.steps[axis] = steps[i];
  }
  return taken;
}

/// The copy between what was taken and the places of a tensor of `sizes` where it was.
StridedCopy copy_of(const TensorSpec& part, const Taken& taken,
                    const std::vector<std::int64_t>& sizes, bool gradient,
                    const KernelTable& table) {
  const std::vector<std::int64_t> dense = strides_of(taken.shape);
  const std::vector<std::int64_t> whole = strides_of(sizes);
  std::vector<StridedAxis> axes;
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
    // A step counts only where there are two entries: it may be so large that the product wraps.
    const std::int64_t apart = taken.shape[axis] > 1 ? taken.steps[axis] * whole[axis] : 0;
    const std::int64_t stride = taken.steps[axis] == 1 ? whole[axis] : apart;
    if (gradient) {
      axes.push_back({taken.shape[axis], dense[axis], stride});
    } else {
      axes.push_back({taken.shape[axis], stride, dense[axis]});
    }
    offset += taken.starts[axis] * whole[axis];
  }
  return StridedCopy(part.dtype, axes, part.batched, table, gradient ? 0 : offset,
                     gradient ? offset : 0);
}

/// Zeros, and dy in its places.
class SliceGradient : public Instruction {
 public:
  explicit SliceGradient(StridedCopy copy) : copy_(std::move(copy)) {}
  void run(const Run& run) const override {
    const TensorView& dx = run.outputs[0];
    const auto bytes = static_cast<std::int64_t>(element_size(dx.dtype));
    for_pieces(run, dx.elements() * bytes, 4 * kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::memset(dx.as<std::byte>() + begin, 0, static_cast<std::size_t>(end - begin));
    });
    copy_.run(run, run.inputs[0].data, dx.data, dx.rank > 0 ? dx.shape[0] : 0);
  }

 private:
  StridedCopy copy_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_slice(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const Taken taken = parse_taken(call, x.shape, x.batched);
  expect_tensor(required_output(call, 0, "y"), "y", x.dtype, taken.shape, x.batched);
  return make_copy(copy_of(x, taken, x.shape, false, table));
}

std::unique_ptr<Instruction> prepare_slice_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& dx = required_output(call, 0, "dx");
  expect_floating(dy, "dy");
  const Taken taken = parse_taken(call, dx.shape, dx.batched);
  expect_tensor(dy, "dy", dx.dtype, taken.shape, dx.batched);
  return std::make_unique<SliceGradient>(copy_of(dy, taken, dx.shape, true, table));
}

std::unique_ptr<Instruction> prepare_flip(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_like(required_output(call, 0, "y"), "y", x);
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const std::vector<std::int64_t> strides = strides_of(x.shape);
  std::vector<StridedAxis> axes;
  for (std::size_t axis = 0; axis < x.shape.size(); ++axis) {
    axes.push_back({x.shape[axis], strides[axis], strides[axis]});
  }
  std::int64_t offset = 0;
  for (const std::int64_t flipped : call.attributes.integers("axes", 0, rank - 1)) {
    const auto axis = static_cast<std::size_t>(flipped);
    if (axes[axis].from < 0) refuse("an axis occurs twice in attribute 'axes'");
    if (x.batched && axis == 0) refuse("the batch must keep its order");
    axes[axis].from = -strides[axis];
    offset += (x.shape[axis] - 1) * strides[axis];
  }
  return make_copy(StridedCopy(x.dtype, axes, x.batched, table, offset));
}

}  // namespace stridenet
