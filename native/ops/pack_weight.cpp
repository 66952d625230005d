#include <utility>

#include "ops/checks.h"
#include "ops/conv2d_geometry.h"
#include "ops/operator.h"

namespace stridenet {

std::unique_ptr<Instruction> prepare_conv2d(const Call& call, const KernelTable& table);
std::unique_ptr<Instruction> prepare_linear(const Call& call, const KernelTable& table);

namespace {

/// What another instruction does to its weight in each run, done alone.
class PackWeight final : public Instruction {
 public:
  explicit PackWeight(std::unique_ptr<Instruction> user) : user_(std::move(user)) {}

  void run(const Run& run) const override {
    user_->pack_weight(run, run.inputs[0].data, run.outputs[0].data);
  }

 private:
  std::unique_ptr<Instruction> user_;
};

TensorSpec spec_like(const TensorSpec& weight, std::vector<std::int64_t> shape) {
  return {true, weight.dtype, std::move(shape), false};
}

/// Packs as `user` does; checks what is packed.
std::unique_ptr<Instruction> pack_for(const Call& call, std::unique_ptr<Instruction> user) {
  const std::int64_t elements = user->packed_elements();
  if (elements == 0) refuse("a weight of this shape is not packed");
  expect_tensor(required_output(call, 0, "packed"), "packed", call.inputs[0].dtype, {elements},
                false);
  return std::make_unique<PackWeight>(std::move(user));
}

}  // namespace

std::unique_ptr<Instruction> prepare_pack_conv2d_weight(const Call& call,
                                                        const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& weight = required_input(call, 0, "weight");
  expect_rank(weight, "weight", 4);
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  const auto size = call.attributes.integers("inputSize", 2, 0, kMost);
  const std::int64_t groups = call.attributes.integer("groups", 1, kMost);
  if (weight.shape[1] > kMost) refuse("expected at most 2^30 channels");
  const TensorSpec x = spec_like(weight, {1, size[0], size[1], weight.shape[1] * groups});
  check_spec(x);
  const Convolution conv = read_convolution(call, x, weight);
  Call user{
      "conv2d", {x, weight, {}}, {spec_like(weight, {1, conv.p, conv.q, conv.k})}, call.attributes};
  check_spec(user.outputs[0]);
  user.attributes.set("activation", std::string("none"));
  return pack_for(call, prepare_conv2d(user, table));
}

std::unique_ptr<Instruction> prepare_pack_linear_weight(const Call& call,
                                                        const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& weight = required_input(call, 0, "weight");
  expect_rank(weight, "weight", 2);
  Call user{"linear",
            {spec_like(weight, {1, weight.shape[1]}), weight, {}},
            {spec_like(weight, {1, weight.shape[0]})},
            call.attributes};
  user.attributes.set("activation", std::string("none"));
  return pack_for(call, prepare_linear(user, table));
}

}  // namespace stridenet
