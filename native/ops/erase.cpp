#include <algorithm>
#include <cmath>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class Erase : public Instruction {
 public:
  /// Images (height, width, channels).
  Erase(const Kernels<T>&, std::int64_t height, std::int64_t width, std::int64_t channels,
        double value)
      : height_(height), width_(width), channels_(channels), value_(static_cast<T>(value)) {}
  bool may_alias(int, int input) const override { return input == 0; }

  void run(const Run& run) const override {
    if (run.inputs[0].elements() == 0) return;
    const T* x = run.inputs[0].as<T>();
    const std::int32_t* boxes = run.inputs[1].as<std::int32_t>();
    T* y = run.outputs[0].as<T>();
    const std::int64_t length = width_ * channels_;
    for_pieces(run, run.inputs[0].shape[0] * height_, rows_of_grain(length),
               [&](std::int64_t begin, std::int64_t end) {
                 if (x != y) std::copy(x + begin * length, x + end * length, y + begin * length);
                 for (std::int64_t row = begin; row < end; ++row) {
                   erase_row(boxes + row / height_ * 4, row % height_, y + row * length);
                 }
               });
  }

 private:
  /// @param box [top, left, bottom, right)
  void erase_row(const std::int32_t* box, std::int64_t row, T* y) const {
    if (row < box[0] || row >= box[2]) return;
    const std::int64_t left = std::clamp<std::int64_t>(box[1], 0, width_);
    const std::int64_t right = std::clamp<std::int64_t>(box[3], left, width_);
    std::fill(y + left * channels_, y + right * channels_, value_);
  }

  std::int64_t height_, width_, channels_;
  T value_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_erase(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  expect_rank(x, "x", 4);
  expect_tensor(required_input(call, 1, "boxes"), "boxes", DType::int32, {x.shape[0], 4},
                x.batched);
  expect_like(required_output(call, 0, "y"), "y", x);
  const double value = call.attributes.number("value");
  if (!std::isfinite(value)) refuse("expected attribute 'value' to be finite");
  return make_floating<Erase>(x.dtype, table, x.shape[1], x.shape[2], x.shape[3], value);
}

}  // namespace stridenet
