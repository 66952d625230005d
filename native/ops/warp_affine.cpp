#include <algorithm>
#include <cmath>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// Cells are counted in float64 on the way, exactly.
constexpr std::int64_t kMostPixels = std::int64_t{1} << 40;

/// What all samples share: images (height, width, channels), and how they are read.
struct Warp {
  std::int64_t height, width, channels;
  bool bilinear;
  double fill;

  std::int64_t row_elements() const { return width * channels; }
  std::int64_t elements() const { return height * width * channels; }
};

/// Pixels from column `first` on, at most a block, of row `row` by matrix number `sample`.
WarpPlaces places_of(const Warp& warp, const TensorView& matrices, std::int64_t sample,
                     std::int64_t row, std::int64_t first) {
  double m[6];
  for (int k = 0; k < 6; ++k) {
    m[k] = matrices.dtype == DType::float32
               ? static_cast<double>(matrices.as<float>()[6 * sample + k])
               : matrices.as<double>()[6 * sample + k];
  }
  const auto p = static_cast<double>(row);
  WarpPlaces places{};
  places.row_start = m[0] * p + m[2];
  places.row_step = m[1];
  places.column_start = m[3] * p + m[5];
  places.column_step = m[4];
  places.first = first;
  places.count = std::min(kWarpBlock, warp.width - first);
  places.height = warp.height;
  places.width = warp.width;
  places.bilinear = warp.bilinear;
  return places;
}

template <class T>
class WarpAffine : public Instruction {
 public:
  WarpAffine(const Kernels<T>& kernels, const Warp& warp)
      : kernels_(kernels), warp_(warp), fill_(static_cast<T>(warp.fill)) {}

  void run(const Run& run) const override {
    if (run.inputs[0].elements() == 0) return;
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    const std::int64_t rows = run.inputs[0].shape[0] * warp_.height;
    for_pieces(run, rows, rows_of_grain(2 * warp_.row_elements()),
               [&](std::int64_t begin, std::int64_t end) {
                 WarpTaps<T> taps;
                 for (std::int64_t row = begin; row < end; ++row) {
                   const std::int64_t sample = row / warp_.height;
                   const T* image = x + sample * warp_.elements();
                   T* to = y + row * warp_.row_elements();
                   for (std::int64_t first = 0; first < warp_.width; first += kWarpBlock) {
                     const WarpPlaces places =
                         places_of(warp_, run.inputs[1], sample, row % warp_.height, first);
                     kernels_.warp_taps(places, &taps);
                     kernels_.warp_pixels(places, taps, image, warp_.channels, fill_,
                                          to + first * warp_.channels);
                   }
                 }
               });
  }

 private:
  const Kernels<T>& kernels_;
  Warp warp_;
  T fill_;
};

template <class T>
class WarpAffineGradient : public Instruction {
 public:
  WarpAffineGradient(const Kernels<T>& kernels, const Warp& warp)
      : kernels_(kernels), warp_(warp) {}

  void run(const Run& run) const override {
    if (run.inputs[0].elements() == 0) return;
    const T* dy = run.inputs[0].as<T>();
    T* dx = run.outputs[0].as<T>();
    for_pieces(run, run.inputs[0].shape[0], rows_of_grain(2 * warp_.elements()),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t sample = begin; sample < end; ++sample) {
                   const std::int64_t at = sample * warp_.elements();
                   add_image(run.inputs[1], sample, dy + at, dx + at);
                 }
               });
  }

 private:
  void add_image(const TensorView& matrices, std::int64_t sample, const T* dy, T* dx) const {
    WarpTaps<T> taps;
    std::fill_n(dx, warp_.elements(), T{0});
    for (std::int64_t row = 0; row < warp_.height; ++row) {
      for (std::int64_t first = 0; first < warp_.width; first += kWarpBlock) {
        const WarpPlaces places = places_of(warp_, matrices, sample, row, first);
        kernels_.warp_taps(places, &taps);
        kernels_.warp_pixels_back(places, taps, dy + first * warp_.channels, warp_.channels, dx);
      }
      dy += warp_.row_elements();
    }
  }

  const Kernels<T>& kernels_;
  Warp warp_;
};

/// Checks x and matrices, and y, which is like x; by name where they are gradients.
Warp parse_warp(const Call& call, const char* x_name, const char* y_name) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, x_name);
  const TensorSpec& matrices = required_input(call, 1, "matrices");
  expect_floating(x, x_name);
  expect_rank(x, x_name, 4);
  expect_floating(matrices, "matrices");
  expect_rank(matrices, "matrices", 2, 3);
  expect_batched(matrices, "matrices", x.batched);
  if (matrices.shape.size() == 2) {
    expect_shape(matrices, "matrices", {x.shape[0], 6});
  } else {
    expect_shape(matrices, "matrices", {x.shape[0], 2, 3});
  }
  expect_like(required_output(call, 0, y_name), y_name, x);
  Warp warp{};
  warp.height = x.shape[1];
  warp.width = x.shape[2];
  warp.channels = x.shape[3];
  // Empty images have no pixel whose cells would be counted.
  if (warp.height * warp.width > kMostPixels) {
    refuse("expected images of at most 2^40 pixels but received " + describe_shape(x.shape));
  }
  const std::string mode = call.attributes.text("mode");
  if (mode != "nearest" && mode != "bilinear") {
    refuse("expected mode 'nearest' or 'bilinear' but received '" + mode + "'");
  }
  warp.bilinear = mode == "bilinear";
  return warp;
}

}  // namespace

std::unique_ptr<Instruction> prepare_warp_affine(const Call& call, const KernelTable& table) {
  Warp warp = parse_warp(call, "x", "y");
  warp.fill = call.attributes.number("fill");
  if (!std::isfinite(warp.fill)) refuse("expected attribute 'fill' to be finite");
  return make_floating<WarpAffine>(call.inputs[0].dtype, table, warp);
}

std::unique_ptr<Instruction> prepare_warp_affine_gradient(const Call& call,
                                                          const KernelTable& table) {
  return make_floating<WarpAffineGradient>(call.inputs[0].dtype, table,
                                           parse_warp(call, "dy", "dx"));
}

}  // namespace stridenet
