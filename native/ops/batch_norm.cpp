#include <cmath>

#include "ops/batch_norm.h"

namespace stridenet {
namespace {

/// What is done to each element, for every column of a wide row.
template <class T>
struct Affine {
  Affine(ScratchArrays& scratch, const ChannelCut& cut)
      : mean(scratch.take<T>(cut.width)),
        rest(scratch.take<T>(cut.width)),
        scale(scratch.take<T>(cut.width)),
        shift(scratch.take<T>(cut.width)) {}

  /// To input 0, for output 0; `residual` may be null.
  void apply(const Run& run, const Kernels<T>& kernels, const ChannelCut& cut, bool has_rest,
             bool has_shift, const T* residual, Activation activation) const {
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    cut.for_rows(run, [&](std::int64_t first, std::int64_t rows, std::int64_t columns) {
      kernels.normalize_rows({x + first, rows, columns, mean, has_rest ? rest : nullptr, scale,
                              has_shift ? shift : nullptr,
                              residual == nullptr ? nullptr : residual + first, activation,
                              y + first});
    });
  }

  T *mean, *rest, *scale, *shift;
};

template <class T>
class BatchNorm final : public Instruction {
 public:
  BatchNorm(const Kernels<T>& kernels, const ChannelCut& bound, double epsilon,
            Activation activation)
      : kernels_(kernels), epsilon_(epsilon), activation_(activation) {
    ScratchArrays scratch(nullptr);
    Affine<T>(scratch, bound);
    scratch_ = scratch.bytes();
  }

  std::size_t scratch_bytes() const override { return scratch_; }
  bool may_alias(int output, int input) const override {
    return output == 0 && (input == 0 || input == 5);
  }

  void run(const Run& run) const override {
    const ChannelCut cut = channel_cut(run.inputs[0]);
    ScratchArrays scratch(run.scratch);
    const Affine<T> affine(scratch, cut);
    T* inverse_deviation = run.outputs[1].as<T>();
    for (std::int64_t c = 0; c < cut.channels; ++c) {
      const auto variance = static_cast<double>(run.inputs[2].as<T>()[c]);
      const double inverse = 1 / std::sqrt(variance + epsilon_);
      if (inverse_deviation != nullptr) inverse_deviation[c] = static_cast<T>(inverse);
      cut.spread(affine.mean, c, run.inputs[1].as<T>()[c]);
      cut.spread(affine.scale, c, static_cast<T>(inverse * channel_value<T>(run.inputs[3], c, 1)));
      cut.spread(affine.shift, c, static_cast<T>(channel_value<T>(run.inputs[4], c, 0)));
    }
    affine.apply(run, kernels_, cut, false, run.inputs[4].present(), run.inputs[5].as<T>(),
                 activation_);
  }

 private:
  const Kernels<T>& kernels_;
  double epsilon_;
  Activation activation_;
  std::size_t scratch_ = 0;
};

/// What batchNormTraining gave, from the mean and the normalizer that it gave too.
template <class T>
class BatchNormAgain final : public Instruction {
 public:
  BatchNormAgain(const Kernels<T>& kernels, const ChannelCut& bound, Activation activation)
      : kernels_(kernels), activation_(activation) {
    ScratchArrays scratch(nullptr);
    Affine<T>(scratch, bound);
    scratch_ = scratch.bytes();
  }

  std::size_t scratch_bytes() const override { return scratch_; }
  bool may_alias(int output, int input) const override { return output == 0 && input == 0; }

  void run(const Run& run) const override {
    const ChannelCut cut = channel_cut(run.inputs[0]);
    ScratchArrays scratch(run.scratch);
    const Affine<T> affine(scratch, cut);
    const T* normalizer = run.inputs[2].as<T>();
    for (std::int64_t c = 0; c < cut.channels; ++c) {
      cut.spread(affine.mean, c, run.inputs[1].as<T>()[c]);
      cut.spread(affine.rest, c, normalizer[c]);
      cut.spread(affine.scale, c, normalizer[cut.channels + c]);
      cut.spread(affine.shift, c, static_cast<T>(channel_value<T>(run.inputs[3], c, 0)));
    }
    affine.apply(run, kernels_, cut, true, run.inputs[3].present(), nullptr, activation_);
  }

 private:
  const Kernels<T>& kernels_;
  Activation activation_;
  std::size_t scratch_ = 0;
};

struct TrainingSettings {
  double momentum, epsilon;
  Activation activation;
};

template <class T>
class BatchNormTraining final : public Instruction {
 public:
  BatchNormTraining(const Kernels<T>& kernels, const ChannelCut& bound,
                    const TrainingSettings& settings)
      : kernels_(kernels), settings_(settings) {
    ScratchArrays scratch(nullptr);
    Affine<T>(scratch, bound);
    scratch.take<T>(bound.width);
    scratch.take<double>(bound.results());
    scratch.take<double>(bound.results());
    scratch_ = scratch.bytes();
  }

  std::size_t scratch_bytes() const override { return scratch_; }
  bool may_alias(int output, int input) const override {
    return output == 0 && (input == 0 || input == 5);
  }

  void run(const Run& run) const override {
    const ChannelCut cut = channel_cut(run.inputs[0]);
    ScratchArrays scratch(run.scratch);
    const Affine<T> affine(scratch, cut);
    T* origin = scratch.take<T>(cut.width);
    auto* means = scratch.take<double>(cut.results());
    auto* squares = scratch.take<double>(cut.results());
    const T* x = run.inputs[0].as<T>();
    for (std::int64_t c = 0; c < cut.channels; ++c) {
      cut.spread(origin, c, cut.rows == 0 ? T{0} : x[c]);
    }
    cut.for_each_piece(run, [&](std::int64_t first, std::int64_t rows, std::int64_t pitch,
                                std::int64_t columns, std::int64_t result, std::int64_t column) {
      kernels_.column_moments(x + first, origin + column, rows, pitch, columns, means + result,
                              squares + result);
    });
    cut.for_channels(run, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) {
        set_channel(run, affine, cut, c, combined(cut, c, origin[c], means, squares));
      }
    });
    affine.apply(run, kernels_, cut, true, run.inputs[4].present(), run.inputs[5].as<T>(),
                 settings_.activation);
  }

 private:
  /// The mean is the sum of `mean`, rounded, and `rest`.
  struct Moments {
    T mean;
    double rest, squares;
  };

  /// The moments of all pieces together, in their order (Chan, Golub and LeVeque 1983).
  static Moments combined(const ChannelCut& cut, std::int64_t channel, T origin,
                          const double* means, const double* squares) {
    double count = 0;
    double mean = 0;
    double sum = 0;
    cut.for_each_result(channel, [&](std::int64_t rows, std::int64_t i) {
      const auto more = static_cast<double>(rows);
      const double difference = means[i] - mean;
      const double part = more / (count + more);
      mean += difference * part;
      sum += squares[i] + difference * difference * count * part;
      count += more;
    });
    if (cut.rows == 0) mean /= count;  // 0 / 0
    const auto from = static_cast<double>(origin);
    const T rounded = static_cast<T>(from + mean);
    return {rounded, mean - (static_cast<double>(rounded) - from), sum};
  }

  void set_channel(const Run& run, const Affine<T>& affine, const ChannelCut& cut, std::int64_t c,
                   const Moments& moments) const {
    const auto count = static_cast<double>(cut.rows);
    const double inverse = 1 / std::sqrt(moments.squares / count + settings_.epsilon);
    cut.spread(affine.mean, c, moments.mean);
    cut.spread(affine.rest, c, static_cast<T>(moments.rest));
    cut.spread(affine.scale, c, static_cast<T>(inverse * channel_value<T>(run.inputs[3], c, 1)));
    cut.spread(affine.shift, c, static_cast<T>(channel_value<T>(run.inputs[4], c, 0)));
    if (run.outputs[1].present()) run.outputs[1].as<T>()[c] = moments.mean;
    if (run.outputs[2].present()) run.outputs[2].as<T>()[c] = static_cast<T>(inverse);
    if (run.outputs[5].present()) {
      T* normalizer = run.outputs[5].as<T>();
      normalizer[c] = affine.rest[c];
      normalizer[cut.channels + c] = affine.scale[c];
    }
    if (run.outputs[3].present()) {
      const T old = run.inputs[1].as<T>()[c];
      const double mean = static_cast<double>(moments.mean) + moments.rest;
      run.outputs[3].as<T>()[c] = cut.rows == 0 ? old : moved(old, mean);
    }
    if (run.outputs[4].present()) {
      const T old = run.inputs[2].as<T>()[c];
      run.outputs[4].as<T>()[c] = cut.rows < 2 ? old : moved(old, moments.squares / (count - 1));
    }
  }

  T moved(T old, double now) const {
    return static_cast<T>((1 - settings_.momentum) * static_cast<double>(old) +
                          settings_.momentum * now);
  }

  const Kernels<T>& kernels_;
  TrainingSettings settings_;
  std::size_t scratch_ = 0;
};

double parse_epsilon(const Call& call) {
  const double epsilon = call.attributes.number("epsilon");
  if (!(epsilon >= 0 && epsilon <= 1e300)) {
    refuse("expected attribute 'epsilon' of 0 or more but received " + std::to_string(epsilon));
  }
  return epsilon;
}

}  // namespace

std::unique_ptr<Instruction> prepare_batch_norm(const Call& call, const KernelTable& table) {
  expect_operands(call, 6, 2);
  const TensorSpec& x = expect_image(call, 0, "x");
  expect_channels(required_input(call, 1, "mean"), "mean", x);
  expect_channels(required_input(call, 2, "variance"), "variance", x);
  expect_channels(call.inputs[3], "weight", x);
  expect_channels(call.inputs[4], "bias", x);
  if (call.inputs[5].present) expect_like(call.inputs[5], "residual", x);
  expect_like(required_output(call, 0, "y"), "y", x);
  expect_channels(call.outputs[1], "inverseDeviation", x);
  return make_floating<BatchNorm>(x.dtype, table, channel_cut(x), parse_epsilon(call),
                                  parse_activation(call));
}

std::unique_ptr<Instruction> prepare_batch_norm_again(const Call& call, const KernelTable& table) {
  expect_operands(call, 4, 1);
  const TensorSpec& x = expect_image(call, 0, "x");
  expect_channels(required_input(call, 1, "mean"), "mean", x);
  expect_normalizer(required_input(call, 2, "normalizer"), x);
  expect_channels(call.inputs[3], "bias", x);
  expect_like(required_output(call, 0, "y"), "y", x);
  return make_floating<BatchNormAgain>(x.dtype, table, channel_cut(x), parse_activation(call));
}

std::unique_ptr<Instruction> prepare_batch_norm_training(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 6, 6);
  const TensorSpec& x = expect_image(call, 0, "x");
  for (const std::size_t i : {1u, 2u, 3u, 4u}) {
    expect_channels(call.inputs[i], "a parameter", x);
    expect_channels(call.outputs[i], "a statistic", x);
  }
  for (const std::size_t i : {1u, 2u}) {
    if (call.outputs[i + 2].present && !call.inputs[i].present) {
      refuse("expected a running statistic for the new one");
    }
  }
  if (call.inputs[5].present) expect_like(call.inputs[5], "residual", x);
  expect_like(required_output(call, 0, "y"), "y", x);
  expect_normalizer(call.outputs[5], x);
  const double momentum = call.attributes.number("momentum");
  if (!(momentum >= 0 && momentum <= 1)) {
    refuse("expected attribute 'momentum' within [0, 1] but received " + std::to_string(momentum));
  }
  return make_floating<BatchNormTraining>(
      x.dtype, table, channel_cut(x),
      TrainingSettings{momentum, parse_epsilon(call), parse_activation(call)});
}

}  // namespace stridenet
