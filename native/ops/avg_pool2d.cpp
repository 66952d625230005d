#include <algorithm>
#include <vector>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;
/// Places, and windows, along an axis: both are listed.
constexpr std::int64_t kMaxPlaces = std::int64_t{1} << 22;

/// The windows along an axis of `size` places, first and last rising.
using Windows = std::vector<AverageWindow>;

/// By place: the windows that hold it.
std::vector<PoolSpan> spans_of(const Windows& windows, std::int64_t size) {
  std::vector<PoolSpan> spans;
  spans.reserve(static_cast<std::size_t>(size));
  PoolSpan span = {0, 0};
  const auto count = static_cast<std::int64_t>(windows.size());
  for (std::int64_t place = 0; place < size; ++place) {
    while (span.last < count && windows[static_cast<std::size_t>(span.last)].first <= place) {
      ++span.last;
    }
    while (span.first < span.last && windows[static_cast<std::size_t>(span.first)].last <= place) {
      ++span.first;
    }
    spans.push_back(span);
  }
  return spans;
}

void check_places(std::int64_t size, std::int64_t count, const char* axis) {
  if (size > kMaxPlaces || count > kMaxPlaces) {
    refuse(std::string("expected at most 2^22 cells and windows along the ") + axis +
           " but received " + std::to_string(size) + " and " + std::to_string(count));
  }
}

Windows adaptive_windows(std::int64_t size, std::int64_t count, const char* axis) {
  check_places(size, count, axis);
  if (size == 0) refuse(std::string("expected cells along the ") + axis + " but received 0");
  Windows windows;
  for (std::int64_t p = 0; p < count; ++p) {
    const std::int64_t first = p * size / count;
    const std::int64_t last = ((p + 1) * size + count - 1) / count;
    windows.push_back({first, last, last - first});
  }
  return windows;
}

struct Axis {
  const char* name;
  std::int64_t kernel, stride, before, after;
  bool count_padding;
};

Windows fixed_windows(const Axis& axis, std::int64_t size, std::int64_t count) {
  check_places(size, count, axis.name);
  Windows windows;
  for (std::int64_t p = 0; p < count; ++p) {
    const std::int64_t start = p * axis.stride - axis.before;
    const std::int64_t end = std::min(start + axis.kernel, size + axis.after);
    const std::int64_t first = std::max<std::int64_t>(start, 0);
    const std::int64_t last = std::min(end, size);
    if (first >= last) {
      refuse(std::string("window ") + std::to_string(p) + " along the " + axis.name +
             " has no cell inside");
    }
    windows.push_back({first, last, axis.count_padding ? end - start : last - first});
  }
  return windows;
}

/// The windows of both axes.
struct Averaging {
  std::int64_t height, width, channels;
  Windows vertical, horizontal;

  std::int64_t rows() const { return static_cast<std::int64_t>(vertical.size()); }
  std::int64_t columns() const { return static_cast<std::int64_t>(horizontal.size()); }
};

template <class T>
class AvgPool2d final : public Instruction {
 public:
  AvgPool2d(const Kernels<T>& kernels, Averaging averaging)
      : kernels_(kernels), averaging_(std::move(averaging)) {}

  void run(const Run& run) const override {
    const Averaging& a = averaging_;
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    const std::int64_t row = a.columns() * a.channels;
    if (row == 0 || a.rows() == 0) return;
    // A task costs what it reads.
    const std::int64_t cells = std::max(row, a.height * a.width * a.channels / a.rows());
    for_pieces(run, run.outputs[0].shape[0] * a.rows(), rows_of_grain(cells),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const T* image = x + i / a.rows() * a.height * a.width * a.channels;
                   kernels_.average_pool_row({image, a.width, a.channels,
                                              a.vertical[static_cast<std::size_t>(i % a.rows())],
                                              a.horizontal.data(), a.columns(), y + i * row});
                 }
               });
  }

 private:
  const Kernels<T>& kernels_;
  Averaging averaging_;
};

template <class T>
class AvgPool2dGradient final : public Instruction {
 public:
  AvgPool2dGradient(const Kernels<T>& kernels, Averaging averaging)
      : kernels_(kernels),
        averaging_(std::move(averaging)),
        rows_(spans_of(averaging_.vertical, averaging_.height)),
        columns_(spans_of(averaging_.horizontal, averaging_.width)) {}

  void run(const Run& run) const override {
    const Averaging& a = averaging_;
    const T* dy = run.inputs[0].as<T>();
    T* dx = run.outputs[0].as<T>();
    const std::int64_t row = a.width * a.channels;
    if (row == 0) return;
    for_pieces(run, run.outputs[0].shape[0] * a.height, rows_of_grain(row),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t h = i % a.height;
                   if (i > begin && is_repeated(h)) {
                     std::copy_n(dx + (i - 1) * row, row, dx + i * row);
                     continue;
                   }
                   const T* image = dy + i / a.height * a.rows() * a.columns() * a.channels;
                   kernels_.average_pool_gradient_row(
                       {image, a.width, a.channels, a.columns(), a.vertical.data(),
                        rows_[static_cast<std::size_t>(h)], a.horizontal.data(), columns_.data(),
                        dx + i * row});
                 }
               });
  }

 private:
  /// Whether the windows that hold row h of an image are those of the row before.
  bool is_repeated(std::int64_t h) const {
    if (h == 0) return false;
    const PoolSpan& before = rows_[static_cast<std::size_t>(h - 1)];
    const PoolSpan& rows = rows_[static_cast<std::size_t>(h)];
    return before.first == rows.first && before.last == rows.last;
  }

  const Kernels<T>& kernels_;
  Averaging averaging_;
  std::vector<PoolSpan> rows_, columns_;
};

void check_images(const TensorSpec& x, const TensorSpec& y) {
  expect_rank(x, "x", 4);
  expect_rank(y, "y", 4);
  expect_floating(x, "x");
  expect_tensor(y, "y", x.dtype, {x.shape[0], y.shape[1], y.shape[2], x.shape[3]}, x.batched);
}

Averaging check_fixed(const Call& call, const TensorSpec& x, const TensorSpec& y) {
  check_images(x, y);
  const auto kernel = call.attributes.integers("kernelSize", 2, 1, kMaxExtent);
  const auto stride = call.attributes.integers("stride", 2, 1, kMaxExtent);
  const auto padding = call.attributes.integers("padding", 4, 0, kMaxExtent);
  const bool count = call.attributes.boolean("countIncludePad");
  return {x.shape[1], x.shape[2], x.shape[3],
          fixed_windows({"height", kernel[0], stride[0], padding[0], padding[1], count}, x.shape[1],
                        y.shape[1]),
          fixed_windows({"width", kernel[1], stride[1], padding[2], padding[3], count}, x.shape[2],
                        y.shape[2])};
}

Averaging check_adaptive(const TensorSpec& x, const TensorSpec& y) {
  check_images(x, y);
  return {x.shape[1], x.shape[2], x.shape[3], adaptive_windows(x.shape[1], y.shape[1], "height"),
          adaptive_windows(x.shape[2], y.shape[2], "width")};
}

}  // namespace

std::unique_ptr<Instruction> prepare_avg_pool2d(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  return make_floating<AvgPool2d>(x.dtype, table,
                                  check_fixed(call, x, required_output(call, 0, "y")));
}

std::unique_ptr<Instruction> prepare_avg_pool2d_gradient(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& dx = required_output(call, 0, "dx");
  return make_floating<AvgPool2dGradient>(dx.dtype, table,
                                          check_fixed(call, dx, required_input(call, 0, "dy")));
}

std::unique_ptr<Instruction> prepare_adaptive_avg_pool2d(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  return make_floating<AvgPool2d>(x.dtype, table, check_adaptive(x, required_output(call, 0, "y")));
}

std::unique_ptr<Instruction> prepare_adaptive_avg_pool2d_gradient(const Call& call,
                                                                  const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& dx = required_output(call, 0, "dx");
  return make_floating<AvgPool2dGradient>(dx.dtype, table,
                                          check_adaptive(dx, required_input(call, 0, "dy")));
}

}  // namespace stridenet
