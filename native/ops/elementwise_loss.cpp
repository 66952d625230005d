#include <limits>

#include "ops/labels.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// What a call asks for besides its operands.
struct LossSettings {
  ElementwiseLoss kind;
  Reduction reduction;
  double parameter;

  template <class T>
  LossTerm<T> term() const {
    return {kind, static_cast<T>(parameter)};
  }
};

template <class T>
class LossInstruction : public Instruction {
 public:
  LossInstruction(const Kernels<T>& kernels, const LossSettings& settings, std::int64_t elements)
      : kernels_(kernels),
        term_(settings.term<T>()),
        reduction_(settings.reduction),
        elements_(elements) {}

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
        kernels_.loss_values(term_, a + begin, b + begin, out + begin, end - begin);
      });
      return;
    }
    auto* partial = reinterpret_cast<double*>(run.scratch);
    for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      partial[begin / kGrain] = kernels_.loss_sum(term_, a + begin, b + begin, end - begin);
    });
    double sum = 0;
    for (std::int64_t piece = 0; piece * kGrain < count; ++piece) sum += partial[piece];
    if (reduction_ == Reduction::mean) sum /= static_cast<double>(count);
    *out = static_cast<T>(sum);
  }

 private:
  const Kernels<T>& kernels_;
  LossTerm<T> term_;
  Reduction reduction_;
  std::int64_t elements_;
};

template <class T>
class LossGradientInstruction : public Instruction {
 public:
  LossGradientInstruction(const Kernels<T>& kernels, const LossSettings& settings)
      : kernels_(kernels), term_(settings.term<T>()), reduction_(settings.reduction) {}

  /// On either of the two, and on dloss when that has an element for each of them.
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
    double factor = each ? 1 : static_cast<double>(*dloss);
    if (reduction_ == Reduction::mean) factor /= static_cast<double>(count);
    for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.loss_slopes(term_, a + begin, b + begin, static_cast<T>(factor),
                           each ? dloss + begin : nullptr, out + begin, end - begin);
    });
  }

 private:
  const Kernels<T>& kernels_;
  LossTerm<T> term_;
  Reduction reduction_;
};

const TensorSpec& expect_pair(const Call& call) {
  const TensorSpec& a = required_input(call, 0, "the first operand");
  expect_floating(a, "the first operand");
  expect_like(required_input(call, 1, "the second operand"), "the second operand", a);
  return a;
}

LossSettings parse_settings(const Call& call, ElementwiseLoss kind) {
  const double parameter = kind == ElementwiseLoss::huber ? call.attributes.number("delta") : 1.0;
  if (!(parameter > 0 && parameter <= std::numeric_limits<double>::max())) {
    refuse("expected attribute 'delta' to be a finite number above 0 but received " +
           std::to_string(parameter));
  }
  return {kind, parse_reduction(call), parameter};
}

void expect_loss(const TensorSpec& loss, const char* name, const TensorSpec& a,
                 Reduction reduction) {
  if (reduction == Reduction::none) {
    expect_like(loss, name, a);
  } else {
    expect_tensor(loss, name, a.dtype, {}, false);
  }
}

std::unique_ptr<Instruction> prepare_loss(const Call& call, const KernelTable& table,
                                          ElementwiseLoss kind) {
  expect_operands(call, 2, 1);
  const TensorSpec& a = expect_pair(call);
  const LossSettings settings = parse_settings(call, kind);
  expect_loss(required_output(call, 0, "loss"), "loss", a, settings.reduction);
  return make_floating<LossInstruction>(a.dtype, table, settings, a.elements());
}

std::unique_ptr<Instruction> prepare_loss_gradient(const Call& call, const KernelTable& table,
                                                   ElementwiseLoss kind) {
  expect_operands(call, 3, 1);
  const TensorSpec& a = expect_pair(call);
  const LossSettings settings = parse_settings(call, kind);
  expect_loss(required_input(call, 2, "dloss"), "dloss", a, settings.reduction);
  expect_like(required_output(call, 0, "the gradient"), "the gradient", a);
  return make_floating<LossGradientInstruction>(a.dtype, table, settings);
}

}  // namespace

#define LOSS(name, kind)                                                                    \
  std::unique_ptr<Instruction> prepare_##name(const Call& call, const KernelTable& table) { \
    return prepare_loss(call, table, ElementwiseLoss::kind);                                \
  }                                                                                         \
  std::unique_ptr<Instruction> prepare_##name##_gradient(const Call& call,                  \
                                                         const KernelTable& table) {        \
    return prepare_loss_gradient(call, table, ElementwiseLoss::kind);                       \
  }
LOSS(squared_error, squared)
LOSS(absolute_error, absolute)
LOSS(huber, huber)
LOSS(binary_cross_entropy, logistic)
#undef LOSS

}  // namespace stridenet
