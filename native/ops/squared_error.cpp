#include "ops/labels.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
class SquaredError : public Instruction {
 public:
  SquaredError(const Kernels<T>& kernels, Reduction reduction, std::int64_t elements)
      : kernels_(kernels), reduction_(reduction), elements_(elements) {}

  /// A partial sum for each piece.
  std::size_t scratch_bytes() const override {
    if (reduction_ == Reduction::none) return 0;
    return static_cast<std::size_t>((elements_ + kGrain - 1) / kGrain) * sizeof(double);
  }

  void run(const Run& run) const override {
    const std::int64_t count = run.inputs[0].elements();
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    T* out = run.outputs[0].as<T>();
    if (reduction_ == Reduction::none) {
      for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels_.square_differences(a + begin, b + begin, out + begin, end - begin);
      });
      return;
    }
    auto* partial = reinterpret_cast<double*>(run.scratch);
    for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      partial[begin / kGrain] = kernels_.sum_square_differences(a + begin, b + begin, end - begin);
    });
    double sum = 0;
    for (std::int64_t piece = 0; piece * kGrain < count; ++piece) sum += partial[piece];
    if (reduction_ == Reduction::mean) sum /= static_cast<double>(count);
    *out = static_cast<T>(sum);
  }

 private:
  const Kernels<T>& kernels_;
  Reduction reduction_;
  std::int64_t elements_;
};

template <class T>
class SquaredErrorGradient : public Instruction {
 public:
  SquaredErrorGradient(const Kernels<T>& kernels, Reduction reduction)
      : kernels_(kernels), reduction_(reduction) {}

  /// On the prediction or the target, and on dloss when that has an element for each of them.
  bool may_alias(int, int input) const override {
    return input != 2 || reduction_ == Reduction::none;
  }

  void run(const Run& run) const override {
    const std::int64_t count = run.inputs[0].elements();
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    const T* dloss = run.inputs[2].as<T>();
    T* out = run.outputs[0].as<T>();
    const bool each = reduction_ == Reduction::none;
    double factor = 2;
    if (!each) factor *= static_cast<double>(*dloss);
    if (reduction_ == Reduction::mean) factor /= static_cast<double>(count);
    for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.scale_differences(a + begin, b + begin, static_cast<T>(factor),
                                 each ? dloss + begin : nullptr, out + begin, end - begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
  Reduction reduction_;
};

const TensorSpec& expect_pair(const Call& call) {
  const TensorSpec& prediction = required_input(call, 0, "prediction");
  expect_floating(prediction, "prediction");
  expect_like(required_input(call, 1, "target"), "target", prediction);
  return prediction;
}

void expect_loss(const TensorSpec& loss, const char* name, const TensorSpec& prediction,
                 Reduction reduction) {
  if (reduction == Reduction::none) {
    expect_like(loss, name, prediction);
  } else {
    expect_tensor(loss, name, prediction.dtype, {}, false);
  }
}

}  // namespace

std::unique_ptr<Instruction> prepare_squared_error(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& prediction = expect_pair(call);
  const Reduction reduction = parse_reduction(call);
  expect_loss(required_output(call, 0, "loss"), "loss", prediction, reduction);
  return make_floating<SquaredError>(prediction.dtype, table, reduction, prediction.elements());
}

std::unique_ptr<Instruction> prepare_squared_error_gradient(const Call& call,
                                                            const KernelTable& table) {
  expect_operands(call, 3, 1);
  const TensorSpec& prediction = expect_pair(call);
  const Reduction reduction = parse_reduction(call);
  expect_loss(required_input(call, 2, "dloss"), "dloss", prediction, reduction);
  expect_like(required_output(call, 0, "dprediction"), "dprediction", prediction);
  return make_floating<SquaredErrorGradient>(prediction.dtype, table, reduction);
}

}  // namespace stridenet
