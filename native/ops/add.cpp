#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class Add : public Instruction {
 public:
  explicit Add(const Kernels<T>& kernels) : kernels_(kernels) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    T* y = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.add(a + begin, b + begin, y + begin, end - begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_add(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& a = required_input(call, 0, "a");
  expect_floating(a, "a");
  expect_like(required_input(call, 1, "b"), "b", a);
  expect_like(required_output(call, 0, "y"), "y", a);
  return make_floating<Add>(a.dtype, table);
}

}  // namespace stridenet
