#include <cstring>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

class Copy : public Instruction {
 public:
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const TensorView& x = run.inputs[0];
    const TensorView& y = run.outputs[0];
    if (x.data == y.data) return;
    const auto size = static_cast<std::int64_t>(element_size(x.dtype));
    for_pieces(run, x.elements() * size, 4 * kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(y.as<std::byte>() + begin, x.as<std::byte>() + begin,
                  static_cast<std::size_t>(end - begin));
    });
  }
};

}  // namespace

std::unique_ptr<Instruction> prepare_copy(const Call& call, const KernelTable&) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& y = required_output(call, 0, "y");
  expect_dtype(y, "y", x.dtype);
  expect_batched(y, "y", x.batched);
  if (x.elements() != y.elements() || (x.batched && x.shape[0] != y.shape[0])) {
    refuse("expected y with the elements of " + describe(x) + " but received " + describe(y));
  }
  return std::make_unique<Copy>();
}

}  // namespace stridenet
