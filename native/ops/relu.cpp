#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class Relu : public Instruction {
 public:
  explicit Relu(const Kernels<T>& kernels) : kernels_(kernels) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.relu(x + begin, y + begin, end - begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
};

template <class T>
class ReluGradient : public Instruction {
 public:
  explicit ReluGradient(const Kernels<T>& kernels) : kernels_(kernels) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const T* y = run.inputs[1].as<T>();
    T* dx = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.relu_gradient(dy + begin, y + begin, dx + begin, end - begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_relu(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  expect_like(required_output(call, 0, "y"), "y", x);
  return make_floating<Relu>(x.dtype, table);
}

std::unique_ptr<Instruction> prepare_relu_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  expect_like(required_input(call, 1, "y"), "y", dy);
  expect_like(required_output(call, 0, "dx"), "dx", dy);
  return make_floating<ReluGradient>(dy.dtype, table);
}

}  // namespace stridenet
