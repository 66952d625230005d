#include <gtest/gtest.h>

#include "core/error.h"
#include "core/thread_pool.h"
#include "operands.h"

namespace stridenet {
namespace {

using testing_support::count_wrong;
using testing_support::kThreadCounts;
using testing_support::Operand;
using testing_support::run_operator;

Attributes transposes(bool a, bool b) {
  Attributes attributes;
  attributes.set("transposeA", a);
  attributes.set("transposeB", b);
  return attributes;
}

Attributes linear_attributes(std::int64_t channels_last) {
  Attributes attributes;
  attributes.set("channelsLast", static_cast<double>(channels_last));
  return attributes;
}

template <class T>
class GemmTest : public testing::Test {
 protected:
  void SetUp() override { before_ = ThreadPool::instance().threads(); }
  void TearDown() override { ThreadPool::instance().set_threads(before_); }
  std::mt19937 random_{20240611};

 private:
  int before_ = 1;
};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmTest, Elements);

template <class T>
void check_matmul(std::mt19937& random, std::int64_t m, std::int64_t n, std::int64_t k,
                  bool transpose_a, bool transpose_b, int range) {
  Operand<T> a(transpose_a ? std::vector{k, m} : std::vector{m, k});
  Operand<T> b(transpose_b ? std::vector{n, k} : std::vector{k, n});
  a.fill(random, range);
  b.fill(random, range);
  Operand<double> want({m, n});
  Operand<double> magnitude({m, n});
  // Columns inmost and through plain pointers: emulators and sanitizers run these loops too.
  std::vector<double> rows_of_b(static_cast<std::size_t>(k * n));
  double* const b_rows = rows_of_b.data();
  for (std::int64_t l = 0; l < k; ++l) {
    for (std::int64_t j = 0; j < n; ++j) {
      b_rows[l * n + j] = static_cast<double>(b[transpose_b ? j * k + l : l * n + j]);
    }
  }
  for (std::int64_t i = 0; i < m; ++i) {
    double* const sums = want.values.data() + i * n;
    double* const magnitudes = magnitude.values.data() + i * n;
    for (std::int64_t l = 0; l < k; ++l) {
      const auto factor = static_cast<double>(a[transpose_a ? l * m + i : i * k + l]);
      for (std::int64_t j = 0; j < n; ++j) {
        const double product = factor * b_rows[l * n + j];
        sums[j] += product;
        magnitudes[j] += std::fabs(product);
      }
    }
  }
  for (const KernelTable* table : supported_kernels()) {
    SCOPED_TRACE(testing::Message() << table->name << " m=" << m << " n=" << n << " k=" << k
                                    << " transposes=" << transpose_a << transpose_b);
    Operand<T> first({m, n});
    for (const int threads : kThreadCounts) {
      ThreadPool::instance().set_threads(threads);
      Operand<T> y({m, n});
      run_operator<T>("matmul", transposes(transpose_a, transpose_b), *table, {&a, &b}, {&y},
                      threads);
      if (threads == 1) first = y;
      EXPECT_EQ(y.values, first.values) << threads << " threads";
    }
    EXPECT_EQ(count_wrong(first, want, magnitude, static_cast<double>(k), range > 0), 0);
  }
}

TYPED_TEST(GemmTest, MatmulIsExactForIntegersAtEveryEdge) {
  for (const std::int64_t m : {1, 4, 5, 13, 14, 15, 33}) {
    for (const std::int64_t n : {1, 7, 8, 16, 17, 31, 32, 33, 65}) {
      for (const std::int64_t k : {1, 32, 33}) {
        check_matmul<TypeParam>(this->random_, m, n, k, false, false, 32);
      }
    }
  }
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      check_matmul<TypeParam>(this->random_, 37, 41, 600, transpose_a, transpose_b, 32);
      check_matmul<TypeParam>(this->random_, 300, 70, 19, transpose_a, transpose_b, 32);
      // Rows that compete for places in the caches, and a B of several parts.
      check_matmul<TypeParam>(this->random_, 37, 70, 512, transpose_a, transpose_b, 32);
      check_matmul<TypeParam>(this->random_, 171, 300, 1024, transpose_a, transpose_b, 4);
    }
  }
}

TYPED_TEST(GemmTest, FewRowsOfEveryNumberReadBWhereItLies) {
  // Each number of rows has tiles of its own width; 271 and 320 columns end in all of their halves.
  for (std::int64_t m = 1; m <= 14; ++m) {
    for (const std::int64_t n : {271, 320}) {
      check_matmul<TypeParam>(this->random_, m, n, 70, m % 2 == 0, false, 32);
    }
  }
  for (const std::int64_t m : {15, 29, 57, 71, 280, 281}) {
    for (const bool transpose_b : {false, true}) {
      check_matmul<TypeParam>(this->random_, m, 100, 300, false, transpose_b, 8);
      // Rows of a that are packed, as they compete for places in a cache.
      check_matmul<TypeParam>(this->random_, m, 49, 1024, false, transpose_b, 4);
    }
  }
}

TYPED_TEST(GemmTest, FewRowsKeepNanAndInfinityInTheirPlaces) {
  using T = TypeParam;
  for (const std::int64_t rows : {1, 3, 8, 14, 30}) {
    for (const bool transpose_b : {false, true}) {
      const std::int64_t columns = 53;
      const std::int64_t depth = 300;
      Operand<T> a({rows, depth});
      Operand<T> b(transpose_b ? std::vector{columns, depth} : std::vector{depth, columns});
      a.fill(this->random_, 4);
      b.fill(this->random_, 4);
      const auto at = [&](std::int64_t k, std::int64_t j) -> T& {
        return b[transpose_b ? j * depth + k : k * columns + j];
      };
      a[270] = 1;
      at(270, 50) = std::numeric_limits<T>::quiet_NaN();
      at(270, 7) = std::numeric_limits<T>::infinity();
      for (const KernelTable* table : supported_kernels()) {
        Operand<T> y({rows, columns});
        run_operator<T>("matmul", transposes(false, transpose_b), *table, {&a, &b}, {&y}, 1);
        for (std::int64_t j = 0; j < columns; ++j) {
          EXPECT_EQ(std::isnan(y[j]), j == 50) << table->name << " " << rows << " " << j;
          EXPECT_EQ(std::isinf(y[j]), j == 7) << table->name << " " << rows << " " << j;
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, MatmulIsWithinTheErrorBound) {
  check_matmul<TypeParam>(this->random_, 60, 50, 1000, false, false, 0);
  check_matmul<TypeParam>(this->random_, 17, 130, 257, true, true, 0);
}

TYPED_TEST(GemmTest, EmptySizes) {
  check_matmul<TypeParam>(this->random_, 0, 5, 3, false, false, 32);
  check_matmul<TypeParam>(this->random_, 5, 0, 3, true, true, 32);
  check_matmul<TypeParam>(this->random_, 5, 3, 0, false, true, 32);
}

TYPED_TEST(GemmTest, ARowDoesNotDependOnTheOthers) {
  using T = TypeParam;
  const std::int64_t depth = 777;
  for (const bool transpose_b : {false, true}) {
    for (const std::int64_t columns : {40, 275}) {
      Operand<T> a({300, depth});
      Operand<T> b(transpose_b ? std::vector{columns, depth} : std::vector{depth, columns});
      a.fill(this->random_, 0);
      b.fill(this->random_, 0);
      for (const KernelTable* table : supported_kernels()) {
        Operand<T> all({300, columns});
        run_operator<T>("matmul", transposes(false, transpose_b), *table, {&a, &b}, {&all}, 2);
        for (const std::int64_t rows : {1, 3, 5, 8, 20, 60, 150}) {
          Operand<T> part({rows, depth});
          std::copy_n(a.values.begin(), part.values.size(), part.values.begin());
          Operand<T> y({rows, columns});
          run_operator<T>("matmul", transposes(false, transpose_b), *table, {&part, &b}, {&y}, 2);
          EXPECT_TRUE(std::equal(y.values.begin(), y.values.end(), all.values.begin()))
              << table->name << " " << rows;
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, ASampleOfLinearDoesNotDependOnTheBatch) {
  using T = TypeParam;
  for (const std::int64_t channels : {0, 7}) {
    Operand<T> x({100, 777});
    Operand<T> weight({70, 777});
    Operand<T> dy({100, 70});
    Attributes attributes = linear_attributes(channels);
    for (Operand<T>* operand : {&x, &weight, &dy}) operand->fill(this->random_, 0);
    const auto run = [&](const KernelTable& table, std::int64_t rows, Operand<T>& y,
                         Operand<T>& dx) {
      Operand<T> samples({rows, 777});
      Operand<T> messages({rows, 70});
      std::copy_n(x.values.begin(), samples.values.size(), samples.values.begin());
      std::copy_n(dy.values.begin(), messages.values.size(), messages.values.begin());
      Operand<T> none;
      attributes.set("activation", std::string("none"));
      run_operator<T>("linear", attributes, table, {&samples, &weight, &none}, {&y}, 2);
      run_operator<T>("linearInputGradient", linear_attributes(channels), table,
                      {&messages, &weight}, {&dx}, 2);
    };
    for (const KernelTable* table : supported_kernels()) {
      Operand<T> all_y({100, 70});
      Operand<T> all_dx({100, 777});
      run(*table, 100, all_y, all_dx);
      for (const std::int64_t rows : {1, 2, 7, 14, 31}) {
        Operand<T> y({rows, 70});
        Operand<T> dx({rows, 777});
        run(*table, rows, y, dx);
        EXPECT_TRUE(std::equal(y.values.begin(), y.values.end(), all_y.values.begin()))
            << table->name << " " << rows;
        EXPECT_TRUE(std::equal(dx.values.begin(), dx.values.end(), all_dx.values.begin()))
            << table->name << " " << rows;
      }
    }
  }
}

/// Linear and its gradients against loops; `channels` 0 or a divisor of `features`.
template <class T>
void check_linear(std::mt19937& random, std::int64_t n, std::int64_t outputs, std::int64_t features,
                  std::int64_t channels, bool with_bias, bool relu) {
  Operand<T> x({n, features});
  Operand<T> weight({outputs, features});
  Operand<T> dy({n, outputs});
  Operand<T> bias = with_bias ? Operand<T>({outputs}) : Operand<T>();
  for (Operand<T>* operand : {&x, &weight, &dy, &bias}) operand->fill(random, 16);
  Operand<double> want_y({n, outputs});
  Operand<double> want_dx({n, features});
  Operand<double> want_dw({outputs, features});
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t o = 0; o < outputs; ++o) {
      double sum = with_bias ? static_cast<double>(bias[o]) : 0;
      for (std::int64_t f = 0; f < features; ++f) {
        const std::int64_t positions = channels == 0 ? 1 : features / channels;
        const std::int64_t column = channels == 0 ? f : f % channels * positions + f / channels;
        sum += static_cast<double>(x[i * features + f] * weight[o * features + column]);
        want_dx[i * features + f] +=
            static_cast<double>(dy[i * outputs + o] * weight[o * features + column]);
        want_dw[o * features + column] +=
            static_cast<double>(dy[i * outputs + o] * x[i * features + f]);
      }
      want_y[i * outputs + o] = relu && sum < 0 ? 0 : sum;
    }
  }
  Attributes attributes = linear_attributes(channels);
  attributes.set("activation", std::string(relu ? "relu" : "none"));
  for (const KernelTable* table : supported_kernels()) {
    SCOPED_TRACE(testing::Message() << table->name << " n=" << n << " outputs=" << outputs
                                    << " features=" << features << " channels=" << channels);
    for (const int threads : {1, 3}) {
      ThreadPool::instance().set_threads(threads);
      Operand<T> y({n, outputs});
      Operand<T> dx({n, features});
      Operand<T> dw({outputs, features});
      run_operator<T>("linear", attributes, *table, {&x, &weight, &bias}, {&y}, threads);
      run_operator<T>("linearInputGradient", linear_attributes(channels), *table, {&dy, &weight},
                      {&dx}, threads);
      run_operator<T>("linearWeightGradient", linear_attributes(channels), *table, {&x, &dy}, {&dw},
                      threads);
      EXPECT_EQ(count_wrong(y, want_y, want_y, 1, true), 0);
      EXPECT_EQ(count_wrong(dx, want_dx, want_dx, 1, true), 0);
      EXPECT_EQ(count_wrong(dw, want_dw, want_dw, 1, true), 0);
    }
  }
}

TYPED_TEST(GemmTest, LinearAndItsGradients) {
  check_linear<TypeParam>(this->random_, 5, 3, 7, 0, true, false);
  check_linear<TypeParam>(this->random_, 1, 10, 100, 0, true, true);
  check_linear<TypeParam>(this->random_, 1, 70, 1100, 10, true, false);
  check_linear<TypeParam>(this->random_, 30, 20, 48, 3, false, true);
  check_linear<TypeParam>(this->random_, 17, 33, 845, 5, true, true);
  check_linear<TypeParam>(this->random_, 3, 4, 0, 5, true, true);
  check_linear<TypeParam>(this->random_, 260, 50, 64, 64, true, false);
  check_linear<TypeParam>(this->random_, 300, 35, 96, 0, false, false);
  check_linear<TypeParam>(this->random_, 0, 4, 6, 2, true, false);
  // More panels of dy than a thread packs at a time in float64.
  check_linear<TypeParam>(this->random_, 192, 560, 64, 0, false, false);
}

TYPED_TEST(GemmTest, BiasGradient) {
  using T = TypeParam;
  for (const std::int64_t columns : {1, 6, 16, 33, 200}) {
    for (const std::int64_t rows : {0, 1, 7, 8, 100, 6000}) {
      Operand<T> dy({rows, 2, columns});
      dy.fill(this->random_, 32);
      Operand<double> want({columns});
      for (std::int64_t i = 0; i < 2 * rows; ++i) {
        for (std::int64_t j = 0; j < columns; ++j) {
          want[j] += static_cast<double>(dy[i * columns + j]);
        }
      }
      for (const KernelTable* table : supported_kernels()) {
        for (const int threads : {1, 3}) {
          Operand<T> db({columns});
          run_operator<T>("biasGradient", {}, *table, {&dy}, {&db}, threads);
          EXPECT_EQ(count_wrong(db, want, want, 1, true), 0) << table->name << " " << rows;
        }
      }
    }
  }
}

TYPED_TEST(GemmTest, ReluKeepsNanAndClearsMinusZero) {
  using T = TypeParam;
  Operand<T> x({1, 1});
  Operand<T> weight({3, 1});
  Operand<T> bias({3});
  x[0] = 1;
  weight[0] = static_cast<T>(std::nan(""));
  weight[1] = static_cast<T>(-2);
  weight[2] = std::numeric_limits<T>::infinity();
  Attributes attributes = linear_attributes(0);
  attributes.set("activation", std::string("relu"));
  for (const KernelTable* table : supported_kernels()) {
    Operand<T> y({1, 3});
    run_operator<T>("linear", attributes, *table, {&x, &weight, &bias}, {&y}, 1);
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_EQ(y[1], T{0});
    EXPECT_FALSE(std::signbit(y[1]));
    EXPECT_TRUE(std::isinf(y[2]));
  }
}

TEST(GemmChecks, RefuseWhatDoesNotFit) {
  const KernelTable& table = kernels();
  const auto spec = [](std::vector<std::int64_t> shape, bool batched = false) {
    return TensorSpec{true, DType::float32, std::move(shape), batched};
  };
  const auto refused = [&](const Call& call) { EXPECT_THROW(prepare(call, table), Error); };
  refused({"matmul", {spec({2, 3}), spec({4, 5})}, {spec({2, 5})}, transposes(false, false)});
  refused({"matmul", {spec({2, 3}), spec({3, 5})}, {spec({2, 4})}, transposes(false, false)});
  refused({"matmul", {spec({2, 3}), spec({3, 5})}, {spec({2, 5})}, {}});
  refused({"matmul", {spec({2, 3}, true), spec({3, 5})}, {spec({2, 5})}, transposes(false, false)});
  refused({"matmul", {spec({3, 2}, true), spec({3, 5})}, {spec({2, 5})}, transposes(true, false)});
  refused({"matmul", {spec({2, 3}), spec({5, 3}, true)}, {spec({2, 5})}, transposes(false, true)});
  Attributes linear = linear_attributes(4);
  linear.set("activation", std::string("none"));
  refused({"linear", {spec({2, 6}), spec({3, 6}), {}}, {spec({2, 3})}, linear});
  refused({"biasGradient", {spec({2, 6})}, {spec({5})}, {}});
}

}  // namespace
}  // namespace stridenet
