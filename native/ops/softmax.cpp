#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class Softmax : public Instruction {
 public:
  explicit Softmax(const Kernels<T>& kernels) : kernels_(kernels) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const std::int64_t columns = run.inputs[0].shape[1];
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    if (columns == 0) return;
    for_pieces(run, run.inputs[0].shape[0], rows_of_grain(8 * columns),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   kernels_.softmax_row(x + row * columns, y + row * columns, columns);
                 }
               });
  }

 private:
  const Kernels<T>& kernels_;
};

template <class T>
class SoftmaxGradient : public Instruction {
 public:
  explicit SoftmaxGradient(const Kernels<T>& kernels) : kernels_(kernels) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const std::int64_t columns = run.inputs[0].shape[1];
    const T* dy = run.inputs[0].as<T>();
    const T* y = run.inputs[1].as<T>();
    T* dx = run.outputs[0].as<T>();
    if (columns == 0) return;
    for_pieces(run, run.inputs[0].shape[0], rows_of_grain(columns),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   kernels_.softmax_gradient_row(dy + row * columns, y + row * columns,
                                                 dx + row * columns, columns);
                 }
               });
  }

 private:
  const Kernels<T>& kernels_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_softmax(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  expect_rank(x, "x", 2);
  expect_like(required_output(call, 0, "y"), "y", x);
  return make_floating<Softmax>(x.dtype, table);
}

std::unique_ptr<Instruction> prepare_softmax_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  expect_rank(dy, "dy", 2);
  expect_like(required_input(call, 1, "y"), "y", dy);
  expect_like(required_output(call, 0, "dx"), "dx", dy);
  return make_floating<SoftmaxGradient>(dy.dtype, table);
}

}  // namespace stridenet
