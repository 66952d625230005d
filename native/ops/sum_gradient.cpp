#include "ops/broadcast.h"
#include "ops/reduction.h"

namespace stridenet {
namespace {

/// dx = dy, broadcast to x (over the number of elements that dy's stands for).
template <class T>
class SumGradient final : public Instruction {
 public:
  SumGradient(const Kernels<T>& kernels, const Broadcast& plan, bool mean, bool whole)
      : kernels_(kernels), plan_(plan), mean_(mean), whole_(whole) {}

  bool may_alias(int, int input) const override { return input == 1 || whole_; }

  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const TensorView& dx = run.outputs[0];
    const std::int64_t samples = plan_.batched ? dx.shape[0] : 1;
    const std::int64_t results = std::max<std::int64_t>(1, run.inputs[0].elements());
    const T divisor = static_cast<T>(mean_ ? dx.elements() / results : 1);
    const auto kernel = mean_ ? kernels_.binary_div : kernels_.binary_mul;
    for_broadcast<Unrolled<T>>(run, plan_, samples, [&](Unrolled<T>& rows, const RowBlock& block) {
      const T* from = rows.place(dy, block, 0);
      RowSteps steps = placed(block);
      steps.pitch[1] = steps.step[1] = 0;
      kernel(steps, from, &divisor, dx.as<T>() + block.y);
    });
  }

 private:
  const Kernels<T>& kernels_;
  Broadcast plan_;
  bool mean_;
  bool whole_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_sum_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& x = required_input(call, 1, "x");
  expect_floating(x, "x");
  expect_like(dy, "dy", reduced_spec(x, parse_axes(call, x)));
  expect_like(required_output(call, 0, "dx"), "dx", x);
  return make_floating<SumGradient>(x.dtype, table, plan_broadcast(x, {{dy, "dy"}}),
                                    call.attributes.boolean("mean"), dy.shape == x.shape);
}

}  // namespace stridenet
