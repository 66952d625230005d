#include "ops/broadcast.h"

namespace stridenet {
namespace {

template <class T>
using WhereKernel = void (*)(const RowSteps& steps, const std::uint8_t* condition, const T* a,
                             const T* b, T* y);

template <class T>
class Where final : public Instruction {
 public:
  Where(WhereKernel<T> kernel, const Broadcast& plan, bool whole_a, bool whole_b)
      : kernel_(kernel), plan_(plan), whole_{false, whole_a, whole_b} {}

  bool may_alias(int, int input) const override { return whole_[input]; }

  void run(const Run& run) const override {
    const auto* condition = run.inputs[0].as<std::uint8_t>();
    const T* a = run.inputs[1].as<T>();
    const T* b = run.inputs[2].as<T>();
    const TensorView& y = run.outputs[0];
    const std::int64_t samples = plan_.batched ? y.shape[0] : 1;
    struct Rows {
      Unrolled<std::uint8_t> condition;
      Unrolled<T> a, b;
    };
    for_broadcast<Rows>(run, plan_, samples, [&](Rows& rows, const RowBlock& block) {
      kernel_(placed(block), rows.condition.place(condition, block, 0), rows.a.place(a, block, 1),
              rows.b.place(b, block, 2), y.as<T>() + block.y);
    });
  }

 private:
  WhereKernel<T> kernel_;
  Broadcast plan_;
  bool whole_[3];
};

}  // namespace

std::unique_ptr<Instruction> prepare_where(const Call& call, const KernelTable& table) {
  expect_operands(call, 3, 1);
  const NamedSpec condition = {required_input(call, 0, "condition"), "condition"};
  const NamedSpec a = {required_input(call, 1, "a"), "a"};
  const NamedSpec b = {required_input(call, 2, "b"), "b"};
  expect_dtype(condition.spec, "condition", DType::uint8);
  expect_dtype(b.spec, "b", a.spec.dtype);
  TensorSpec y = expect_broadcast({condition, a, b});
  y.dtype = a.spec.dtype;
  expect_like(required_output(call, 0, "y"), "y", y);
  const Broadcast plan = plan_broadcast(y, {condition, a, b});
  const bool whole_a = a.spec.shape == y.shape;
  const bool whole_b = b.spec.shape == y.shape;
  switch (y.dtype) {
    case DType::float32:
      return std::make_unique<Where<float>>(table.float32.where, plan, whole_a, whole_b);
    case DType::float64:
      return std::make_unique<Where<double>>(table.float64.where, plan, whole_a, whole_b);
    case DType::int32:
      return std::make_unique<Where<std::int32_t>>(table.float32.where_int32, plan, whole_a,
                                                   whole_b);
    case DType::uint8:
      break;
  }
  return std::make_unique<Where<std::uint8_t>>(table.float32.where_uint8, plan, whole_a, whole_b);
}

}  // namespace stridenet
