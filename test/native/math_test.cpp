#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "operator_fixture.h"

namespace stridenet::test {
namespace {

/// A function of the C library in a type that has more bits than what it is compared with.
struct Function {
  const char* name;
  double (*in_double)(double);
  long double (*in_long_double)(long double);
  /// The arguments of float64 that matter most, besides those of all exponents.
  double low, high;
  double ulps;
};

template <class T>
T logistic(T x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

const Function kFunctions[] = {
    {"exp", std::exp, std::exp, -709, 710, 2},
    {"log", std::log, std::log, 0, 4, 2},
    {"tanh", std::tanh, std::tanh, -20, 20, 2},
    {"sigmoid", logistic<double>, logistic<long double>, -709, 40, 2},
    {"erf", std::erf, std::erf, -6, 6, 2},
    {"sin", std::sin, std::sin, -1000, 1000, 2},
    {"cos", std::cos, std::cos, -1000, 1000, 2},
};

/// Every 1009th float32 that is no denormal; fewer where the tests are emulated.
std::vector<float> arguments(const Function&, float) {
#if defined(__x86_64__)
  constexpr std::uint64_t step = 1009;
#else
  constexpr std::uint64_t step = 16139;
#endif
  std::vector<float> values;
  for (std::uint64_t pattern = 0; pattern < std::uint64_t{1} << 32; pattern += step) {
    const auto word = static_cast<std::uint32_t>(pattern);
    float value;
    std::memcpy(&value, &word, sizeof value);
    if (std::fpclassify(value) != FP_SUBNORMAL) values.push_back(value);
  }
  return values;
}

/// Random float64: of all exponents, and within the function's own range.
std::vector<double> arguments(const Function& function, double) {
#if defined(__x86_64__)
  constexpr int count = 300000;
#else
  constexpr int count = 10000;  // long double is computed in software
#endif
  std::mt19937_64 engine(1);
  std::uniform_real_distribution<double> inside(function.low, function.high);
  std::uniform_real_distribution<double> exponent(-1021, 1023);
  std::uniform_real_distribution<double> usual_exponent(-30, 20);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(inside(engine));
    const double sign = engine() % 2 ? 1 : -1;
    values.push_back(sign * std::exp2(i % 4 ? usual_exponent(engine) : exponent(engine)));
  }
  return values;
}

double truth(const Function& function, float x) { return function.in_double(double{x}); }
long double truth(const Function& function, double x) {
  return function.in_long_double(static_cast<long double>(x));
}

/// |got − exact| in units of the last place of `exact`; what is less than the smallest normal
/// number may be lost, since denormal numbers are flushed.
template <class T, class Wide>
double error_in_ulps(T got, Wide exact) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e9;
  if (std::isinf(static_cast<T>(exact))) return got == static_cast<T>(exact) ? 0 : 1e9;
  if (!std::isfinite(got)) return 1e9;
  const Wide difference = std::fabs(static_cast<Wide>(got) - exact);
  if (difference <= static_cast<Wide>(Limits::min())) return 0;
  const Wide ulp = std::ldexp(Wide{1}, std::ilogb(exact) + 1 - Limits::digits);
  return static_cast<double>(difference / ulp);
}

template <class T, class Wide>
void expect_close(const Function& function, const std::vector<T>& x,
                  const std::vector<Wide>& exact) {
  const auto count = static_cast<std::int64_t>(x.size());
  Trial trial{
      function.name, {}, {Operand::of<T>({count}, x)}, {spec_of(dtype_of<T>::value, {count})}};
  for (const KernelTable* table : supported_kernels()) {
    const auto got = trial.run(*table, 1)[0].template values<T>();
    double worst = 0;
    std::size_t where = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double error = error_in_ulps(got[i], exact[i]);
      if (error > worst) {
        worst = error;
        where = i;
      }
    }
    EXPECT_LE(worst, function.ulps) << function.name << " of " << x[where] << " on " << table->name
                                    << ": " << got[where] << " for " << exact[where];
    testing::Test::RecordProperty(
        std::string(function.name) + "_" + table->name + "_" + dtype_name(dtype_of<T>::value),
        std::to_string(worst));
  }
}

template <class T>
void sweep(const Function& function) {
  const std::vector<T> x = arguments(function, T{});
  std::vector<decltype(truth(function, T{}))> exact;
  exact.reserve(x.size());
  for (const T value : x) exact.push_back(truth(function, value));
  expect_close(function, x, exact);
}

class Math : public testing::TestWithParam<Function> {};

TEST_P(Math, Float32WithinTwoUlps) { sweep<float>(GetParam()); }
TEST_P(Math, Float64WithinTwoUlps) { sweep<double>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Functions, Math, testing::ValuesIn(kFunctions),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Unary, RefusesAttributesThatNoFunctionHas) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const std::pair<const char*, Attributes> wrong[] = {
      {"clip", attributes_of(std::pair{"min", 1.0})},
      {"clip", attributes_of(std::pair{"min", 1.0}, std::pair{"max", 0.5})},
      {"clip", attributes_of(std::pair{"min", nothing}, std::pair{"max", 0.5})},
      {"leakyRelu", attributes_of(std::pair{"negativeSlope", infinity})},
      {"leakyRelu", attributes_of(std::pair{"negativeSlope", true})},
      {"elu", attributes_of(std::pair{"alpha", -1.0})},
      {"softplus", attributes_of(std::pair{"beta", 0.0}, std::pair{"threshold", 20.0})},
      {"softplus", attributes_of(std::pair{"beta", 1.0}, std::pair{"threshold", nothing})},
  };
  for (const auto& [name, attributes] : wrong) {
    const Trial trial{
        name, attributes, {Operand(DType::float32, {3})}, {spec_of(DType::float32, {3})}};
    EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_PROGRAM") << name;
  }
}

TEST(Unary, RefusesOperandsThatDiffer) {
  Trial trial{"tanh", {}, {Operand(DType::float32, {3})}, {spec_of(DType::float32, {4})}};
  EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_PROGRAM");
  trial.outputs[0] = spec_of(DType::float64, {3});
  EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_DTYPE");
  trial.name = "tanhGradient";
  trial.outputs[0] = spec_of(DType::float32, {3});
  EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_PROGRAM");
  trial.inputs.push_back(Operand(DType::float32, {3}, true));
  EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_PROGRAM");
}

}  // namespace
}  // namespace stridenet::test
