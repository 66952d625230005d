#include <cmath>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// base^exponent by squaring: libm's pow differs between systems.
double integer_power(double base, std::int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result *= base;
    base *= base;
  }
  return result;
}

struct SgdAttributes {
  double momentum, dampening, weight_decay;
  bool nesterov;
};

template <class T>
class SgdUpdate : public Instruction {
 public:
  SgdUpdate(const Kernels<T>& kernels, const SgdAttributes& attributes)
      : kernels_(kernels), attributes_(attributes) {}

  bool may_alias(int output, int input) const override {
    return (output == 0 && input == 0) || (output == 1 && input == 2);
  }

  void run(const Run& run) const override {
    const SgdScalars<T> scalars = {static_cast<T>(*run.inputs[3].as<double>()),
                                   static_cast<T>(attributes_.momentum),
                                   static_cast<T>(1 - attributes_.dampening),
                                   static_cast<T>(attributes_.weight_decay), attributes_.nesterov};
    const SgdArrays<T> arrays = {run.inputs[0].as<T>(), run.inputs[1].as<T>(),
                                 run.inputs[2].as<T>(), run.outputs[0].as<T>(),
                                 run.outputs[1].as<T>()};
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.sgd_update(arrays, scalars, begin, end);
    });
  }

 private:
  const Kernels<T>& kernels_;
  SgdAttributes attributes_;
};

/// The number t of a step. Throws Error("ERR_ARGUMENT") unless it is an integer of 1 or more.
std::int64_t step_number(const char* where, double step) {
  // Written so that NaN fails.
  if (!(step >= 1 && step <= 9007199254740992.0) || step != std::floor(step)) {
    throw Error("ERR_ARGUMENT", std::string("[") + where +
                                    "] expected step to be an integer of 1 or more but received " +
                                    std::to_string(step));
  }
  return static_cast<std::int64_t>(step);
}

struct AdamAttributes {
  double beta1, beta2, epsilon, weight_decay;
  bool decoupled;
};

template <class T>
class AdamUpdate : public Instruction {
 public:
  AdamUpdate(const Kernels<T>& kernels, const AdamAttributes& attributes)
      : kernels_(kernels), attributes_(attributes) {}

  bool may_alias(int output, int input) const override {
    return (output == 0 && input == 0) || (output == 1 && input == 2) ||
           (output == 2 && input == 3);
  }

  void run(const Run& run) const override {
    const AdamScalars<T> scalars =
        scalars_of(*run.inputs[4].as<double>(), *run.inputs[5].as<double>());
    const AdamArrays<T> arrays = {run.inputs[0].as<T>(),  run.inputs[1].as<T>(),
                                  run.inputs[2].as<T>(),  run.inputs[3].as<T>(),
                                  run.outputs[0].as<T>(), run.outputs[1].as<T>(),
                                  run.outputs[2].as<T>()};
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.adam_update(arrays, scalars, begin, end);
    });
  }

 private:
  AdamScalars<T> scalars_of(double step, double learning_rate) const {
    const std::int64_t t = step_number("adamUpdate", step);
    const AdamAttributes& a = attributes_;
    return {static_cast<T>(a.beta1),
            static_cast<T>(1 - a.beta1),
            static_cast<T>(a.beta2),
            static_cast<T>(1 - a.beta2),
            static_cast<T>(learning_rate / (1 - integer_power(a.beta1, t))),
            static_cast<T>(std::sqrt(1 - integer_power(a.beta2, t))),
            static_cast<T>(a.epsilon),
            a.decoupled ? T{0} : static_cast<T>(a.weight_decay),
            a.decoupled ? static_cast<T>(1 - learning_rate * a.weight_decay) : T{1}};
  }

  const Kernels<T>& kernels_;
  AdamAttributes attributes_;
};

struct RmspropAttributes {
  double alpha, epsilon, momentum, weight_decay;
  bool centered;
  /// How many moments there are, the mean square counted.
  int moments() const { return 1 + (centered ? 1 : 0) + (momentum != 0 ? 1 : 0); }
};

template <class T>
class RmspropUpdate : public Instruction {
 public:
  RmspropUpdate(const Kernels<T>& kernels, const RmspropAttributes& attributes)
      : kernels_(kernels), attributes_(attributes) {}

  bool may_alias(int output, int input) const override {
    return output == 0 ? input == 0 : input == output + 2;
  }

  void run(const Run& run) const override {
    const RmspropAttributes& a = attributes_;
    const RmspropScalars<T> scalars = {static_cast<T>(*run.inputs[2].as<double>()),
                                       static_cast<T>(a.alpha),
                                       static_cast<T>(1 - a.alpha),
                                       static_cast<T>(a.epsilon),
                                       static_cast<T>(a.momentum),
                                       static_cast<T>(a.weight_decay)};
    RmspropArrays<T> arrays = {};
    arrays.parameter = run.inputs[0].as<T>();
    arrays.gradient = run.inputs[1].as<T>();
    arrays.square = run.inputs[3].as<T>();
    arrays.new_parameter = run.outputs[0].as<T>();
    arrays.new_square = run.outputs[1].as<T>();
    std::size_t moment = 1;
    if (a.centered) {
      arrays.average = run.inputs[3 + moment].as<T>();
      arrays.new_average = run.outputs[1 + moment++].as<T>();
    }
    if (a.momentum != 0) {
      arrays.velocity = run.inputs[3 + moment].as<T>();
      arrays.new_velocity = run.outputs[1 + moment].as<T>();
    }
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.rmsprop_update(arrays, scalars, begin, end);
    });
  }

 private:
  const Kernels<T>& kernels_;
  RmspropAttributes attributes_;
};

struct AdagradAttributes {
  double learning_rate_decay, epsilon, weight_decay;
};

template <class T>
class AdagradUpdate : public Instruction {
 public:
  AdagradUpdate(const Kernels<T>& kernels, const AdagradAttributes& attributes)
      : kernels_(kernels), attributes_(attributes) {}

  bool may_alias(int output, int input) const override {
    return (output == 0 && input == 0) || (output == 1 && input == 2);
  }

  void run(const Run& run) const override {
    const auto t = static_cast<double>(step_number("adagradUpdate", *run.inputs[3].as<double>()));
    const double rate =
        *run.inputs[4].as<double>() / (1 + (t - 1) * attributes_.learning_rate_decay);
    const AdagradScalars<T> scalars = {static_cast<T>(rate), static_cast<T>(attributes_.epsilon),
                                       static_cast<T>(attributes_.weight_decay)};
    const AdagradArrays<T> arrays = {run.inputs[0].as<T>(), run.inputs[1].as<T>(),
                                     run.inputs[2].as<T>(), run.outputs[0].as<T>(),
                                     run.outputs[1].as<T>()};
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      kernels_.adagrad_update(arrays, scalars, begin, end);
    });
  }

 private:
  const Kernels<T>& kernels_;
  AdagradAttributes attributes_;
};

/// A finite number within [low, high].
double bounded(const Call& call, const char* name, double low, double high) {
  const double value = call.attributes.number(name);
  if (!(value >= low && value <= high)) {
    refuse(std::string("expected attribute '") + name + "' within [" + std::to_string(low) + ", " +
           std::to_string(high) + "] but received " + std::to_string(value));
  }
  return value;
}

void expect_scalar(const Call& call, std::size_t input, const char* name) {
  expect_tensor(required_input(call, input, name), name, DType::float64, {}, false);
}

const TensorSpec& expect_parameter(const Call& call) {
  const TensorSpec& parameter = required_input(call, 0, "parameter");
  expect_floating(parameter, "parameter");
  expect_batched(parameter, "parameter", false);
  expect_like(required_input(call, 1, "gradient"), "gradient", parameter);
  expect_like(required_output(call, 0, "new parameter"), "new parameter", parameter);
  return parameter;
}

constexpr double kLargest = 1e300;

}  // namespace

std::unique_ptr<Instruction> prepare_sgd_update(const Call& call, const KernelTable& table) {
  expect_operands(call, 4, 2);
  const TensorSpec& parameter = expect_parameter(call);
  if (call.inputs[2].present != call.outputs[1].present) {
    refuse("expected both the velocity and the new velocity, or neither");
  }
  if (call.inputs[2].present) {
    expect_like(call.inputs[2], "velocity", parameter);
    expect_like(call.outputs[1], "new velocity", parameter);
  }
  expect_scalar(call, 3, "learningRate");
  return make_floating<SgdUpdate>(parameter.dtype, table,
                                  SgdAttributes{bounded(call, "momentum", -kLargest, kLargest),
                                                bounded(call, "dampening", -kLargest, kLargest),
                                                bounded(call, "weightDecay", -kLargest, kLargest),
                                                call.attributes.boolean("nesterov")});
}

std::unique_ptr<Instruction> prepare_adam_update(const Call& call, const KernelTable& table) {
  expect_operands(call, 6, 3);
  const TensorSpec& parameter = expect_parameter(call);
  expect_like(required_input(call, 2, "m"), "m", parameter);
  expect_like(required_input(call, 3, "v"), "v", parameter);
  expect_scalar(call, 4, "step");
  expect_scalar(call, 5, "learningRate");
  expect_like(required_output(call, 1, "new m"), "new m", parameter);
  expect_like(required_output(call, 2, "new v"), "new v", parameter);
  return make_floating<AdamUpdate>(
      parameter.dtype, table,
      AdamAttributes{bounded(call, "beta1", 0, 1), bounded(call, "beta2", 0, 1),
                     bounded(call, "epsilon", -kLargest, kLargest),
                     bounded(call, "weightDecay", -kLargest, kLargest),
                     call.attributes.boolean("decoupled")});
}

std::unique_ptr<Instruction> prepare_rmsprop_update(const Call& call, const KernelTable& table) {
  const RmspropAttributes attributes = {
      bounded(call, "alpha", 0, 1), bounded(call, "epsilon", -kLargest, kLargest),
      bounded(call, "momentum", -kLargest, kLargest),
      bounded(call, "weightDecay", -kLargest, kLargest), call.attributes.boolean("centered")};
  const auto moments = static_cast<std::size_t>(attributes.moments());
  expect_operands(call, 3 + moments, 4);
  const TensorSpec& parameter = expect_parameter(call);
  expect_scalar(call, 2, "learningRate");
  for (std::size_t i = 0; i < 3; ++i) {
    if (i < moments) {
      expect_like(required_input(call, 3 + i, "a moment"), "a moment", parameter);
      expect_like(required_output(call, 1 + i, "a new moment"), "a new moment", parameter);
    } else if (call.outputs[1 + i].present) {
      refuse("expected " + std::to_string(moments) + " new moments but received more");
    }
  }
  return make_floating<RmspropUpdate>(parameter.dtype, table, attributes);
}

std::unique_ptr<Instruction> prepare_adagrad_update(const Call& call, const KernelTable& table) {
  expect_operands(call, 5, 2);
  const TensorSpec& parameter = expect_parameter(call);
  expect_like(required_input(call, 2, "sum"), "sum", parameter);
  expect_scalar(call, 3, "step");
  expect_scalar(call, 4, "learningRate");
  expect_like(required_output(call, 1, "new sum"), "new sum", parameter);
  return make_floating<AdagradUpdate>(
      parameter.dtype, table,
      AdagradAttributes{bounded(call, "learningRateDecay", 0, kLargest),
                        bounded(call, "epsilon", -kLargest, kLargest),
                        bounded(call, "weightDecay", -kLargest, kLargest)});
}

}  // namespace stridenet
