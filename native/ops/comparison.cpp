#include <utility>

#include "ops/broadcast.h"

namespace stridenet {
namespace {

template <class T>
using CompareKernel = void (*)(const RowSteps& steps, const T* a, const T* b, std::uint8_t* y);

template <class T>
class Comparison final : public Instruction {
 public:
  Comparison(CompareKernel<T> kernel, const Broadcast& plan) : kernel_(kernel), plan_(plan) {}

  void run(const Run& run) const override {
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    const TensorView& y = run.outputs[0];
    const std::int64_t samples = plan_.batched ? y.shape[0] : 1;
    using Rows = std::pair<Unrolled<T>, Unrolled<T>>;
    for_broadcast<Rows>(run, plan_, samples, [&](Rows& rows, const RowBlock& block) {
      const T* left = rows.first.place(a, block, 0);
      const T* right = rows.second.place(b, block, 1);
      kernel_(placed(block), left, right, y.as<std::uint8_t>() + block.y);
    });
  }

 private:
  CompareKernel<T> kernel_;
  Broadcast plan_;
};

struct CompareKernels {
  CompareKernel<float> float32;
  CompareKernel<double> float64;
  CompareKernel<std::int32_t> int32;
  CompareKernel<std::uint8_t> uint8;
};

std::unique_ptr<Instruction> prepare_comparison(const Call& call, const CompareKernels& kernels) {
  expect_operands(call, 2, 1);
  const NamedSpec a = {required_input(call, 0, "a"), "a"};
  const NamedSpec b = {required_input(call, 1, "b"), "b"};
  expect_dtype(b.spec, "b", a.spec.dtype);
  TensorSpec y = expect_broadcast({a, b});
  y.dtype = DType::uint8;
  expect_like(required_output(call, 0, "y"), "y", y);
  const Broadcast plan = plan_broadcast(y, {a, b});
  switch (a.spec.dtype) {
    case DType::float32:
      return std::make_unique<Comparison<float>>(kernels.float32, plan);
    case DType::float64:
      return std::make_unique<Comparison<double>>(kernels.float64, plan);
    case DType::int32:
      return std::make_unique<Comparison<std::int32_t>>(kernels.int32, plan);
    case DType::uint8:
      break;
  }
  return std::make_unique<Comparison<std::uint8_t>>(kernels.uint8, plan);
}

}  // namespace

#define COMPARISON(name, value)                                                              \
  std::unique_ptr<Instruction> prepare_##name(const Call& call, const KernelTable& table) {  \
    return prepare_comparison(                                                               \
        call, {table.float32.compare_##name, table.float64.compare_##name,                   \
               table.float32.compare_##name##_int32, table.float32.compare_##name##_uint8}); \
  }
#include "kernels/comparison.inc"
#undef COMPARISON

}  // namespace stridenet
