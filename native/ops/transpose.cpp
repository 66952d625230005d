#include "ops/checks.h"
#include "ops/strided.h"

namespace stridenet {
std::unique_ptr<Instruction> prepare_transpose(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const std::size_t rank = x.shape.size();
  const std::vector<std::int64_t> axes =
      call.attributes.integers("axes", rank, 0, static_cast<std::int64_t>(rank) - 1);
  const std::vector<std::int64_t> from = strides_of(x.shape);
  std::vector<bool> seen(rank, false);
  std::vector<std::int64_t> shape;
  for (const std::int64_t axis : axes) {
    if (seen[static_cast<std::size_t>(axis)]) refuse("an axis occurs twice in attribute 'axes'");
    seen[static_cast<std::size_t>(axis)] = true;
    shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
  }
  if (x.batched && axes[0] != 0) refuse("the batch must stay the first axis");
  expect_tensor(required_output(call, 0, "y"), "y", x.dtype, shape, x.batched);
  const std::vector<std::int64_t> to = strides_of(shape);
  std::vector<StridedAxis> moves;
  for (std::size_t i = 0; i < rank; ++i) {
    moves.push_back({shape[i], from[static_cast<std::size_t>(axes[i])], to[i]});
  }
  return make_copy(StridedCopy(x.dtype, moves, x.batched, table));
}

}  // namespace stridenet
