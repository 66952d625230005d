#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/thread_pool.h"
#include "operands.h"

namespace stridenet::testing_support {

struct Shape {
  std::int64_t n = 1, c = 1, h = 1, w = 1, k = 1, r = 1, s = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;
  bool flipped = false;

  std::int64_t p() const { return (h + top + bottom - dilation_h * (r - 1) - 1) / stride_h + 1; }
  std::int64_t q() const { return (w + left + right - dilation_w * (s - 1) - 1) / stride_w + 1; }
  bool fits() const {
    return h + top + bottom > dilation_h * (r - 1) && w + left + right > dilation_w * (s - 1);
  }
  Attributes attributes() const {
    const auto list = [](std::vector<std::int64_t> values) {
      return std::vector<double>(values.begin(), values.end());
    };
    Attributes result;
    result.set("stride", list({stride_h, stride_w}));
    result.set("padding", list({top, bottom, left, right}));
    result.set("dilation", list({dilation_h, dilation_w}));
    result.set("groups", static_cast<double>(groups));
    result.set("flipKernel", flipped);
    return result;
  }
};

inline std::ostream& operator<<(std::ostream& out, const Shape& x) {
  return out << "n=" << x.n << " c=" << x.c << " h=" << x.h << " w=" << x.w << " k=" << x.k
             << " r=" << x.r << " s=" << x.s << " stride=" << x.stride_h << "," << x.stride_w
             << " padding=" << x.top << "," << x.bottom << "," << x.left << "," << x.right
             << " dilation=" << x.dilation_h << "," << x.dilation_w << " groups=" << x.groups
             << " flipped=" << x.flipped;
}

/// Calls visit(index of x, of weight, of y) for every product of the convolution.
template <class Visit>
void for_each_product(const Shape& t, Visit visit) {
  const std::int64_t cg = t.c / t.groups;
  const std::int64_t kg = t.k / t.groups;
  for (std::int64_t n = 0; n < t.n; ++n) {
    for (std::int64_t p = 0; p < t.p(); ++p) {
      for (std::int64_t q = 0; q < t.q(); ++q) {
        for (std::int64_t k = 0; k < t.k; ++k) {
          for (std::int64_t r = 0; r < t.r; ++r) {
            const std::int64_t h = p * t.stride_h + r * t.dilation_h - t.top;
            if (h < 0 || h >= t.h) continue;
            for (std::int64_t s = 0; s < t.s; ++s) {
              const std::int64_t w = q * t.stride_w + s * t.dilation_w - t.left;
              if (w < 0 || w >= t.w) continue;
              for (std::int64_t c = 0; c < cg; ++c) {
                const std::int64_t x = ((n * t.h + h) * t.w + w) * t.c + k / kg * cg + c;
                const std::int64_t row = t.flipped ? t.r - 1 - r : r;
                const std::int64_t column = t.flipped ? t.s - 1 - s : s;
                const std::int64_t weight = ((k * cg + c) * t.r + row) * t.s + column;
                visit(x, weight, ((n * t.p() + p) * t.q() + q) * t.k + k);
              }
            }
          }
        }
      }
    }
  }
}

template <class T>
void check_conv2d(std::mt19937& random, const Shape& t, int range) {
  Operand<T> x({t.n, t.h, t.w, t.c});
  Operand<T> weight({t.k, t.c / t.groups, t.r, t.s});
  Operand<T> bias({t.k});
  Operand<T> dy({t.n, t.p(), t.q(), t.k});
  for (Operand<T>* operand : {&x, &weight, &bias, &dy}) operand->fill(random, range);
  Operand<double> want_y(dy.shape), want_dx(x.shape), want_dw(weight.shape);
  Operand<double> size_y(dy.shape), size_dx(x.shape), size_dw(weight.shape);
  const auto add = [](double product, double& want, double& size) {
    want += product;
    size += std::fabs(product);
  };
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(want_y.values.size()); ++i) {
    add(static_cast<double>(bias[i % t.k]), want_y[i], size_y[i]);
  }
  for_each_product(t, [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) {
    const auto real = [](T value) { return static_cast<double>(value); };
    add(real(x[ix]) * real(weight[iw]), want_y[iy], size_y[iy]);
    add(real(dy[iy]) * real(weight[iw]), want_dx[ix], size_dx[ix]);
    add(real(x[ix]) * real(dy[iy]), want_dw[iw], size_dw[iw]);
  });
  for (double& value : want_y.values) value = value > 0 ? value : 0;

  Attributes forward = t.attributes();
  forward.set("activation", std::string("relu"));
  const bool exact = range > 0;
  const double y_terms = static_cast<double>(t.c / t.groups * t.r * t.s + 1);
  const double dx_terms = static_cast<double>(t.k / t.groups * t.r * t.s);
  const double dw_terms = static_cast<double>(t.n * t.p() * t.q());
  for (const KernelTable* table : supported_kernels()) {
    SCOPED_TRACE(testing::Message() << table->name << " " << t);
    Operand<T> y1(dy.shape), dx1(x.shape), dw1(weight.shape);
    for (const int threads : kThreadCounts) {
      ThreadPool::instance().set_threads(threads);
      Operand<T> y(dy.shape), dx(x.shape), dw(weight.shape);
      run_operator<T>("conv2d", forward, *table, {&x, &weight, &bias}, {&y}, threads);
      run_operator<T>("conv2dInputGradient", t.attributes(), *table, {&dy, &weight}, {&dx},
                      threads);
      run_operator<T>("conv2dFilterGradient", t.attributes(), *table, {&x, &dy}, {&dw}, threads);
      if (threads == 1) {
        y1 = y;
        dx1 = dx;
        dw1 = dw;
      }
      EXPECT_TRUE(y.values == y1.values && dx.values == dx1.values && dw.values == dw1.values)
          << threads << " threads";
    }
    EXPECT_EQ(count_wrong(y1, want_y, size_y, y_terms, exact), 0) << "y";
    EXPECT_EQ(count_wrong(dx1, want_dx, size_dx, dx_terms, exact), 0) << "dx";
    EXPECT_EQ(count_wrong(dw1, want_dw, size_dw, dw_terms, exact), 0) << "dw";
  }
}

inline Shape square(std::int64_t n, std::int64_t c, std::int64_t size, std::int64_t k,
                    std::int64_t r, std::int64_t stride, std::int64_t padding) {
  Shape t;
  t.n = n;
  t.c = c;
  t.h = t.w = size;
  t.k = k;
  t.r = t.s = r;
  t.stride_h = t.stride_w = stride;
  t.top = t.bottom = t.left = t.right = padding;
  return t;
}

}  // namespace stridenet::testing_support
