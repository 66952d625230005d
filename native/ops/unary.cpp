#include <cmath>
#include <limits>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

template <class T>
using Map = void (*)(const T* x, T* y, std::int64_t count, UnaryParameters<T> p);
template <class T>
using GradientMap = void (*)(const T* dy, const T* saved, T* dx, std::int64_t count,
                             UnaryParameters<T> p);

template <class T>
UnaryParameters<T> rounded(UnaryParameters<double> p) {
  return {static_cast<T>(p.a), static_cast<T>(p.b)};
}

template <class T>
class Unary : public Instruction {
 public:
  Unary(Map<T> map, UnaryParameters<double> p) : map_(map), p_(rounded<T>(p)) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      map_(x + begin, y + begin, end - begin, p_);
    });
  }

 private:
  Map<T> map_;
  UnaryParameters<T> p_;
};

template <class T>
class UnaryGradient : public Instruction {
 public:
  UnaryGradient(GradientMap<T> map, UnaryParameters<double> p) : map_(map), p_(rounded<T>(p)) {}
  bool may_alias(int, int) const override { return true; }
  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const T* saved = run.inputs[1].as<T>();
    T* dx = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      map_(dy + begin, saved + begin, dx + begin, end - begin, p_);
    });
  }

 private:
  GradientMap<T> map_;
  UnaryParameters<T> p_;
};

/// Attribute `name`, within [low, high]: NaN is not.
double number_within(const Call& call, const char* name, double low, double high) {
  const double value = call.attributes.number(name);
  if (value >= low && value <= high) return value;
  refuse(std::string("expected attribute '") + name + "' to be within [" + std::to_string(low) +
         ", " + std::to_string(high) + "] but received " + std::to_string(value));
}

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

UnaryParameters<double> none(const Call&) { return {0, 0}; }

UnaryParameters<double> limits(const Call& call) {
  const double low = number_within(call, "min", -kInfinity, kInfinity);
  return {low, number_within(call, "max", low, kInfinity)};
}

UnaryParameters<double> negative_slope(const Call& call) {
  return {number_within(call, "negativeSlope", -kLargest, kLargest), 0};
}

UnaryParameters<double> elu_alpha(const Call& call) {
  return {number_within(call, "alpha", 0, kLargest), 0};
}

UnaryParameters<double> beta_and_threshold(const Call& call) {
  return {number_within(call, "beta", std::numeric_limits<double>::min(), kLargest),
          number_within(call, "threshold", -kInfinity, kInfinity)};
}

std::unique_ptr<Instruction> prepare_map(const Call& call, UnaryParameters<double> p,
                                         Map<float> float32, Map<double> float64) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  expect_like(required_output(call, 0, "y"), "y", x);
  if (x.dtype == DType::float32) return std::make_unique<Unary<float>>(float32, p);
  return std::make_unique<Unary<double>>(float64, p);
}

std::unique_ptr<Instruction> prepare_gradient_map(const Call& call, const char* saved,
                                                  UnaryParameters<double> p,
                                                  GradientMap<float> float32,
                                                  GradientMap<double> float64) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  expect_like(required_input(call, 1, saved), saved, dy);
  expect_like(required_output(call, 0, "dx"), "dx", dy);
  if (dy.dtype == DType::float32) return std::make_unique<UnaryGradient<float>>(float32, p);
  return std::make_unique<UnaryGradient<double>>(float64, p);
}

}  // namespace

#define UNARY(name, function, parameters)                                                       \
  std::unique_ptr<Instruction> prepare_##function(const Call& call, const KernelTable& table) { \
    return prepare_map(call, parameters(call), table.float32.map_##function,                    \
                       table.float64.map_##function);                                           \
  }
#define UNARY_GRADIENT(name, function, saved, parameters)                                       \
  std::unique_ptr<Instruction> prepare_##function(const Call& call, const KernelTable& table) { \
    return prepare_gradient_map(call, #saved, parameters(call), table.float32.map_##function,   \
                                table.float64.map_##function);                                  \
  }
#include "kernels/unary.inc"
#undef UNARY
#undef UNARY_GRADIENT

}  // namespace stridenet
