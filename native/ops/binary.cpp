#include <utility>

#include "ops/broadcast.h"

namespace stridenet {
namespace {

template <class T>
using BinaryKernel = void (*)(const RowSteps& steps, const T* a, const T* b, T* y);

template <class T>
class Binary final : public Instruction {
 public:
  Binary(BinaryKernel<T> kernel, const Broadcast& plan, bool whole_a, bool whole_b)
      : kernel_(kernel), plan_(plan), whole_{whole_a, whole_b} {}

  bool may_alias(int, int input) const override { return whole_[input]; }

  void run(const Run& run) const override {
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    const TensorView& y = run.outputs[0];
    const std::int64_t samples = plan_.batched ? y.shape[0] : 1;
    using Rows = std::pair<Unrolled<T>, Unrolled<T>>;
    for_broadcast<Rows>(run, plan_, samples, [&](Rows& rows, const RowBlock& block) {
      const T* left = rows.first.place(a, block, 0);
      const T* right = rows.second.place(b, block, 1);
      kernel_(placed(block), left, right, y.as<T>() + block.y);
    });
  }

 private:
  BinaryKernel<T> kernel_;
  Broadcast plan_;
  bool whole_[2];
};

std::unique_ptr<Instruction> prepare_binary(const Call& call, BinaryKernel<float> float32,
                                            BinaryKernel<double> float64) {
  expect_operands(call, 2, 1);
  const NamedSpec a = {required_input(call, 0, "a"), "a"};
  const NamedSpec b = {required_input(call, 1, "b"), "b"};
  expect_floating(a.spec, "a");
  expect_dtype(b.spec, "b", a.spec.dtype);
  const TensorSpec y = expect_broadcast({a, b});
  expect_like(required_output(call, 0, "y"), "y", y);
  const Broadcast plan = plan_broadcast(y, {a, b});
  const bool whole_a = a.spec.shape == y.shape;
  const bool whole_b = b.spec.shape == y.shape;
  if (y.dtype == DType::float32) {
    return std::make_unique<Binary<float>>(float32, plan, whole_a, whole_b);
  }
  return std::make_unique<Binary<double>>(float64, plan, whole_a, whole_b);
}

}  // namespace

#define BINARY(name, value)                                                                 \
  std::unique_ptr<Instruction> prepare_##name(const Call& call, const KernelTable& table) { \
    return prepare_binary(call, table.float32.binary_##name, table.float64.binary_##name);  \
  }
#include "kernels/binary.inc"
#undef BINARY

}  // namespace stridenet
