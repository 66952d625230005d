#include <gtest/gtest.h>

#include "conv2d_fixture.h"
#include "core/error.h"

namespace stridenet {
namespace {

using testing_support::check_conv2d;
using testing_support::count_wrong;
using testing_support::Operand;
using testing_support::run_operator;
using testing_support::Shape;
using testing_support::square;

template <class T>
class Conv2dTest : public testing::Test {
 protected:
  void SetUp() override { before_ = ThreadPool::instance().threads(); }
  void TearDown() override { ThreadPool::instance().set_threads(before_); }
  std::mt19937 random_{42};

 private:
  int before_ = 1;
};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(Conv2dTest, Elements);

TYPED_TEST(Conv2dTest, UsualShapes) {
  check_conv2d<TypeParam>(this->random_, square(3, 1, 28, 32, 3, 1, 0), 16);
  check_conv2d<TypeParam>(this->random_, square(2, 1, 28, 6, 5, 1, 2), 16);
  check_conv2d<TypeParam>(this->random_, square(2, 3, 17, 20, 7, 2, 3), 16);
  check_conv2d<TypeParam>(this->random_, square(1, 32, 9, 40, 3, 1, 1), 16);
  check_conv2d<TypeParam>(this->random_, square(2, 64, 7, 33, 3, 2, 1), 16);
  check_conv2d<TypeParam>(this->random_, square(2, 24, 6, 64, 1, 1, 0), 16);
  check_conv2d<TypeParam>(this->random_, square(1, 24, 7, 17, 1, 2, 0), 16);
  check_conv2d<TypeParam>(this->random_, square(1, 2, 30, 5, 11, 4, 2), 16);
}

Shape grouped(Shape shape, std::int64_t groups) {
  shape.groups = groups;
  return shape;
}

TYPED_TEST(Conv2dTest, GroupsOfFewChannels) {
  for (const std::int64_t channels : {3, 16, 19, 32, 70}) {
    for (const std::int64_t stride : {1, 2, 4}) {
      const Shape depthwise = square(2, channels, 8, channels, 3, stride, 1);
      check_conv2d<TypeParam>(this->random_, grouped(depthwise, channels), 16);
    }
    const Shape twice = square(2, channels, 6, 2 * channels, 2, 1, 1);
    check_conv2d<TypeParam>(this->random_, grouped(twice, channels), 16);
  }
  for (const std::int64_t width : {2, 3, 4, 5, 8}) {
    for (const std::int64_t groups : {2, 8, 17}) {
      const Shape equal = square(1, width * groups, 6, width * groups, 3, 1, 1);
      check_conv2d<TypeParam>(this->random_, grouped(equal, groups), 16);
    }
    const Shape unequal = square(1, width * 6, 7, 3 * 6, 3, 2, 2);
    check_conv2d<TypeParam>(this->random_, grouped(unequal, 6), 16);
  }
  check_conv2d<TypeParam>(this->random_, grouped(square(0, 5, 6, 5, 3, 1, 1), 5), 16);
  check_conv2d<TypeParam>(this->random_, grouped(square(3, 20, 30, 20, 5, 1, 2), 20), 0);
  check_conv2d<TypeParam>(this->random_, grouped(square(3, 24, 30, 24, 3, 1, 1), 6), 0);
}

TYPED_TEST(Conv2dTest, DepthwiseTilesOfRowsAndColumns) {
  for (const std::int64_t size : {1, 2, 3, 5, 7}) {
    for (const std::int64_t stride : {1, 2, 3}) {
      for (const std::int64_t channels : {5, 16, 35}) {
        Shape t = grouped(square(2, channels, 16, channels, size, stride, size / 2), channels);
        t.w = 17 + channels;
        t.bottom = 0;
        t.left = size - 1;
        t.flipped = channels == 35;
        check_conv2d<TypeParam>(this->random_, t, 16);
        t.dilation_h = 2;
        t.w = 14;
        check_conv2d<TypeParam>(this->random_, t, 16);
      }
    }
  }
  check_conv2d<TypeParam>(this->random_, grouped(square(3, 24, 33, 24, 3, 1, 1), 24), 0);
}

TYPED_TEST(Conv2dTest, PixelsThatAreRowsOfAMatrix) {
  // Rows that are read where they lie, and rows that compete for a cache; more than one block of
  // the depth; outputs smaller than the image, of which every pixel is a row only in the gradient.
  for (const std::int64_t channels : {17, 48, 272, 512, 700}) {
    check_conv2d<TypeParam>(this->random_, square(3, channels, 5, 40, 1, 1, 0), 4);
    check_conv2d<TypeParam>(this->random_, square(3, 40, 5, channels, 1, 1, 0), 4);
    check_conv2d<TypeParam>(this->random_, square(2, 40, 6, channels, 1, 2, 0), 4);
    Shape cut = square(2, channels, 5, 40, 1, 1, 0);
    cut.right = 1;
    cut.stride_w = 2;
    check_conv2d<TypeParam>(this->random_, cut, 4);
  }
  check_conv2d<TypeParam>(this->random_, grouped(square(2, 96, 7, 144, 1, 1, 0), 2), 16);
  check_conv2d<TypeParam>(this->random_, square(2, 48, 7, 40, 1, 1, 1), 16);
}

TYPED_TEST(Conv2dTest, FewOutputChannels) {
  for (const std::int64_t few : {1, 2, 3, 4, 5}) {
    for (const std::int64_t many : {7, 8, 16, 37}) {
      check_conv2d<TypeParam>(this->random_, square(2, many, 7, few, 3, 1, 1), 16);
      check_conv2d<TypeParam>(this->random_, square(2, few, 9, many, 4, 2, 2), 16);
    }
  }
  check_conv2d<TypeParam>(this->random_, square(2, 40, 10, 2, 3, 1, 1), 0);
}

TYPED_TEST(Conv2dTest, PlanesInStripsAndGroups) {
  check_conv2d<TypeParam>(this->random_, square(1, 40, 64, 3, 3, 1, 1), 4);
  check_conv2d<TypeParam>(this->random_, square(1, 3, 70, 40, 3, 2, 1), 4);
  check_conv2d<TypeParam>(this->random_, square(3, 3, 90, 7, 5, 1, 2), 4);
  check_conv2d<TypeParam>(this->random_, square(5, 8, 20, 8, 3, 1, 1), 0);
  // Planes in several blocks at once.
  check_conv2d<TypeParam>(this->random_, square(1, 9, 20, 5, 9, 1, 4), 4);
  Shape wide = square(1, 2, 6, 3, 2, 1, 1);
  wide.w = 210;
  wide.dilation_w = wide.left = wide.right = 200;
  check_conv2d<TypeParam>(this->random_, wide, 16);
  for (std::int64_t channels = 1; channels <= 8; ++channels) {
    check_conv2d<TypeParam>(this->random_, square(2, channels, 21, 9 - channels, 3, 1, 1), 16);
  }
}

TYPED_TEST(Conv2dTest, StridesBeyondTheFilterAndPaddingBeyondIt) {
  check_conv2d<TypeParam>(this->random_, square(2, 3, 13, 5, 2, 5, 0), 16);
  check_conv2d<TypeParam>(this->random_, square(1, 2, 3, 4, 2, 1, 6), 16);
  check_conv2d<TypeParam>(this->random_, square(1, 2, 1, 4, 3, 7, 4), 16);
}

TYPED_TEST(Conv2dTest, FilterGradientsOfStrips) {
  // Whole images and chunks of them, blocks of the filters, pieces of a row, and a row that is
  // too long to be packed.
  check_conv2d<TypeParam>(this->random_, square(45, 16, 7, 10, 3, 1, 1), 4);
  check_conv2d<TypeParam>(this->random_, square(1, 160, 3, 96, 3, 1, 1), 8);
  // Few channels, and few filters.
  check_conv2d<TypeParam>(this->random_, square(5, 6, 14, 16, 5, 1, 0), 4);
  check_conv2d<TypeParam>(this->random_, square(5, 20, 14, 1, 3, 1, 1), 4);
  Shape wide = square(2, 9, 3, 10, 3, 1, 1);
  wide.w = 600;
  check_conv2d<TypeParam>(this->random_, wide, 8);
  wide.stride_w = 2;
  check_conv2d<TypeParam>(this->random_, wide, 8);
  Shape far = square(1, 32, 1, 32, 1, 1, 0);
  far.w = 40000;
  far.s = 2;
  far.dilation_w = 39900;
  check_conv2d<TypeParam>(this->random_, far, 8);
}

TYPED_TEST(Conv2dTest, NoChannelsAndNoFilters) {
  for (const std::int64_t size : {5, 40}) {
    check_conv2d<TypeParam>(this->random_, square(2, 0, size, 3, 3, 1, 1), 0);
    for (const std::int64_t channels : {3, 4, 24}) {
      check_conv2d<TypeParam>(this->random_, square(2, channels, size, 0, 3, 1, 1), 0);
    }
  }
}

TYPED_TEST(Conv2dTest, EmptyBatch) {
  check_conv2d<TypeParam>(this->random_, square(0, 3, 8, 4, 3, 1, 1), 16);
}

TYPED_TEST(Conv2dTest, IsWithinTheErrorBound) {
  check_conv2d<TypeParam>(this->random_, square(2, 40, 10, 24, 3, 1, 1), 0);
  check_conv2d<TypeParam>(this->random_, square(16, 1, 20, 8, 3, 1, 1), 0);
}

TYPED_TEST(Conv2dTest, ALargeResultIsWrittenPastTheCaches) {
  using T = TypeParam;
  const Shape t = square(1, 1, 520, 32, 1, 1, 0);
  Operand<T> x({1, t.h, t.w, 1});
  Operand<T> weight({t.k, 1, 1, 1});
  Operand<T> bias({t.k});
  for (Operand<T>* operand : {&x, &weight, &bias}) operand->fill(this->random_, 32);
  Attributes attributes = t.attributes();
  attributes.set("activation", std::string("relu"));
  for (const KernelTable* table : supported_kernels()) {
    Operand<T> y({1, t.h, t.w, t.k});
    ASSERT_GE(y.values.size() * sizeof(T), std::size_t{32} << 20);
    run_operator<T>("conv2d", attributes, *table, {&x, &weight, &bias}, {&y}, 2);
    int wrong = 0;
    for (std::int64_t i = 0; i < t.h * t.w * t.k; ++i) {
      const T sum = x[i / t.k] * weight[i % t.k] + bias[i % t.k];
      if (y[i] != (sum > 0 ? sum : 0)) ++wrong;
    }
    EXPECT_EQ(wrong, 0) << table->name;
  }
}

TYPED_TEST(Conv2dTest, LargeDepthwiseTensorsPassTheCaches) {
  using T = TypeParam;
  const Shape t = grouped(square(1, 16, 520, 16, 3, 1, 1), 16);
  Operand<T> x({1, t.h, t.w, t.c});
  Operand<T> weight({t.k, 1, t.r, t.s});
  Operand<T> no_bias({t.k});
  Attributes attributes = t.attributes();
  attributes.set("activation", std::string("none"));
  x.fill(this->random_, 8);
  std::fill(no_bias.values.begin(), no_bias.values.end(), T{0});
  weight.fill(this->random_, 8);
  for (const KernelTable* table : supported_kernels()) {
    Operand<T> y(x.shape), dx(x.shape), dw(weight.shape);
    ASSERT_GE(y.values.size() * sizeof(T), std::size_t{16} << 20);
    run_operator<T>("conv2d", attributes, *table, {&x, &weight, &no_bias}, {&y}, 2);
    run_operator<T>("conv2dInputGradient", t.attributes(), *table, {&x, &weight}, {&dx}, 2);
    run_operator<T>("conv2dFilterGradient", t.attributes(), *table, {&x, &x}, {&dw}, 2);
    std::vector<T> want_y(y.values.size()), want_dx(want_y.size()), want_dw(dw.values.size());
    for_each_product(t, [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) {
      want_y[static_cast<std::size_t>(iy)] += x[ix] * weight[iw];
      want_dx[static_cast<std::size_t>(ix)] += x[iy] * weight[iw];
      want_dw[static_cast<std::size_t>(iw)] += x[ix] * x[iy];
    });
    EXPECT_TRUE(std::equal(want_y.begin(), want_y.end(), y.values.begin())) << table->name;
    EXPECT_TRUE(std::equal(want_dx.begin(), want_dx.end(), dx.values.begin())) << table->name;
    EXPECT_TRUE(std::equal(want_dw.begin(), want_dw.end(), dw.values.begin())) << table->name;
  }
}

TYPED_TEST(Conv2dTest, RandomShapes) {
  const auto pick = [&](int low, int high) {
    return static_cast<std::int64_t>(std::uniform_int_distribution<int>(low, high)(this->random_));
  };
  int tried = 0;
  while (tried < 60) {
    Shape t;
    t.groups = pick(0, 2) == 0 ? pick(1, 3) : 1;
    t.n = pick(1, 3);
    t.c = t.groups * pick(1, 20);
    t.k = t.groups * pick(1, 36);
    t.h = pick(1, 12);
    t.w = pick(1, 12);
    t.r = pick(1, 4);
    t.s = pick(1, 4);
    t.stride_h = pick(1, 4);
    t.stride_w = pick(1, 4);
    t.dilation_h = pick(1, 3);
    t.dilation_w = pick(1, 3);
    t.top = pick(0, 4);
    t.bottom = pick(0, 4);
    t.left = pick(0, 4);
    t.right = pick(0, 4);
    t.flipped = pick(0, 1) == 1;
    if (!t.fits()) continue;
    ++tried;
    check_conv2d<TypeParam>(this->random_, t, 16);
  }
}

TEST(Conv2dChecks, RefuseWhatDoesNotFit) {
  const Shape good = square(2, 4, 6, 8, 3, 1, 1);
  const auto spec = [](std::vector<std::int64_t> shape) {
    return TensorSpec{true, DType::float32, std::move(shape), false};
  };
  const auto call = [&](const char* name, double value, std::vector<double> list,
                        std::vector<std::int64_t> y) {
    Attributes attributes = good.attributes();
    attributes.set("activation", std::string("none"));
    if (list.empty()) {
      attributes.set(name, value);
    } else {
      attributes.set(name, list);
    }
    return Call{"conv2d", {spec({2, 6, 6, 4}), spec({8, 4, 3, 3}), {}}, {spec(y)}, attributes};
  };
  const std::vector<std::int64_t> y = {2, 6, 6, 8};
  EXPECT_NO_THROW(prepare(call("stride", 0, {1, 1}, y), kernels()));
  EXPECT_THROW(prepare(call("stride", 0, {1, 1}, {2, 6, 6, 9}), kernels()), Error);
  EXPECT_THROW(prepare(call("stride", 0, {1, 1}, {2, 7, 6, 8}), kernels()), Error);
  EXPECT_THROW(prepare(call("stride", 0, {0, 1}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("stride", 0, {1.5, 1}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("stride", 1, {}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("padding", 0, {-1, 1, 1, 1}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("dilation", 0, {1e18, 1}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("groups", 3, {}, y), kernels()), Error);
  EXPECT_THROW(prepare(call("groups", 2, {}, y), kernels()), Error);
}

}  // namespace
}  // namespace stridenet
