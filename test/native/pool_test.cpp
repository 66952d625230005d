#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "operator_fixture.h"

namespace stridenet::test {
namespace {

struct PoolCase {
  std::int64_t n, h, w, c, p, q;
  int kernel[2], stride[2], padding[4], dilation[2];
};

constexpr PoolCase kCases[] = {
    {3, 6, 8, 32, 3, 4, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {2, 7, 7, 17, 3, 3, {3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {2, 7, 7, 5, 4, 4, {3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {1, 9, 8, 1, 9, 8, {3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}},
    {2, 9, 10, 16, 3, 2, {3, 2}, {2, 4}, {0, 0, 0, 0}, {2, 3}},
    {2, 5, 5, 3, 3, 3, {2, 2}, {2, 2}, {0, 1, 0, 1}, {1, 1}},      // the last windows run past
    {2, 11, 11, 33, 3, 3, {2, 2}, {4, 4}, {0, 0, 0, 0}, {1, 1}},   // cells that no window covers
    {1, 20, 20, 9, 3, 3, {16, 16}, {2, 2}, {0, 0, 0, 0}, {1, 1}},  // int32 winners
    {2, 6, 6, 19, 4, 4, {2, 2}, {2, 2}, {1, 1, 1, 1}, {1, 1}},
    {2, 8, 9, 40, 3, 4, {2, 2}, {3, 3}, {1, 0, 1, 0}, {1, 1}},
    {1, 12, 12, 35, 4, 4, {3, 3}, {3, 3}, {0, 0, 0, 0}, {1, 1}},
    {1, 9, 40, 4, 1, 2, {2, 17}, {9, 19}, {0, 0, 0, 0}, {1, 1}},
    {2, 8, 12, 6, 2, 3, {4, 4}, {4, 4}, {0, 0, 0, 0}, {1, 1}},
    {2, 9, 23, 70, 4, 11, {2, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
    {1, 7, 30, 6, 3, 10, {3, 3}, {2, 3}, {0, 0, 1, 0}, {1, 1}},
    {0, 4, 4, 3, 2, 2, {2, 2}, {2, 2}, {0, 0, 0, 0}, {1, 1}},
};

Attributes attributes_of_case(const PoolCase& g) {
  const auto pair = [](const int (&v)[2]) {
    return std::vector<double>{double(v[0]), double(v[1])};
  };
  return attributes_of(list("kernelSize", pair(g.kernel)), list("stride", pair(g.stride)),
                       list("dilation", pair(g.dilation)),
                       list("padding", {double(g.padding[0]), double(g.padding[1]),
                                        double(g.padding[2]), double(g.padding[3])}));
}

/// Calls body(place in the window, element of x, element of y) for every real cell, windows and
/// cells in row-major order.
template <class Body>
void for_cells(const PoolCase& g, Body&& body) {
  for (std::int64_t n = 0; n < g.n; ++n)
    for (std::int64_t p = 0; p < g.p; ++p)
      for (std::int64_t q = 0; q < g.q; ++q)
        for (int r = 0; r < g.kernel[0]; ++r)
          for (int s = 0; s < g.kernel[1]; ++s) {
            const std::int64_t h = p * g.stride[0] + r * g.dilation[0] - g.padding[0];
            const std::int64_t w = q * g.stride[1] + s * g.dilation[1] - g.padding[2];
            if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
            for (std::int64_t c = 0; c < g.c; ++c) {
              body(r * g.kernel[1] + s,
                   static_cast<std::size_t>(((n * g.h + h) * g.w + w) * g.c + c),
                   static_cast<std::size_t>(((n * g.p + p) * g.q + q) * g.c + c));
            }
          }
}

TEST(MaxPool, MaxWinnersAndGradientsLikeNaiveLoops) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const PoolCase& g : kCases) {
      SCOPED_TRACE(&g - kCases);
      const bool bytes = g.kernel[0] * g.kernel[1] <= 255;
      // Few values, so that windows tie; some NaN and −0.
      Operand x = Operand::random<T>({g.n, g.h, g.w, g.c}, 3, 1);
      T* cells = x.data<T>();
      for (std::int64_t i = 0; i < x.spec.elements(); ++i) {
        if (i % 23 == 0) cells[i] = std::numeric_limits<T>::quiet_NaN();
        if (i % 7 == 0 && cells[i] == 0) cells[i] = -T{0};
      }
      const std::vector<T> input = x.values<T>();
      std::vector<T> largest(static_cast<std::size_t>(g.n * g.p * g.q * g.c));
      std::vector<int> winner(largest.size(), -1);
      for_cells(g, [&](int place, std::size_t from, std::size_t to) {
        const bool wins = winner[to] < 0 || input[from] > largest[to] ||
                          (std::isnan(input[from]) && !std::isnan(largest[to]));
        if (wins) {
          largest[to] = input[from];
          winner[to] = place;
        }
      });

      const TensorSpec y_spec = spec_of(dtype_of<T>::value, {g.n, g.p, g.q, g.c});
      TensorSpec winners_spec = y_spec;
      winners_spec.dtype = bytes ? DType::uint8 : DType::int32;
      Trial trial{"maxPool2d", attributes_of_case(g), {}, {y_spec, winners_spec}};
      trial.inputs.push_back(std::move(x));
      const auto results = trial.run_on_all_threads(table);
      const auto y = results[0].values<T>();
      if (!y.empty()) {
        ASSERT_EQ(std::memcmp(y.data(), largest.data(), y.size() * sizeof(T)), 0);
      }
      for (std::size_t i = 0; i < winner.size(); ++i) {
        const int got =
            bytes ? results[1].data<std::uint8_t>()[i] : results[1].data<std::int32_t>()[i];
        ASSERT_EQ(got, winner[i]);
      }

      Trial gradient{"maxPool2dGradient", trial.attributes, {}, {trial.inputs[0].spec}};
      gradient.inputs.push_back(Operand::random<T>(y_spec.shape, 9, 2));
      const std::vector<T> dy = gradient.inputs[0].values<T>();
      gradient.inputs.push_back(bytes
                                    ? Operand::of(y_spec.shape, results[1].values<std::uint8_t>())
                                    : Operand::of(y_spec.shape, results[1].values<std::int32_t>()));
      std::vector<T> dx(input.size());
      for_cells(g, [&](int place, std::size_t from, std::size_t to) {
        if (winner[to] == place) dx[from] += dy[to];
      });
      EXPECT_EQ(gradient.run_on_all_threads(table)[0].template values<T>(), dx);

      for (const std::string ties : {"all", "split"}) {
        std::vector<T> equal(largest.size());
        for_cells(g, [&](int, std::size_t from, std::size_t to) {
          equal[to] += input[from] == largest[to] ? T{1} : T{0};
        });
        std::vector<T> tied(input.size());
        for_cells(g, [&](int, std::size_t from, std::size_t to) {
          if (input[from] == largest[to]) tied[from] += ties == "all" ? dy[to] : dy[to] / equal[to];
        });
        Trial tie{"maxPool2dTieGradient", trial.attributes, {}, {trial.inputs[0].spec}};
        tie.attributes.set("ties", ties);
        tie.inputs.push_back(Operand::of<T>(y_spec.shape, dy));
        tie.inputs.push_back(Operand::of<T>(trial.inputs[0].spec.shape, input));
        tie.inputs.push_back(Operand::of<T>(y_spec.shape, y));
        EXPECT_EQ(tie.run_on_all_threads(table)[0].template values<T>(), tied) << ties;
        if (g.kernel[0] * g.kernel[1] > 8) continue;

        std::vector<std::uint8_t> masks(largest.size());
        for_cells(g, [&](int place, std::size_t from, std::size_t to) {
          if (input[from] == largest[to]) {
            masks[to] = static_cast<std::uint8_t>(masks[to] | 1 << place);
          }
        });
        Trial mask{"maxPool2dMask", trial.attributes, {}, {y_spec, winners_spec}};
        mask.inputs.push_back(Operand::of<T>(trial.inputs[0].spec.shape, input));
        EXPECT_EQ(mask.run_on_all_threads(table)[1].template values<std::uint8_t>(), masks);
        Trial masked{"maxPool2dMaskGradient", tie.attributes, {}, tie.outputs};
        masked.inputs.push_back(Operand::of<T>(y_spec.shape, dy));
        masked.inputs.push_back(Operand::of(y_spec.shape, masks));
        EXPECT_EQ(masked.run_on_all_threads(table)[0].template values<T>(), tied) << ties;
      }
    }
  });
}

TEST(MaxPool, GatherIsTheAdjointOfTheGradient) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const PoolCase& g : kCases) {
      SCOPED_TRACE(&g - kCases);
      const int cells = g.kernel[0] * g.kernel[1];
      Trial trial{"maxPool2dGather",
                  attributes_of_case(g),
                  {},
                  {spec_of(dtype_of<T>::value, {g.n, g.p, g.q, g.c})}};
      trial.inputs.push_back(Operand::random<T>({g.n, g.h, g.w, g.c}, 9, 1));
      std::vector<int> winners(static_cast<std::size_t>(g.n * g.p * g.q * g.c));
      for (std::size_t i = 0; i < winners.size(); ++i) winners[i] = static_cast<int>(i * 7) % cells;
      const std::vector<std::int64_t> windows = {g.n, g.p, g.q, g.c};
      if (cells <= 255) {
        trial.inputs.push_back(
            Operand::of(windows, std::vector<std::uint8_t>(winners.begin(), winners.end())));
      } else {
        trial.inputs.push_back(
            Operand::of(windows, std::vector<std::int32_t>(winners.begin(), winners.end())));
      }
      const std::vector<T> x = trial.inputs[0].values<T>();
      std::vector<T> y(winners.size());
      for_cells(g, [&](int place, std::size_t from, std::size_t to) {
        if (winners[to] == place) y[to] = x[from];
      });
      EXPECT_EQ(trial.run_on_all_threads(table)[0].template values<T>(), y);
    }
  });
}

TEST(AveragePool, LikeNaiveLoops) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const PoolCase& g : kCases) {
      if (g.dilation[0] != 1 || g.dilation[1] != 1) continue;
      SCOPED_TRACE(&g - kCases);
      // Sums of multiples of every divisor are exact.
      std::vector<double> cells(static_cast<std::size_t>(g.n * g.p * g.q * g.c));
      for_cells(g, [&](int, std::size_t, std::size_t to) { cells[to] += 1; });
      Trial trial{"avgPool2d",
                  attributes_of_case(g),
                  {},
                  {spec_of(dtype_of<T>::value, {g.n, g.p, g.q, g.c})}};
      trial.attributes.set("countIncludePad", false);
      trial.inputs.push_back(Operand::random<T>({g.n, g.h, g.w, g.c}, 9, 1));
      const std::vector<T> x = trial.inputs[0].values<T>();
      std::vector<double> sums(cells.size());
      for_cells(g, [&](int, std::size_t from, std::size_t to) { sums[to] += x[from]; });
      const std::vector<T> y = trial.run_on_all_threads(table)[0].template values<T>();
      for (std::size_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(y[i], static_cast<T>(sums[i] / cells[i])) << i;
      }

      Trial gradient{"avgPool2dGradient", trial.attributes, {}, {trial.inputs[0].spec}};
      gradient.inputs.push_back(Operand::random<T>({g.n, g.p, g.q, g.c}, 9, 2));
      const std::vector<T> dy = gradient.inputs[0].values<T>();
      std::vector<double> dx(x.size());
      for_cells(g, [&](int, std::size_t from, std::size_t to) { dx[from] += dy[to] / cells[to]; });
      const std::vector<T> got = gradient.run_on_all_threads(table)[0].template values<T>();
      for (std::size_t i = 0; i < dx.size(); ++i) {
        ASSERT_NEAR(got[i], dx[i], 9 * 64 * std::numeric_limits<T>::epsilon()) << i;
      }
    }
  });
}

TEST(AveragePool, WindowsWithoutARealCellAreRefused) {
  const auto code = [](const char* name, std::int64_t h, std::int64_t p, double kernel,
                       double before, double after) {
    const Attributes attributes =
        attributes_of(list("kernelSize", {kernel, 1}), list("stride", {2, 1}),
                      list("padding", {before, after, 0, 0}), std::pair{"countIncludePad", true});
    const TensorSpec x = spec_of(DType::float32, {1, h, 1, 1});
    const TensorSpec y = spec_of(DType::float32, {1, p, 1, 1});
    return code_of([&] { prepare(Call{name, {x}, {y}, attributes}, kernels()); });
  };
  EXPECT_EQ(code("avgPool2d", 4, 2, 2, 0, 0), "");
  EXPECT_EQ(code("avgPool2d", 4, 3, 2, 0, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("avgPool2d", 4, 3, 2, 0, 2), "ERR_PROGRAM");
  EXPECT_EQ(code("avgPool2d", 4, 1, 2, 2, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("avgPool2d", 0, 1, 2, 1, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("avgPool2d", 4, 2, 0, 0, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("avgPool2d", (1 << 22) + 2, 1, 2, 0, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("adaptiveAvgPool2d", 4, 7, 2, 0, 0), "");
  EXPECT_EQ(code("adaptiveAvgPool2d", 0, 1, 2, 0, 0), "ERR_PROGRAM");
  EXPECT_EQ(code("adaptiveAvgPool2d", 4, (1 << 22) + 1, 2, 0, 0), "ERR_PROGRAM");
}

TEST(MaxPool, WinnersOutOfRangeAreRefused) {
  Trial trial{"maxPool2dGradient",
              attributes_of_case(kCases[0]),
              {},
              {spec_of(DType::float32, {3, 6, 8, 32})}};
  trial.inputs.push_back(Operand::random<float>({3, 3, 4, 32}, 9, 1));
  trial.inputs.push_back(
      Operand::of<std::uint8_t>({3, 3, 4, 32}, std::vector<std::uint8_t>(3 * 3 * 4 * 32, 3)));
  EXPECT_EQ(code_of([&] { trial.run(kernels(), 2); }), "");
  trial.inputs[1].data<std::uint8_t>()[700] = 4;
  EXPECT_EQ(code_of([&] { trial.run(kernels(), 2); }), "ERR_ARGUMENT");
  trial.inputs[1] = Operand::random<std::int32_t>({3, 3, 4, 32}, 0, 1);
  EXPECT_EQ(code_of([&] { trial.run(kernels(), 2); }), "ERR_DTYPE");
}

TEST(MaxPool, GradientsAcceptWhatTheForwardAccepts) {
  const auto expect_code = [](std::int64_t h, std::int64_t p, double kernel, double stride,
                              const char* wanted) {
    const Attributes attributes = attributes_of(
        list("kernelSize", {kernel, 1}), list("stride", {stride, 1}), list("dilation", {1, 1}),
        list("padding", {0, 0, 0, 0}), std::pair{"ties", std::string("all")});
    const TensorSpec x = spec_of(DType::float32, {1, h, 1, 1});
    const TensorSpec y = spec_of(DType::float32, {1, p, 1, 1});
    const TensorSpec winners = spec_of(kernel <= 255 ? DType::uint8 : DType::int32, {1, p, 1, 1});
    for (const Call& call : {Call{"maxPool2d", {x}, {y, winners}, attributes},
                             Call{"maxPool2dGradient", {y, winners}, {x}, attributes},
                             Call{"maxPool2dTieGradient", {y, x, y}, {x}, attributes}}) {
      EXPECT_EQ(code_of([&] { prepare(call, kernels()); }), wanted) << call.name << " over " << h;
    }
  };
  const std::int64_t most = std::int64_t{1} << 22;
  expect_code(most, most / 2, 2, 2, "");
  expect_code(most + 2, most / 2 + 1, 2, 2, "ERR_PROGRAM");
  expect_code(5000, 1, 4194304, 1, "");
  expect_code(5000, 1, 4194305, 1, "ERR_PROGRAM");
  expect_code(5000, 2001, 3000, 1, "ERR_PROGRAM");
}

TEST(MaxPool, WindowsWithoutARealCellAreRefused) {
  const auto code = [](std::int64_t h, std::int64_t p, double kernel, double stride, double before,
                       double dilation) {
    Trial trial{"maxPool2d",
                attributes_of(list("kernelSize", {kernel, 1}), list("stride", {stride, 1}),
                              list("dilation", {dilation, 1}), list("padding", {before, 0, 0, 0})),
                {},
                {spec_of(DType::float32, {1, p, 1, 1}), TensorSpec{}}};
    trial.inputs.push_back(Operand::random<float>({1, h, 1, 1}, 9, 1));
    return code_of([&] { prepare(trial.call(), kernels()); });
  };
  EXPECT_EQ(code(4, 2, 2, 2, 0, 1), "");
  EXPECT_EQ(code(4, 3, 2, 2, 0, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 1, 2, 2, 2, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(2, 1, 2, 1, 1, 3), "ERR_PROGRAM");  // before the first row and after the last
  EXPECT_EQ(code(0, 1, 2, 1, 1, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 2, 2, 0, 0, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 2, 0, 2, 0, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 2, 1.5, 2, 0, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 2, std::nan(""), 2, 0, 1), "ERR_PROGRAM");
  EXPECT_EQ(code(4, 2, 2, 2, -1, 1), "ERR_PROGRAM");
}

}  // namespace
}  // namespace stridenet::test
