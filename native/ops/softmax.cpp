#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

struct SoftmaxSettings {
  int axis;
  bool logarithm;
};

/// Softmaxes side by side that one call of a kernel takes: a multiple of every vector.
constexpr std::int64_t kWidth = 64;

/// Calls body(block, begin) for every block of softmaxes of x, which are seen as (outer, columns,
/// inner); `begin` is where the block begins, `cost` what an element weighs.
template <class Body>
void for_softmax_blocks(const Run& run, const SoftmaxSettings& settings, std::int64_t cost,
                        Body&& body) {
  const TensorView& x = run.inputs[0];
  if (x.elements() == 0) return;
  const std::int64_t columns = x.shape[settings.axis];
  std::int64_t outer = 1;
  std::int64_t inner = 1;
  for (int axis = 0; axis < x.rank; ++axis) {
    if (axis < settings.axis) outer *= x.shape[axis];
    if (axis > settings.axis) inner *= x.shape[axis];
  }
  const std::int64_t width = std::min(inner, kWidth);
  const std::int64_t blocks = (inner + width - 1) / width;
  for_pieces(
      run, outer * blocks, rows_of_grain(cost * columns * width),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const std::int64_t first = i % blocks * width;
          body(SoftmaxBlock{columns, inner, std::min(width, inner - first), settings.logarithm},
               i / blocks * columns * inner + first);
        }
      });
}

template <class T>
class Softmax : public Instruction {
 public:
  Softmax(const Kernels<T>& kernels, const SoftmaxSettings& settings)
      : kernels_(kernels), settings_(settings) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    for_softmax_blocks(run, settings_, 8, [&](const SoftmaxBlock& block, std::int64_t begin) {
      kernels_.softmax_block(block, x + begin, y + begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
  SoftmaxSettings settings_;
};

template <class T>
class SoftmaxGradient : public Instruction {
 public:
  SoftmaxGradient(const Kernels<T>& kernels, const SoftmaxSettings& settings)
      : kernels_(kernels), settings_(settings) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const T* y = run.inputs[1].as<T>();
    T* dx = run.outputs[0].as<T>();
    const std::int64_t cost = settings_.logarithm ? 4 : 1;
    for_softmax_blocks(run, settings_, cost, [&](const SoftmaxBlock& block, std::int64_t begin) {
      kernels_.softmax_gradient_block(block, dy + begin, y + begin, dx + begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
  SoftmaxSettings settings_;
};

SoftmaxSettings parse_settings(const Call& call, const TensorSpec& x, bool logarithm) {
  expect_rank(x, "x", 1, kMaxRank);
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const std::int64_t axis = call.attributes.integer("axis", x.batched ? 1 : 0, rank - 1);
  return {static_cast<int>(axis), logarithm};
}

std::unique_ptr<Instruction> prepare_forward(const Call& call, const KernelTable& table,
                                             bool logarithm) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  const SoftmaxSettings settings = parse_settings(call, x, logarithm);
  expect_like(required_output(call, 0, "y"), "y", x);
  return make_floating<Softmax>(x.dtype, table, settings);
}

std::unique_ptr<Instruction> prepare_backward(const Call& call, const KernelTable& table,
                                              bool logarithm) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  const SoftmaxSettings settings = parse_settings(call, dy, logarithm);
  expect_like(required_input(call, 1, "y"), "y", dy);
  expect_like(required_output(call, 0, "dx"), "dx", dy);
  return make_floating<SoftmaxGradient>(dy.dtype, table, settings);
}

}  // namespace

std::unique_ptr<Instruction> prepare_softmax(const Call& call, const KernelTable& table) {
  return prepare_forward(call, table, false);
}

std::unique_ptr<Instruction> prepare_softmax_gradient(const Call& call, const KernelTable& table) {
  return prepare_backward(call, table, false);
}

std::unique_ptr<Instruction> prepare_log_softmax(const Call& call, const KernelTable& table) {
  return prepare_forward(call, table, true);
}

std::unique_ptr<Instruction> prepare_log_softmax_gradient(const Call& call,
                                                          const KernelTable& table) {
  return prepare_backward(call, table, true);
}

}  // namespace stridenet
