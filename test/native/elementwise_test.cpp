#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "operator_fixture.h"

namespace stridenet::test {
namespace {

constexpr std::int64_t kSizes[] = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 16385, 50001};

template <class T>
T nan() {
  return std::numeric_limits<T>::quiet_NaN();
}

/// Random numbers in [−3, 3] with zeros and NaN among them.
template <class T>
std::vector<T> numbers(std::int64_t count, unsigned seed, bool with_nan = false) {
  std::mt19937 engine(seed);
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& value : values) {
    const unsigned kind = engine() % 16;
    value = static_cast<T>(static_cast<double>(engine()) / 4294967296.0 * 6 - 3);
    if (kind == 0) value = T{0};
    if (kind == 1) value = -T{0};
    if (kind == 2 && with_nan) value = nan<T>();
  }
  return values;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

TEST(Elementwise, ReluAndItsGradientAndAdd) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int64_t count : kSizes) {
      const auto a = numbers<T>(count, 1, true);
      const auto b = numbers<T>(count, 2, true);
      std::vector<T> relu;
      std::vector<T> gradient;
      std::vector<T> sum;
      for (std::size_t i = 0; i < a.size(); ++i) {
        relu.push_back(std::isnan(a[i]) || a[i] > 0 ? a[i] : T{0});
        gradient.push_back(b[i] > 0 ? a[i] : T{0});
        sum.push_back(a[i] + b[i]);
      }
      const TensorSpec spec = spec_of(dtype_of<T>::value, {count});
      const Operand x = Operand::of<T>({count}, a);
      const auto y = Trial{"relu", {}, {Operand::of<T>({count}, a)}, {spec}};
      EXPECT_TRUE(same_bits(y.run_on_all_threads(table)[0].values<T>(), relu));
      Trial pair{"reluGradient", {}, {}, {spec}};
      pair.inputs.push_back(Operand::of<T>({count}, a));
      pair.inputs.push_back(Operand::of<T>({count}, b));
      EXPECT_TRUE(same_bits(pair.run_on_all_threads(table)[0].values<T>(), gradient));
      pair.name = "add";
      const auto added = pair.run_on_all_threads(table)[0].values<T>();
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_TRUE(added[i] == sum[i] || (std::isnan(added[i]) && std::isnan(sum[i])));
      }
    }
  });
}

TEST(Elementwise, CheckFiniteFindsTheOneThatIsNot) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int64_t count : {1, 16, 17, 40000}) {
      for (const T bad :
           {nan<T>(), std::numeric_limits<T>::infinity(), -std::numeric_limits<T>::infinity()}) {
        for (const std::int64_t at : {std::int64_t{0}, count / 2, count - 1}) {
          auto values = numbers<T>(count, 3);
          Trial trial{"checkFinite", {}, {}, {}};
          trial.inputs.push_back(Operand::of<T>({count}, values));
          EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "");
          trial.inputs[0].data<T>()[at] = bad;
          EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "ERR_NON_FINITE");
        }
      }
    }
  });
}

template <class T>
void expect_near(const std::vector<T>& got, const std::vector<double>& expected, double ulps) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double bound = ulps * std::numeric_limits<T>::epsilon() * std::fabs(expected[i]);
    EXPECT_NEAR(static_cast<double>(got[i]), expected[i], bound + 1e-37) << i;
  }
}

TEST(Elementwise, Adam) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const bool decoupled : {false, true}) {
      for (const std::int64_t count : {1, 17, 16390}) {
        Trial trial{"adamUpdate",
                    attributes_of(std::pair{"beta1", 0.9}, std::pair{"beta2", 0.999},
                                  std::pair{"epsilon", 1e-8}, std::pair{"weightDecay", 0.01},
                                  std::pair{"decoupled", decoupled}),
                    {},
                    {}};
        for (unsigned i = 0; i < 4; ++i) {
          auto values = numbers<T>(count, 10 + i);
          if (i == 3) {
            for (T& value : values) value = std::fabs(value) + T(0.01);
          }
          trial.inputs.push_back(Operand::of<T>({count}, values));
        }
        trial.inputs.push_back(Operand::of<double>({}, {7}));
        trial.inputs.push_back(Operand::of<double>({}, {1e-3}));
        trial.outputs.assign(3, trial.inputs[0].spec);
        std::vector<double> p, m, v;
        for (std::int64_t i = 0; i < count; ++i) {
          const double old = static_cast<double>(trial.inputs[0].data<T>()[i]);
          double g = static_cast<double>(trial.inputs[1].data<T>()[i]);
          if (!decoupled) g += 0.01 * old;
          m.push_back(0.9 * static_cast<double>(trial.inputs[2].data<T>()[i]) + (1 - 0.9) * g);
          v.push_back(0.999 * static_cast<double>(trial.inputs[3].data<T>()[i]) +
                      (1 - 0.999) * g * g);
          p.push_back((decoupled ? old * (1 - 1e-3 * 0.01) : old) -
                      1e-3 / (1 - std::pow(0.9, 7)) * m.back() /
                          (std::sqrt(v.back()) / std::sqrt(1 - std::pow(0.999, 7)) + 1e-8));
        }
        const auto results = trial.run_on_all_threads(table);
        const auto np = results[0].values<T>();
        const auto nm = results[1].values<T>();
        // Sums cancel, so their errors are of the size of their terms.
        for (std::size_t i = 0; i < np.size(); ++i) {
          EXPECT_NEAR(static_cast<double>(np[i]), p[i], 16 * std::numeric_limits<T>::epsilon());
          EXPECT_NEAR(static_cast<double>(nm[i]), m[i], 16 * std::numeric_limits<T>::epsilon());
        }
        expect_near(results[2].values<T>(), v, 16);
        trial.inputs[4].data<double>()[0] = 0;
        EXPECT_EQ(code_of([&] { trial.run(table, 1); }), "ERR_ARGUMENT");
      }
    }
  });
}

TEST(Elementwise, SgdWithAndWithoutVelocity) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const int kind : {0, 1, 2}) {
      const std::int64_t count = 16390;
      const bool nesterov = kind == 2;
      Trial trial{"sgdUpdate",
                  attributes_of(std::pair{"momentum", 0.5}, std::pair{"dampening", 0.25},
                                std::pair{"weightDecay", 0.125}, std::pair{"nesterov", nesterov}),
                  {},
                  {}};
      for (unsigned i = 0; i < 3; ++i) trial.inputs.push_back(Operand::random<T>({count}, 64, i));
      trial.inputs.push_back(Operand::of<double>({}, {0.0625}));
      trial.outputs.assign(2, trial.inputs[0].spec);
      if (kind == 0) {
        trial.inputs[2] = Operand();
        trial.outputs[1] = {};
      }
      const auto results = trial.run_on_all_threads(table);
      // Powers of two times small integers: exact.
      for (std::int64_t i = 0; i < count; ++i) {
        const T p = trial.inputs[0].data<T>()[i];
        const T g = trial.inputs[1].data<T>()[i] + T(0.125) * p;
        T d = g;
        if (kind != 0) {
          const T v = T(0.5) * trial.inputs[2].data<T>()[i] + T(0.75) * g;
          ASSERT_EQ(results[1].data<T>()[i], v);
          d = nesterov ? g + T(0.5) * v : v;
        }
        ASSERT_EQ(results[0].data<T>()[i], p - T(0.0625) * d);
      }
    }
  });
}

TEST(Elementwise, GatherRowsConvertsAndChecksIndices) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const std::int64_t width : {1, 5, 16, 33, 784}) {
      Trial trial{"gatherRows",
                  attributes_of(std::pair{"scale", 1.0 / 255}, std::pair{"offset", -0.5}),
                  {},
                  {spec_of(dtype_of<T>::value, {200, width}, true)}};
      trial.inputs.push_back(Operand::random<std::uint8_t>({50, width}, 127, 1));
      std::vector<std::int32_t> indices;
      for (int i = 0; i < 200; ++i) indices.push_back(i * 7 % 50);
      trial.inputs.push_back(Operand::of<std::int32_t>({200}, indices, true));
      const auto result = trial.run_on_all_threads(table)[0].values<T>();
      const std::uint8_t* data = trial.inputs[0].data<std::uint8_t>();
      for (std::int64_t i = 0; i < 200 * width; ++i) {
        const double value = data[indices[static_cast<std::size_t>(i / width)] * width + i % width];
        ASSERT_EQ(result[static_cast<std::size_t>(i)], static_cast<T>(value * (1.0 / 255) + -0.5));
      }
      for (const std::int32_t bad : {-1, 50, std::numeric_limits<std::int32_t>::min()}) {
        trial.inputs[1].data<std::int32_t>()[199] = bad;
        EXPECT_EQ(code_of([&] { trial.run(table, 2); }), "ERR_ARGUMENT");
      }
    }
  });
}

TEST(Elementwise, TransposeLikeNaiveLoops) {
  const std::vector<std::pair<std::vector<std::int64_t>, std::vector<double>>> cases = {
      {{}, {}},
      {{5}, {0}},
      {{3, 4}, {1, 0}},
      {{3, 17, 40}, {0, 2, 1}},
      {{1, 300, 500}, {0, 2, 1}},
      {{2, 3, 4, 5}, {0, 2, 3, 1}},
      {{2, 3, 4, 5}, {0, 3, 1, 2}},
      {{2, 3, 4, 5}, {3, 2, 1, 0}},
      {{2, 1, 4, 5}, {0, 2, 3, 1}},
      {{2, 3, 1, 1}, {0, 2, 3, 1}},
      {{2, 3, 2, 3, 2, 2}, {5, 0, 3, 1, 4, 2}},
      {{0, 3}, {1, 0}}};
  for (const auto& [shape, axes] : cases) {
    std::vector<std::int64_t> transposed;
    for (const double axis : axes) transposed.push_back(shape[static_cast<std::size_t>(axis)]);
    Trial trial{
        "transpose", attributes_of(list("axes", axes)), {}, {spec_of(DType::float32, transposed)}};
    trial.inputs.push_back(Operand::random<float>(shape, 1000000, 5));
    const auto result = trial.run_on_all_threads(kernels())[0].values<float>();
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(result.size()); ++i) {
      std::int64_t rest = i;
      std::int64_t from = 0;
      for (std::size_t a = axes.size(); a-- > 0;) {
        std::int64_t stride = 1;
        for (std::size_t b = static_cast<std::size_t>(axes[a]) + 1; b < shape.size(); ++b) {
          stride *= shape[b];
        }
        from += rest % transposed[a] * stride;
        rest /= transposed[a];
      }
      ASSERT_EQ(result[static_cast<std::size_t>(i)], trial.inputs[0].data<float>()[from]);
    }
  }
}

TEST(Elementwise, CopyKeepsTheElements) {
  Trial trial{"copy", {}, {}, {spec_of(DType::int32, {6, 5000})}};
  trial.inputs.push_back(Operand::random<std::int32_t>({5000, 6}, 1000, 1));
  EXPECT_EQ(trial.run_on_all_threads(kernels())[0].raw(), trial.inputs[0].raw());
}

}  // namespace
}  // namespace stridenet::test
