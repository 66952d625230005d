#include <algorithm>
#include <cstring>

#include "core/tensor.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// Windows along one axis of an image.
struct WindowAxis {
  std::int64_t size, kernel, stride, before, after, dilation;
  std::int64_t count;

  /// The cell that tap t of window 0 shows; it may lie outside.
  std::int64_t origin(std::int64_t tap) const { return tap * dilation - before; }
  /// The windows [first, last) whose tap shows a cell of the image.
  std::int64_t first(std::int64_t tap) const {
    const std::int64_t start = origin(tap);
    return start >= 0 ? 0 : std::min(count, (-start + stride - 1) / stride);
  }
  std::int64_t last(std::int64_t tap) const {
    const std::int64_t room = size - origin(tap);
    return room <= 0 ? 0 : std::min(count, (room + stride - 1) / stride);
  }
};

struct Windows {
  WindowAxis vertical, horizontal;

  std::int64_t taps() const { return vertical.kernel * horizontal.kernel; }
  std::int64_t columns() const { return vertical.count * horizontal.count; }
  std::int64_t area() const { return vertical.size * horizontal.size; }
};

template <class Element>
class Unfold : public Instruction {
 public:
  explicit Unfold(const Windows& windows) : windows_(windows) {}

  void run(const Run& run) const override {
    const Windows& g = windows_;
    if (run.outputs[0].elements() == 0) return;
    const Element* x = run.inputs[0].as<Element>();
    Element* columns = run.outputs[0].as<Element>();
    for_pieces(run, run.outputs[0].elements() / g.columns(), rows_of_grain(g.columns()),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   const std::int64_t tap = row % g.taps();
                   fill_row(x + row / g.taps() * g.area(), tap / g.horizontal.kernel,
                            tap % g.horizontal.kernel, columns + row * g.columns());
                 }
               });
  }

 private:
  /// What tap (r, s) of all windows of an image of one channel shows.
  void fill_row(const Element* image, std::int64_t r, std::int64_t s, Element* to) const {
    const WindowAxis& v = windows_.vertical;
    const WindowAxis& h = windows_.horizontal;
    const std::int64_t first = std::min(h.first(s), h.last(s));
    const std::int64_t count = h.last(s) - first;
    for (std::int64_t p = 0; p < v.count; ++p, to += h.count) {
      if (p < v.first(r) || p >= v.last(r) || count == 0) {
        std::fill_n(to, h.count, Element{0});
        continue;
      }
      const Element* from =
          image + (v.origin(r) + p * v.stride) * h.size + h.origin(s) + first * h.stride;
      std::fill_n(to, first, Element{0});
      if (h.stride == 1) {
        std::memcpy(to + first, from, static_cast<std::size_t>(count) * sizeof(Element));
      } else {
        for (std::int64_t q = 0; q < count; ++q) to[first + q] = from[q * h.stride];
      }
      std::fill_n(to + first + count, h.count - first - count, Element{0});
    }
  }

  Windows windows_;
};

/// An image of one channel is a task: its taps are added in their order.
template <class T>
class Fold : public Instruction {
 public:
  Fold(const Kernels<T>& kernels, const Windows& windows) : kernels_(kernels), windows_(windows) {}

  void run(const Run& run) const override {
    const Windows& g = windows_;
    if (run.outputs[0].elements() == 0) return;
    const T* columns = run.inputs[0].as<T>();
    T* x = run.outputs[0].as<T>();
    const std::int64_t rows = g.taps() * g.columns();
    for_pieces(run, run.outputs[0].elements() / g.area(), rows_of_grain(rows),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t plane = begin; plane < end; ++plane) {
                   std::fill_n(x + plane * g.area(), g.area(), T{0});
                   for (std::int64_t tap = 0; tap < g.taps(); ++tap) {
                     add_row(columns + plane * rows + tap * g.columns(), tap / g.horizontal.kernel,
                             tap % g.horizontal.kernel, x + plane * g.area());
                   }
                 }
               });
  }

 private:
  void add_row(const T* from, std::int64_t r, std::int64_t s, T* image) const {
    const WindowAxis& v = windows_.vertical;
    const WindowAxis& h = windows_.horizontal;
    const std::int64_t first = h.first(s);
    const std::int64_t count = h.last(s) - first;
    for (std::int64_t p = v.first(r); p < v.last(r) && count > 0; ++p) {
      T* to = image + (v.origin(r) + p * v.stride) * h.size + h.origin(s) + first * h.stride;
      const T* row = from + p * h.count + first;
      if (h.stride == 1) {
        kernels_.add_to(row, to, count);
      } else {
        for (std::int64_t q = 0; q < count; ++q) to[q * h.stride] += row[q];
      }
    }
  }

  const Kernels<T>& kernels_;
  Windows windows_;
};

constexpr std::int64_t kMost = (std::int64_t{1} << 31) - 1;

WindowAxis parse_axis(const Call& call, std::size_t axis, std::int64_t size) {
  const Attributes& attributes = call.attributes;
  WindowAxis windows{};
  if (size > kMost) refuse("expected an image of at most 2^31 - 1 cells along an axis");
  windows.size = size;
  windows.kernel = attributes.integers("kernelSize", 2, 1, kMost)[axis];
  windows.stride = attributes.integers("stride", 2, 1, kMost)[axis];
  windows.dilation = attributes.integers("dilation", 2, 1, kMost)[axis];
  const std::vector<std::int64_t> padding = attributes.integers("padding", 4, 0, kMost);
  windows.before = padding[2 * axis];
  windows.after = padding[2 * axis + 1];
  const std::int64_t room =
      size + windows.before + windows.after - windows.dilation * (windows.kernel - 1) - 1;
  if (room < 0) refuse("expected a window no larger than the padded image");
  windows.count = room / windows.stride + 1;
  return windows;
}

/// Checks images x (N,C,H,W) and their columns against the attributes.
Windows parse_windows(const Call& call, const TensorSpec& x, const char* x_name,
                      const TensorSpec& columns, const char* columns_name) {
  expect_rank(x, x_name, 4);
  const Windows windows{parse_axis(call, 0, x.shape[2]), parse_axis(call, 1, x.shape[3])};
  const std::int64_t taps = checked_multiply(windows.vertical.kernel, windows.horizontal.kernel);
  const std::int64_t count = checked_multiply(windows.vertical.count, windows.horizontal.count);
  expect_tensor(columns, columns_name, x.dtype,
                {x.shape[0], checked_multiply(x.shape[1], taps), count}, x.batched);
  return windows;
}

}  // namespace

std::unique_ptr<Instruction> prepare_unfold(const Call& call, const KernelTable&) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const Windows windows =
      parse_windows(call, x, "x", required_output(call, 0, "columns"), "columns");
  return make_of_dtype<Unfold>(x.dtype, windows);
}

std::unique_ptr<Instruction> prepare_fold(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& columns = required_input(call, 0, "columns");
  const TensorSpec& x = required_output(call, 0, "x");
  expect_floating(x, "x");
  const Windows windows = parse_windows(call, x, "x", columns, "columns");
  const std::vector<std::int64_t> size = call.attributes.integers("outputSize", 2, 0, kMost);
  if (size[0] != x.shape[2] || size[1] != x.shape[3]) {
    refuse("expected attribute 'outputSize' to be the height and width of x");
  }
  return make_floating<Fold>(x.dtype, table, windows);
}

}  // namespace stridenet
