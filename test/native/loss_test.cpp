#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "operator_fixture.h"

namespace stridenet::test {
namespace {

const Attributes kLastAxis = attributes_of(std::pair{"axis", 1.0});
constexpr std::int64_t kColumns[] = {1, 2, 3, 7, 10, 16, 17, 33, 1000};

template <class T>
Operand logits_of(std::int64_t rows, std::int64_t columns, unsigned seed, double range = 20) {
  std::mt19937 engine(seed);
  std::vector<T> values(static_cast<std::size_t>(rows * columns));
  for (T& value : values) {
    value = static_cast<T>((static_cast<double>(engine()) / 4294967296.0 * 2 - 1) * range);
  }
  return Operand::of<T>({rows, columns}, values);
}

template <class T>
std::vector<long double> softmax_row(const T* z, std::int64_t columns, long double& log_sum) {
  long double largest = static_cast<long double>(z[0]);
  for (std::int64_t c = 1; c < columns; ++c) {
    largest = std::max(largest, static_cast<long double>(z[c]));
  }
  long double sum = 0;
  std::vector<long double> p;
  for (std::int64_t c = 0; c < columns; ++c) {
    p.push_back(std::exp(static_cast<long double>(z[c]) - largest));
    sum += p.back();
  }
  for (long double& value : p) value /= sum;
  log_sum = std::log(sum) + largest;
  return p;
}

TEST(Loss, SoftmaxAndItsGradient) {
  on_every_table([]<class T>(const KernelTable& table) {
    const long double u = std::numeric_limits<T>::epsilon();
    for (const std::int64_t columns : kColumns) {
      const std::int64_t rows = 40;
      Trial trial{"softmax", kLastAxis, {}, {spec_of(dtype_of<T>::value, {rows, columns})}};
      trial.inputs.push_back(logits_of<T>(rows, columns, 1));
      const auto y = trial.run_on_all_threads(table)[0].values<T>();
      for (std::int64_t n = 0; n < rows; ++n) {
        long double log_sum = 0;
        const auto p = softmax_row(trial.inputs[0].data<T>() + n * columns, columns, log_sum);
        for (std::int64_t c = 0; c < columns; ++c) {
          const auto i = static_cast<std::size_t>(c);
          // Exponentials are of rounded differences up to 40, sums of up to 1000 terms.
          ASSERT_NEAR(static_cast<double>(y[static_cast<std::size_t>(n * columns + c)]),
                      static_cast<double>(p[i]), static_cast<double>((40 + 70) * u * p[i]) + 1e-37);
        }
      }
      Trial gradient{"softmaxGradient", kLastAxis, {}, trial.outputs};
      gradient.inputs.push_back(logits_of<T>(rows, columns, 2));
      gradient.inputs.push_back(Operand::of<T>({rows, columns}, y));
      const auto dx = gradient.run_on_all_threads(table)[0].values<T>();
      for (std::int64_t n = 0; n < rows; ++n) {
        const T* dy = gradient.inputs[0].data<T>() + n * columns;
        const T* row = y.data() + n * columns;
        long double dot = 0;
        for (std::int64_t c = 0; c < columns; ++c) {
          dot += static_cast<long double>(dy[c]) * static_cast<long double>(row[c]);
        }
        for (std::int64_t c = 0; c < columns; ++c) {
          const auto expected = static_cast<double>(static_cast<long double>(row[c]) *
                                                    (static_cast<long double>(dy[c]) - dot));
          ASSERT_NEAR(static_cast<double>(dx[static_cast<std::size_t>(n * columns + c)]), expected,
                      static_cast<double>(1000 * u));
        }
      }
    }
  });
}

/// The largest error of row_exp over `x` ≤ 0, in units of the result's last place.
template <class T>
long double worst_exp_error(const KernelTable& table, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  {
    const FlushDenormals flush;
    table.of<T>().row_exp(x.data(), T{0}, y.data(), static_cast<std::int64_t>(x.size()));
  }
  long double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double expected = std::exp(static_cast<long double>(x[i]));
    const T nearest = static_cast<T>(expected);
    if (nearest < std::numeric_limits<T>::min()) continue;
    const T ulp = nearest - std::nextafter(nearest, T{0});
    const long double error = std::fabs(static_cast<long double>(y[i]) - expected);
    worst = std::max(worst, error / static_cast<long double>(ulp));
  }
  return worst;
}

TEST(Loss, ExpIsWithinTwoUlp) {
  on_every_table([]<class T>(const KernelTable& table) {
    const double lowest = sizeof(T) == 4 ? -87.3 : -708.3;
    std::vector<T> x = {T{0}, -T{0}, static_cast<T>(-1e-30), static_cast<T>(lowest)};
    std::mt19937 engine(9);
    for (int i = 0; i < 200000; ++i) {
      const double uniform = static_cast<double>(engine()) / 4294967296.0;
      x.push_back(static_cast<T>(uniform * lowest));
      x.push_back(static_cast<T>(-std::exp2(-uniform * 40)));
    }
    EXPECT_LE(worst_exp_error(table, x), 2.0L);
    const T far[] = {static_cast<T>(-1000), -std::numeric_limits<T>::infinity()};
    EXPECT_EQ(table.of<T>().row_exp(far, T{0}, nullptr, 2), T{0});
  });
}

TEST(Loss, SoftmaxTakesExtremesAndNaN) {
  on_every_table([]<class T>(const KernelTable& table) {
    const T infinity = std::numeric_limits<T>::infinity();
    Trial trial{"softmax", kLastAxis, {}, {spec_of(dtype_of<T>::value, {3, 3})}};
    trial.inputs.push_back(
        Operand::of<T>({3, 3}, {T{1000}, T{-1000}, T{1000}, -infinity, T{0}, -infinity, T{0},
                                std::numeric_limits<T>::quiet_NaN(), T{1}}));
    const auto y = trial.run(table, 1)[0].values<T>();
    EXPECT_EQ(std::vector<T>(y.begin(), y.begin() + 6),
              (std::vector<T>{T(0.5), T{0}, T(0.5), T{0}, T{1}, T{0}}));
    for (int i = 6; i < 9; ++i) EXPECT_TRUE(std::isnan(y[static_cast<std::size_t>(i)]));
  });
}

const std::pair kUnsmoothed{"labelSmoothing", 0.0};

/// Both functions against long double, with class numbers or with targets.
template <class T>
void check_cross_entropy(const KernelTable& table, const std::string& reduction,
                         std::int64_t columns, bool targets) {
  const std::int64_t rows = 300;
  const auto u = static_cast<long double>(std::numeric_limits<T>::epsilon());
  const bool none = reduction == "none";
  const TensorSpec loss_spec =
      none ? spec_of(dtype_of<T>::value, {rows}) : spec_of(dtype_of<T>::value, {});
  Trial trial{"softmaxCrossEntropy",
              attributes_of(std::pair{"reduction", reduction}, kUnsmoothed),
              {},
              {loss_spec}};
  trial.inputs.push_back(logits_of<T>(rows, columns, 1));
  std::vector<std::int32_t> labels;
  for (std::int64_t n = 0; n < rows; ++n) labels.push_back(static_cast<std::int32_t>(n % columns));
  trial.inputs.push_back(targets ? logits_of<T>(rows, columns, 3, 1)
                                 : Operand::of<std::int32_t>({rows}, labels));
  trial.inputs.emplace_back();
  const auto loss = trial.run_on_all_threads(table)[0].values<T>();

  Trial gradient{"softmaxCrossEntropyGradient", trial.attributes, {}, {trial.inputs[0].spec}};
  gradient.inputs.push_back(logits_of<T>(rows, columns, 1));
  gradient.inputs.push_back(targets ? logits_of<T>(rows, columns, 3, 1)
                                    : Operand::of<std::int32_t>({rows}, labels));
  gradient.inputs.push_back(Operand::of<T>(
      loss_spec.shape, std::vector<T>(static_cast<std::size_t>(none ? rows : 1), T(0.75))));
  gradient.inputs.emplace_back();
  const auto dz = gradient.run_on_all_threads(table)[0].values<T>();

  long double total = 0;
  long double size = 0;
  const long double scale = reduction == "mean" ? 0.75L / rows : 0.75L;
  for (std::int64_t n = 0; n < rows; ++n) {
    long double log_sum = 0;
    const T* z = trial.inputs[0].data<T>() + n * columns;
    const auto p = softmax_row(z, columns, log_sum);
    long double own = 0;
    long double terms = 0;
    long double mass = 0;
    std::vector<long double> t(static_cast<std::size_t>(columns), 0);
    for (std::int64_t c = 0; c < columns; ++c) {
      auto& target = t[static_cast<std::size_t>(c)];
      target = targets ? static_cast<long double>(trial.inputs[1].data<T>()[n * columns + c])
                       : static_cast<long double>(c == n % columns);
      own += target * (log_sum - static_cast<long double>(z[c]));
      terms += std::fabs(target) * 40;
      mass += target;
    }
    for (std::int64_t c = 0; c < columns; ++c) {
      const auto i = static_cast<std::size_t>(c);
      ASSERT_NEAR(static_cast<double>(dz[static_cast<std::size_t>(n * columns) + i]),
                  static_cast<double>((mass * p[i] - t[i]) * scale),
                  static_cast<double>((120 + static_cast<long double>(columns)) * u * scale));
    }
    if (none) {
      ASSERT_NEAR(static_cast<double>(loss[static_cast<std::size_t>(n)]), static_cast<double>(own),
                  static_cast<double>(8 * u * (terms + 40)));
    }
    total += own;
    size += terms + 40;
  }
  if (reduction == "mean") {
    total /= rows;
    size /= rows;
  }
  if (!none) {
    EXPECT_NEAR(static_cast<double>(loss[0]), static_cast<double>(total),
                static_cast<double>(8 * u * size));
  }
}

TEST(Loss, CrossEntropyOfLabelsAndTargets) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int64_t columns : {1, 2, 10, 17, 33}) {
      for (const char* reduction : {"mean", "sum", "none"}) {
        check_cross_entropy<T>(table, reduction, columns, false);
        check_cross_entropy<T>(table, reduction, columns, true);
      }
    }
  });
}

TEST(Loss, LabelsOutOfRangeAreRefused) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int32_t bad : {-1, 10, std::numeric_limits<std::int32_t>::max()}) {
      Trial trial{"softmaxCrossEntropy",
                  attributes_of(std::pair{"reduction", std::string("mean")}, kUnsmoothed),
                  {},
                  {spec_of(dtype_of<T>::value, {})}};
      trial.inputs.push_back(logits_of<T>(5, 10, 1));
      trial.inputs.push_back(Operand::of<std::int32_t>({5}, {0, 9, 3, bad, 4}));
      trial.inputs.emplace_back();
      EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "ERR_ARGUMENT");
      trial.inputs.pop_back();
      trial.name = "countCorrect";
      trial.outputs = {spec_of(DType::int32, {})};
      EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "ERR_ARGUMENT");
      trial.name = "softmaxCrossEntropyGradient";
      trial.outputs = {trial.inputs[0].spec};
      trial.inputs.push_back(Operand::of<T>({}, {T{1}}));
      trial.inputs.emplace_back();
      EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "ERR_ARGUMENT");
    }
  });
}

TEST(Loss, HuberRefusesADeltaThatIsNoFiniteNumberAbove0) {
  using Limits = std::numeric_limits<double>;
  for (const double delta : {0.0, -1.0, Limits::infinity(), Limits::quiet_NaN()}) {
    const Operand values(DType::float32, {3});
    const Trial trial{
        "huber",
        attributes_of(std::pair{"reduction", std::string("sum")}, std::pair{"delta", delta}),
        {values, values},
        {spec_of(DType::float32, {})}};
    EXPECT_EQ(code_of([&] { prepare(trial.call(), kernels()); }), "ERR_PROGRAM") << delta;
  }
}

TEST(Loss, CountCorrectTakesTheFirstLargest) {
  on_every_table([]<class T>(const KernelTable& table) {
    Trial trial{"countCorrect", {}, {}, {spec_of(DType::int32, {})}};
    trial.inputs.push_back(Operand::of<T>({3, 3}, {1, 2, 2, 5, 5, 1, 0, 0, 7}));
    trial.inputs.push_back(Operand::of<std::uint8_t>({3}, {1, 1, 2}));
    EXPECT_EQ(trial.run(table, 1)[0].values<std::int32_t>()[0], 2);
    trial.inputs[1] = Operand::of<T>({3, 3}, {0, 1, 1, 1, 0, 0, 0, 0, 1});
    EXPECT_EQ(trial.run(table, 1)[0].values<std::int32_t>()[0], 3);
  });
}

TEST(Loss, SquaredErrorAndItsGradient) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int64_t count : {1, 17, 40000}) {
      for (const std::string reduction : {"mean", "sum", "none"}) {
        Trial trial{"squaredError", attributes_of(std::pair{"reduction", reduction}), {}, {}};
        trial.inputs.push_back(Operand::random<T>({count}, 3, 1));
        trial.inputs.push_back(Operand::random<T>({count}, 3, 2));
        const bool none = reduction == "none";
        trial.outputs = {none ? trial.inputs[0].spec : spec_of(dtype_of<T>::value, {})};
        const auto loss = trial.run_on_all_threads(table)[0].values<T>();
        double sum = 0;
        for (std::int64_t i = 0; i < count; ++i) {
          const auto d =
              static_cast<double>(trial.inputs[0].data<T>()[i] - trial.inputs[1].data<T>()[i]);
          sum += d * d;
          if (none) {
            ASSERT_EQ(static_cast<double>(loss[static_cast<std::size_t>(i)]), d * d);
          }
        }
        if (reduction == "mean") sum /= static_cast<double>(count);
        if (!none) {
          EXPECT_EQ(loss[0], static_cast<T>(sum));
        }

        trial.name = "squaredErrorGradient";
        trial.inputs.push_back(Operand::of<T>(
            trial.outputs[0].shape, std::vector<T>(none ? static_cast<std::size_t>(count) : 1, 2)));
        trial.outputs = {trial.inputs[0].spec};
        const auto gradient = trial.run_on_all_threads(table)[0].values<T>();
        const double factor = reduction == "mean" ? 4.0 / static_cast<double>(count) : 4.0;
        for (std::int64_t i = 0; i < count; ++i) {
          const auto d =
              static_cast<double>(trial.inputs[0].data<T>()[i] - trial.inputs[1].data<T>()[i]);
          ASSERT_NEAR(static_cast<double>(gradient[static_cast<std::size_t>(i)]), d * factor,
                      std::fabs(d * factor) * 2 * std::numeric_limits<T>::epsilon());
        }
      }
    }
  });
}

}  // namespace
}  // namespace stridenet::test
