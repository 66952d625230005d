#include <cmath>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class CheckFinite : public Instruction {
 public:
  explicit CheckFinite(const Kernels<T>& kernels) : kernels_(kernels) {}
  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      if (!kernels_.all_finite(x + begin, end - begin)) fail(x, begin, end);
    });
  }

 private:
  [[noreturn]] static void fail(const T* x, std::int64_t begin, std::int64_t end) {
    std::int64_t at = begin;
    while (at + 1 < end && std::isfinite(x[at])) ++at;
    throw Error("ERR_NON_FINITE", "[checkFinite] expected finite numbers but element " +
                                      std::to_string(at) + " is " + std::to_string(x[at]));
  }
  const Kernels<T>& kernels_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_check_finite(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 0);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  return make_floating<CheckFinite>(x.dtype, table);
}

}  // namespace stridenet
