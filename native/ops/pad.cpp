#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ops/checks.h"
#include "ops/parallel.h"
#include "ops/strided.h"

namespace stridenet {
namespace {

enum class Mode { constant, reflect, replicate };

/// An axis of `size` entries between `before` and `after` cells. `stride` is the number of rows of
/// the unpadded tensor from one entry to the next.
struct PaddedAxis {
  std::int64_t before, size, after;
  std::int64_t stride;

  std::int64_t padded() const { return before + size + after; }

  /// The entry whose value stands at `place` of the padded axis; −1 for a constant.
  std::int64_t origin(std::int64_t place, Mode mode) const {
    const std::int64_t i = place - before;
    if (i >= 0 && i < size) return i;
    if (mode == Mode::constant) return -1;
    if (mode == Mode::replicate) return i < 0 ? 0 : size - 1;
    return i < 0 ? -i : 2 * (size - 1) - i;
  }
};

/// Calls visit(place) for every place of the padded axis that shows entry i, in rising order.
template <class Visit>
void for_places(const PaddedAxis& axis, Mode mode, std::int64_t i, Visit&& visit) {
  const std::int64_t own = axis.before + i;
  if (mode == Mode::replicate) {
    const std::int64_t first = i == 0 ? 0 : own;
    const std::int64_t last = i == axis.size - 1 ? axis.padded() - 1 : own;
    for (std::int64_t place = first; place <= last; ++place) visit(place);
    return;
  }
  const std::int64_t from_end = axis.size - 1 - i;
  if (i > 0 && i <= axis.before) visit(axis.before - i);
  visit(own);
  if (from_end > 0 && from_end <= axis.after) visit(own + 2 * from_end);
}

/// Rows along the last padded axis, whose entries are `inner` elements each; and the axes before
/// it, neighbours without padding as one. The first of those may be the batch: its size is never
/// asked for.
struct PadGeometry {
  Mode mode;
  std::vector<PaddedAxis> outer;
  PaddedAxis row;
  std::int64_t inner;

  std::int64_t short_row() const { return row.size * inner; }
  std::int64_t long_row() const { return row.padded() * inner; }
};

/// The entries of a row number along each axis; `padded`: of the padded tensor.
struct RowIndex {
  std::int64_t at[kMaxRank] = {};

  RowIndex(const PadGeometry& geometry, std::int64_t row, bool padded) {
    for (std::size_t axis = geometry.outer.size(); axis-- > 1;) {
      const std::int64_t size = padded ? geometry.outer[axis].padded() : geometry.outer[axis].size;
      at[axis] = row % size;
      row /= size;
    }
    at[0] = row;
  }

  void next(const PadGeometry& geometry, bool padded) {
    for (std::size_t axis = geometry.outer.size(); axis-- > 1;) {
      const std::int64_t size = padded ? geometry.outer[axis].padded() : geometry.outer[axis].size;
      if (++at[axis] < size) return;
      at[axis] = 0;
    }
    ++at[0];
  }
};

template <class Element>
class Pad : public Instruction {
 public:
  Pad(const PadGeometry& geometry, double value)
      : geometry_(geometry), value_(static_cast<Element>(value)) {}

  void run(const Run& run) const override {
    const PadGeometry& g = geometry_;
    const Element* x = run.inputs[0].as<Element>();
    Element* y = run.outputs[0].as<Element>();
    const std::int64_t length = g.long_row();
    if (run.outputs[0].elements() == 0) return;
    const std::int64_t rows = run.outputs[0].elements() / length;
    // Long rows are cut.
    const std::int64_t part = std::min(length, 4 * kGrain);
    const std::int64_t parts = (length + part - 1) / part;
    for_pieces(run, rows * parts, rows_of_grain(part), [&](std::int64_t begin, std::int64_t end) {
      RowIndex index(g, begin / parts, true);
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t from = row_origin(index);
        const std::int64_t first = task % parts * part;
        const std::int64_t last = std::min(length, first + part);
        Element* to = y + task / parts * length;
        if (from < 0) {
          std::fill(to + first, to + last, value_);
        } else {
          write_row(x + from * g.short_row(), to, first, last);
        }
        if (task % parts == parts - 1) index.next(g, true);
      }
    });
  }

 private:
  /// The row of x that a row of y shows, −1 for none.
  std::int64_t row_origin(const RowIndex& index) const {
    std::int64_t row = 0;
    for (std::size_t axis = 0; axis < geometry_.outer.size(); ++axis) {
      const PaddedAxis& outer = geometry_.outer[axis];
      // Nothing lies before or after the first axis when its size is not known.
      const bool plain = outer.before == 0 && outer.after == 0;
      const std::int64_t i = plain ? index.at[axis] : outer.origin(index.at[axis], geometry_.mode);
      if (i < 0) return -1;
      row += i * outer.stride;
    }
    return row;
  }

  /// Elements [first, last) of a row of y.
  void write_row(const Element* x, Element* y, std::int64_t first, std::int64_t last) const {
    const std::int64_t inner = geometry_.inner;
    const std::int64_t start = geometry_.row.before * inner;
    const std::int64_t end = start + geometry_.short_row();
    write_cells(x, y, first, std::min(last, start));
    const std::int64_t from = std::max(first, start);
    const std::int64_t to = std::min(last, end);
    if (from < to) {
      std::memcpy(y + from, x + from - start,
                  static_cast<std::size_t>(to - from) * sizeof(Element));
    }
    write_cells(x, y, std::max(first, end), last);
  }

  /// Elements [first, last), which lie in the padding.
  void write_cells(const Element* x, Element* y, std::int64_t first, std::int64_t last) const {
    if (geometry_.mode == Mode::constant) {
      for (std::int64_t i = first; i < last; ++i) y[i] = value_;
      return;
    }
    const std::int64_t inner = geometry_.inner;
    for (std::int64_t i = first; i < last; ++i) {
      y[i] = x[geometry_.row.origin(i / inner, geometry_.mode) * inner + i % inner];
    }
  }

  PadGeometry geometry_;
  Element value_;
};

template <class T>
class PadGradient : public Instruction {
 public:
  PadGradient(const Kernels<T>& kernels, const PadGeometry& geometry)
      : kernels_(kernels), geometry_(geometry) {}

  void run(const Run& run) const override {
    const std::int64_t length = geometry_.short_row();
    const std::int64_t elements = run.outputs[0].elements();
    if (elements == 0) return;
    const T* dy = run.inputs[0].as<T>();
    T* dx = run.outputs[0].as<T>();
    for_pieces(run, elements / length, rows_of_grain(length),
               [&](std::int64_t begin, std::int64_t end) {
                 RowIndex index(geometry_, begin, false);
                 for (std::int64_t row = begin; row < end; ++row) {
                   T* sum = dx + row * length;
                   std::fill_n(sum, length, T{0});
                   add_rows(index, 0, 0, dy, sum);
                   index.next(geometry_, false);
                 }
               });
  }

 private:
  /// Adds every row of dy that shows the row `index` of dx; `row` is its number so far.
  void add_rows(const RowIndex& index, std::size_t axis, std::int64_t row, const T* dy,
                T* sum) const {
    if (axis == geometry_.outer.size()) {
      add_row(dy + row * geometry_.long_row(), sum);
      return;
    }
    const PaddedAxis& outer = geometry_.outer[axis];
    const std::int64_t base = axis == 0 ? 0 : row * outer.padded();
    if (outer.before == 0 && outer.after == 0) {
      add_rows(index, axis + 1, base + index.at[axis], dy, sum);
      return;
    }
    for_places(outer, geometry_.mode, index.at[axis],
               [&](std::int64_t place) { add_rows(index, axis + 1, base + place, dy, sum); });
  }

  void add_row(const T* dy, T* sum) const {
    const PaddedAxis& row = geometry_.row;
    const std::int64_t inner = geometry_.inner;
    const std::int64_t end = row.before + row.size;
    kernels_.add_to(dy + row.before * inner, sum, geometry_.short_row());
    for (std::int64_t cell = 0; cell < row.padded(); ++cell) {
      if (cell == row.before) cell = end;
      if (cell == row.padded()) break;
      T* to = sum + row.origin(cell, geometry_.mode) * inner;
      kernels_.add_to(dy + cell * inner, to, inner);
    }
  }

  const Kernels<T>& kernels_;
  PadGeometry geometry_;
};

Mode parse_mode(const Call& call) {
  const std::string mode = call.attributes.text("mode");
  if (mode == "constant") return Mode::constant;
  if (mode == "reflect") return Mode::reflect;
  if (mode == "replicate") return Mode::replicate;
  refuse("expected mode 'constant', 'reflect' or 'replicate' but received '" + mode + "'");
}

/// Checks x (unpadded) and y (padded), of which each may be a gradient, against the attributes.
PadGeometry parse_pad(const Call& call, const TensorSpec& x, const char* x_name,
                      const TensorSpec& y, const char* y_name) {
  PadGeometry geometry{parse_mode(call), {}, {0, 1, 0, 1}, 1};
  const std::size_t rank = x.shape.size();
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const std::vector<std::int64_t> padding = call.attributes.integers("padding", 2 * rank, 0, kMost);
  std::vector<std::int64_t> shape;
  std::size_t last = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t before = padding[2 * axis];
    const std::int64_t after = padding[2 * axis + 1];
    const std::int64_t size = x.shape[axis];
    shape.push_back(before + size + after);
    if (before == 0 && after == 0) continue;
    last = axis;
    if (x.batched && axis == 0) refuse("the batch cannot be padded");
    if (geometry.mode == Mode::reflect && std::max(before, after) >= size) {
      refuse("expected an axis longer than its reflection but received " + describe_shape(x.shape));
    }
    if (geometry.mode == Mode::replicate && size == 0) refuse("an empty axis has no edge");
  }
  expect_tensor(y, y_name, x.dtype, shape, x.batched);
  expect_tensor(x, x_name, y.dtype, x.shape, y.batched);
  if (rank == 0) return geometry;
  // The row axis has a size that is known: a batch alone makes rows of one sample's elements.
  if (last == 0 && x.batched) {
    geometry.outer.push_back({0, x.shape[0], 0, 1});
    geometry.row = {0, product(x, 1, rank), 0, 1};
    return geometry;
  }
  geometry.inner = product(x, last + 1, rank);
  geometry.row = {padding[2 * last], x.shape[last], padding[2 * last + 1], 1};
  for (std::size_t axis = 0; axis < last; ++axis) {
    const PaddedAxis here{padding[2 * axis], x.shape[axis], padding[2 * axis + 1],
                          product(x, axis + 1, last)};
    const bool plain = here.before == 0 && here.after == 0;
    if (plain && !geometry.outer.empty()) {
      PaddedAxis& previous = geometry.outer.back();
      if (previous.before == 0 && previous.after == 0) {
        previous = {0, previous.size * here.size, 0, here.stride};
        continue;
      }
    }
    geometry.outer.push_back(here);
  }
  return geometry;
}

}  // namespace

std::unique_ptr<Instruction> prepare_pad(const Call& call, const KernelTable&) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const PadGeometry geometry = parse_pad(call, x, "x", required_output(call, 0, "y"), "y");
  const double value = call.attributes.number("value");
  const double low = x.dtype == DType::uint8 ? 0 : std::numeric_limits<std::int32_t>::min();
  const double high = x.dtype == DType::uint8 ? 255 : std::numeric_limits<std::int32_t>::max();
  const bool floating = x.dtype == DType::float32 || x.dtype == DType::float64;
  if (!floating && !(value >= low && value <= high && value == std::floor(value))) {
    refuse(std::string("expected a value of ") + dtype_name(x.dtype) + " but received " +
           std::to_string(value));
  }
  return make_of_dtype<Pad>(x.dtype, geometry, value);
}

std::unique_ptr<Instruction> prepare_pad_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& dx = required_output(call, 0, "dx");
  expect_floating(dx, "dx");
  const PadGeometry geometry = parse_pad(call, dx, "dx", dy, "dy");
  if (geometry.mode == Mode::constant) refuse("the gradient of a constant padding is a slice");
  return make_floating<PadGradient>(dy.dtype, table, geometry);
}

}  // namespace stridenet
