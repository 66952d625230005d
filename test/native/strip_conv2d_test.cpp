#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "core/thread_pool.h"
#include "operands.h"
#include "ops/conv2d_patches.h"
#include "ops/strip_conv2d.h"

namespace stridenet {
namespace {

using testing_support::Operand;

// The packed product, which strips are compared with, has three; see kThreadCounts.
#ifdef STRIDENET_SLOW_TESTS
constexpr int kStripThreads[] = {3};
#else
constexpr int kStripThreads[] = {1, 3};
#endif

/// The product of `x` and a random B, with bias, residual and activation, from strips and from
/// packed patches; returns whether strips take such a shape.
template <class T>
bool compare(std::mt19937& random, const Kernels<T>& kernels, const Convolution& conv) {
  Operand<T> image({conv.n, conv.h, conv.w, conv.c});
  image.fill(random, 0);
  const std::int64_t group = conv.groups - 1;
  const Patches<T> patches = input_patches<T>(conv, image.values.data(), conv.n, group);
  if (!suits_strips(kernels, patches, conv.k)) return false;
  Operand<T> b({packed_b_elements<T>(kernels.tile, conv.patch(), conv.k)});
  Operand<T> bias({conv.k}), residual({conv.n, conv.p, conv.q, conv.k});
  for (Operand<T>* operand : {&b, &bias, &residual}) operand->fill(random, 0);
  Operand<T> packed(residual.shape), strips(residual.shape);
  const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
    kernels.pack_patch_rows(patches, {range.first, range.count, range.k, range.depth}, to);
  };
  const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
    row_starts(conv.k, first, count, to);
  };
  Gemm<T> problem = {.rows = conv.n * conv.p * conv.q,
                     .columns = conv.k,
                     .depth = conv.patch(),
                     .depth_major = false,
                     .pack_a = pack,
                     .b = b.values.data(),
                     .c = packed.values.data(),
                     .row_offsets = offsets,
                     .bias = bias.values.data(),
                     .activation = Activation::relu6,
                     .residual = residual.values.data()};
  gemm({{}, {}, nullptr, 3}, kernels, problem);
  problem.c = strips.values.data();
  for (const int threads : kStripThreads) {
    std::fill(strips.values.begin(), strips.values.end(), std::numeric_limits<T>::quiet_NaN());
    strip_gemm({{}, {}, nullptr, threads}, kernels, problem, patches, conv.n);
    const std::size_t bytes = packed.values.size() * sizeof(T);
    EXPECT_TRUE(bytes == 0 || std::memcmp(strips.values.data(), packed.values.data(), bytes) == 0)
        << "n=" << conv.n << " h=" << conv.h << " w=" << conv.w << " c=" << conv.c
        << " k=" << conv.k << " r=" << conv.r << " s=" << conv.s << " stride=" << conv.stride_h
        << "," << conv.stride_w << " dilation=" << conv.dilation_h << "," << conv.dilation_w
        << " padding=" << conv.top << "," << conv.left << " p=" << conv.p << " q=" << conv.q
        << " groups=" << conv.groups << ", " << threads << " threads";
  }
  return true;
}

template <class T>
class StripConv2dTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = ThreadPool::instance().threads();
    ThreadPool::instance().set_threads(3);
  }
  void TearDown() override { ThreadPool::instance().set_threads(before_); }

  /// Runs on every table, and returns how many take strips.
  int compare_all(const Convolution& conv) {
    int count = 0;
    for (const KernelTable* table : supported_kernels()) {
      SCOPED_TRACE(table->name);
      if (compare<T>(random_, table->of<T>(), conv)) ++count;
    }
    return count;
  }
  std::int64_t pick(int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  }
  std::mt19937 random_{7};

 private:
  int before_ = 1;
};
using Elements = testing::Types<float, double>;
TYPED_TEST_SUITE(StripConv2dTest, Elements);

/// With C = K = `channels`.
Convolution square(std::int64_t n, std::int64_t channels, std::int64_t size, std::int64_t taps,
                   std::int64_t stride, std::int64_t padding) {
  Convolution conv = {};
  conv.n = n;
  conv.c = conv.k = channels;
  conv.h = conv.w = size;
  conv.r = conv.s = taps;
  conv.p = conv.q = (size + 2 * padding - taps) / stride + 1;
  conv.stride_h = conv.stride_w = stride;
  conv.top = conv.bottom = conv.left = conv.right = padding;
  conv.dilation_h = conv.dilation_w = conv.groups = 1;
  return conv;
}

TYPED_TEST(StripConv2dTest, BlocksOfTheDepthAndOfColumns) {
  // Whole images, pairs of narrow rows and a last one alone, and columns that are shared out.
  for (const std::int64_t size : {2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 29}) {
    this->compare_all(square(3, 70, size, 3, 1, 1));
  }
  EXPECT_GT(this->compare_all(square(3, 70, 14, 3, 1, 1)), 0);
  EXPECT_GT(this->compare_all(square(5, 200, 14, 3, 1, 1)), 0);
  EXPECT_GT(this->compare_all(square(1, 300, 14, 3, 1, 1)), 0);
  EXPECT_GT(this->compare_all(square(2, 48, 27, 5, 1, 2)), 0);
  EXPECT_GT(this->compare_all(square(2, 40, 56, 3, 2, 1)), 0);
}

TYPED_TEST(StripConv2dTest, WhatDoesNotFitIsPacked) {
  EXPECT_EQ(this->compare_all(square(1, 3, 14, 3, 1, 1)), 0) << "short runs";
  EXPECT_EQ(this->compare_all(square(1, 512, 14, 3, 1, 1)), 0) << "pixels that share a cache set";
  EXPECT_EQ(this->compare_all(square(1, 32, 28, 1, 2, 0)), 0) << "patches apart";
  Convolution wide = square(1, 16, 14, 3, 1, 1);
  wide.w = wide.q = 20000;
  EXPECT_EQ(this->compare_all(wide), 0) << "long rows";
  EXPECT_EQ(this->compare_all(square(0, 0, 14, 3, 1, 1)), 0);
  this->compare_all(square(0, 32, 14, 3, 1, 1));
}

TYPED_TEST(StripConv2dTest, RandomShapes) {
  int taken = 0;
  for (int tries = 0; tries < 2000 && taken < 150; ++tries) {
    Convolution conv = {};
    conv.groups = this->pick(0, 2) == 0 ? this->pick(2, 3) : 1;
    conv.n = this->pick(0, 3);
    conv.c = conv.groups * this->pick(1, 70);
    conv.k = this->pick(1, 70);
    conv.h = this->pick(1, 20);
    conv.w = this->pick(1, 40);
    conv.r = this->pick(1, 5);
    conv.s = this->pick(1, 5);
    conv.stride_h = this->pick(1, 3);
    conv.stride_w = this->pick(1, 3);
    conv.dilation_h = this->pick(1, 2);
    conv.dilation_w = this->pick(1, 2);
    conv.top = this->pick(0, 6);
    conv.left = this->pick(0, 6);
    const std::int64_t bottom = this->pick(0, 6);
    const std::int64_t right = this->pick(0, 6);
    conv.p = conv.h + conv.top + bottom - conv.dilation_h * (conv.r - 1) - 1;
    conv.q = conv.w + conv.left + right - conv.dilation_w * (conv.s - 1) - 1;
    if (conv.p < 0 || conv.q < 0) continue;
    conv.p = conv.p / conv.stride_h + 1;
    conv.q = conv.q / conv.stride_w + 1;
    taken += this->compare_all(conv);
  }
  EXPECT_GE(taken, 150);
}

}  // namespace
}  // namespace stridenet
