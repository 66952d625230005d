#include "ops/labels.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

struct CrossEntropySettings {
  Reduction reduction;
  double smoothing;
};

/// What the mean divides by: the number of samples, or the sum of the weights of their class
/// numbers. Throws Error("ERR_ARGUMENT") for a label that is none.
template <class T>
double divisor_of(const char* where, const TensorView& labels, const T* weights,
                  std::int64_t columns) {
  const std::int64_t samples = labels.shape[0];
  if (weights == nullptr || labels.rank == 2) return static_cast<double>(samples);
  double sum = 0;
  for (std::int64_t n = 0; n < samples; ++n) {
    sum += static_cast<double>(weights[label_of(where, labels, n, columns)]);
  }
  return sum;
}

template <class T>
class SoftmaxCrossEntropy : public Instruction {
 public:
  SoftmaxCrossEntropy(const Kernels<T>& kernels, const CrossEntropySettings& settings,
                      std::int64_t batch)
      : kernels_(kernels),
        reduction_(settings.reduction),
        smoothing_(settings.smoothing),
        batch_(batch) {}

  /// The samples' losses.
  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(batch_) * sizeof(double);
  }

  void run(const Run& run) const override {
    const std::int64_t samples = run.inputs[0].shape[0];
    const std::int64_t columns = run.inputs[0].shape[1];
    auto* losses = reinterpret_cast<double*>(run.scratch);
    for_pieces(run, samples, rows_of_grain(8 * columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) losses[n] = loss(run, n, columns);
    });
    T* out = run.outputs[0].as<T>();
    if (reduction_ == Reduction::none) {
      for (std::int64_t n = 0; n < samples; ++n) out[n] = static_cast<T>(losses[n]);
      return;
    }
    double sum = 0;
    for (std::int64_t n = 0; n < samples; ++n) sum += losses[n];
    if (reduction_ == Reduction::mean) {
      sum /= divisor_of(kName, run.inputs[1], run.inputs[2].as<T>(), columns);
    }
    *out = static_cast<T>(sum);
  }

 private:
  double loss(const Run& run, std::int64_t n, std::int64_t columns) const {
    const TensorView& labels = run.inputs[1];
    const T* z = run.inputs[0].as<T>() + n * columns;
    const double log_sum = kernels_.row_log_sum_exp(z, columns);
    const T* weights = run.inputs[2].as<T>();
    const std::int64_t label = labels.rank == 1 ? label_of(kName, labels, n, columns) : -1;
    if (label >= 0 && smoothing_ == 0) {
      const double weight = weights == nullptr ? 1.0 : static_cast<double>(weights[label]);
      return weight == 0 ? 0 : weight * (log_sum - static_cast<double>(z[label]));
    }
    const T* row = label >= 0 ? nullptr : labels.as<T>() + n * columns;
    const double share = smoothing_ / static_cast<double>(columns);
    double sum = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const double own = row != nullptr ? static_cast<double>(row[c]) : c == label ? 1.0 : 0.0;
      double target = (1 - smoothing_) * own + share;
      if (weights != nullptr) target *= static_cast<double>(weights[c]);
      // A class without target does not count, whatever its logit.
      if (target != 0) sum += target * (log_sum - static_cast<double>(z[c]));
    }
    return sum;
  }

  static constexpr const char* kName = "softmaxCrossEntropy";

  const Kernels<T>& kernels_;
  Reduction reduction_;
  double smoothing_;
  std::int64_t batch_;
};

template <class T>
class SoftmaxCrossEntropyGradient : public Instruction {
 public:
  SoftmaxCrossEntropyGradient(const Kernels<T>& kernels, const CrossEntropySettings& settings)
      : kernels_(kernels), reduction_(settings.reduction), smoothing_(settings.smoothing) {}

  bool may_alias(int, int input) const override { return input == 0; }

  void run(const Run& run) const override {
    const std::int64_t samples = run.inputs[0].shape[0];
    const std::int64_t columns = run.inputs[0].shape[1];
    const TensorView& labels = run.inputs[1];
    const T* logits = run.inputs[0].as<T>();
    const T* dloss = run.inputs[2].as<T>();
    T* out = run.outputs[0].as<T>();
    if (columns == 0) return;
    const T* weights = run.inputs[3].as<T>();
    const double divisor =
        reduction_ == Reduction::mean ? divisor_of(kName, labels, weights, columns) : 1.0;
    const T keep = static_cast<T>(1 - smoothing_);
    const T share = static_cast<T>(smoothing_ / static_cast<double>(columns));
    for_pieces(run, samples, rows_of_grain(8 * columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        RowTargets<T> targets = {nullptr, 0, weights, keep, share};
        if (labels.rank == 2) {
          targets.targets = labels.as<T>() + n * columns;
        } else {
          targets.label = label_of(kName, labels, n, columns);
        }
        const double scale =
            static_cast<double>(dloss[reduction_ == Reduction::none ? n : 0]) / divisor;
        kernels_.cross_entropy_gradient_row(logits + n * columns, targets, static_cast<T>(scale),
                                            out + n * columns, columns);
      }
    });
  }

 private:
  static constexpr const char* kName = "softmaxCrossEntropyGradient";

  const Kernels<T>& kernels_;
  Reduction reduction_;
  double smoothing_;
};

void expect_loss(const TensorSpec& loss, const char* name, const TensorSpec& logits,
                 Reduction reduction) {
  if (reduction == Reduction::none) {
    expect_tensor(loss, name, logits.dtype, {logits.shape[0]}, logits.batched);
  } else {
    expect_tensor(loss, name, logits.dtype, {}, false);
  }
}

/// Checks logits, labels and class weights, an operand that may be absent, and the attributes.
CrossEntropySettings parse_cross_entropy(const Call& call, std::size_t weights_index) {
  const TensorSpec& logits = required_input(call, 0, "logits");
  check_labels(logits, required_input(call, 1, "labels"));
  const TensorSpec& weights = call.inputs[weights_index];
  if (weights.present) {
    expect_tensor(weights, "classWeights", logits.dtype, {logits.shape[1]}, false);
  }
  const double smoothing = call.attributes.number("labelSmoothing");
  if (!(smoothing >= 0 && smoothing <= 1)) {
    refuse("expected attribute 'labelSmoothing' within [0, 1] but received " +
           std::to_string(smoothing));
  }
  return {parse_reduction(call), smoothing};
}

}  // namespace

std::unique_ptr<Instruction> prepare_softmax_cross_entropy(const Call& call,
                                                           const KernelTable& table) {
  expect_operands(call, 3, 1);
  const CrossEntropySettings settings = parse_cross_entropy(call, 2);
  const TensorSpec& logits = call.inputs[0];
  expect_loss(required_output(call, 0, "loss"), "loss", logits, settings.reduction);
  return make_floating<SoftmaxCrossEntropy>(logits.dtype, table, settings, logits.shape[0]);
}

std::unique_ptr<Instruction> prepare_softmax_cross_entropy_gradient(const Call& call,
                                                                    const KernelTable& table) {
  expect_operands(call, 4, 1);
  const CrossEntropySettings settings = parse_cross_entropy(call, 3);
  const TensorSpec& logits = call.inputs[0];
  expect_loss(required_input(call, 2, "dloss"), "dloss", logits, settings.reduction);
  expect_like(required_output(call, 0, "dlogits"), "dlogits", logits);
  return make_floating<SoftmaxCrossEntropyGradient>(logits.dtype, table, settings);
}

}  // namespace stridenet
