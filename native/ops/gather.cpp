#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// Axes taken together: x is (outer, size, inner), what is gathered (outer, count, inner). With
/// batched indices the count comes with the step, with a batched x the outer size.
struct GatherShape {
  std::int64_t outer, size, inner;
};

[[noreturn]] void refuse_index(const char* name, const TensorView& indices, std::int64_t place,
                               std::int64_t index, std::int64_t size) {
  std::string at;
  for (int axis = indices.rank - 1; axis >= 0; --axis) {
    at = std::to_string(place % indices.shape[axis]) + (at.empty() ? "" : ", ") + at;
    place /= indices.shape[axis];
  }
  throw Error("ERR_ARGUMENT", std::string("[") + name + "] expected the index at (" + at +
                                  ") to be in [0, " + std::to_string(size) + ") but received " +
                                  std::to_string(index));
}

/// Throws Error("ERR_ARGUMENT") unless all indices are within [0, size).
template <class Index>
void check_indices(const char* name, const TensorView& indices, std::int64_t size) {
  const Index* index = indices.as<Index>();
  const std::int64_t count = indices.elements();
  bool within = true;
  for (std::int64_t i = 0; i < count; ++i) within = within & (index[i] >= 0) & (index[i] < size);
  if (within) return;
  for (std::int64_t i = 0; i < count; ++i) {
    if (index[i] < 0 || index[i] >= size) refuse_index(name, indices, i, index[i], size);
  }
}

template <class Element, class Index>
class Gather : public Instruction {
 public:
  explicit Gather(const GatherShape& shape) : shape_(shape) {}

  void run(const Run& run) const override {
    const TensorView& y = run.outputs[0];
    const TensorView& indices = run.inputs[1];
    check_indices<Index>("gather", indices, shape_.size);
    const std::int64_t inner = shape_.inner;
    if (y.elements() == 0) return;
    const Element* x = run.inputs[0].as<Element>();
    const Index* index = indices.as<Index>();
    const std::int64_t count = indices.elements();
    for_pieces(run, y.elements() / inner, rows_of_grain(inner),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end;) {
                   const std::int64_t outer = row / count;
                   const std::int64_t first = row % count;
                   const std::int64_t last = std::min(count, first + end - row);
                   rows(x + outer * shape_.size * inner, index + first, last - first,
                        y.as<Element>() + row * inner);
                   row += last - first;
                 }
               });
  }

 private:
  /// `count` rows of x by their indices.
  void rows(const Element* x, const Index* index, std::int64_t count, Element* y) const {
    const std::int64_t inner = shape_.inner;
    if (inner == 1) {
      for (std::int64_t i = 0; i < count; ++i) y[i] = x[index[i]];
      return;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      std::memcpy(y + i * inner, x + index[i] * inner,
                  static_cast<std::size_t>(inner) * sizeof(Element));
    }
  }

  GatherShape shape_;
};

/// A task takes some of the inner elements and adds all that goes to them in the order of the
/// indices.
template <class T, class Index>
class GatherGradient : public Instruction {
 public:
  GatherGradient(const Kernels<T>& kernels, const GatherShape& shape)
      : kernels_(kernels), shape_(shape) {}

  void run(const Run& run) const override {
    const TensorView& indices = run.inputs[1];
    check_indices<Index>("gatherGradient", indices, shape_.size);
    const std::int64_t total = run.outputs[0].elements();
    if (total == 0) return;
    const std::int64_t width = std::min<std::int64_t>(shape_.inner, kColumns);
    const std::int64_t parts = (shape_.inner + width - 1) / width;
    const std::int64_t outer = total / (shape_.size * shape_.inner);
    const std::int64_t work = (shape_.size + indices.elements()) * width;
    for_pieces(run, outer * parts, rows_of_grain(work), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t column = task % parts * width;
        scatter(run, task / parts, column, std::min(width, shape_.inner - column));
      }
    });
  }

 private:
  /// Inner elements of a task: some cache lines.
  static constexpr std::int64_t kColumns = 128;

  void scatter(const Run& run, std::int64_t outer, std::int64_t column, std::int64_t width) const {
    const TensorView& indices = run.inputs[1];
    const Index* index = indices.as<Index>();
    const std::int64_t count = indices.elements();
    const std::int64_t inner = shape_.inner;
    const T* dy = run.inputs[0].as<T>() + outer * count * inner + column;
    T* dx = run.outputs[0].as<T>() + outer * shape_.size * inner + column;
    for (std::int64_t i = 0; i < shape_.size; ++i) std::fill_n(dx + i * inner, width, T{0});
    for (std::int64_t i = 0; i < count; ++i) {
      T* sum = dx + index[i] * inner;
      if (width == 1) {
        *sum += dy[i * inner];
      } else {
        kernels_.add_to(dy + i * inner, sum, width);
      }
    }
  }

  const Kernels<T>& kernels_;
  GatherShape shape_;
};

template <class T>
using GatherGradientByInt32 = GatherGradient<T, std::int32_t>;
template <class T>
using GatherGradientByUint8 = GatherGradient<T, std::uint8_t>;

template <class Element>
using GatherByInt32 = Gather<Element, std::int32_t>;
template <class Element>
using GatherByUint8 = Gather<Element, std::uint8_t>;

/// Checks x (or its gradient), the indices and what is gathered (or its gradient) against each
/// other.
GatherShape parse_gather(const Call& call, const TensorSpec& x, const TensorSpec& indices,
                         const TensorSpec& gathered, const char* gathered_name) {
  if (indices.dtype != DType::int32 && indices.dtype != DType::uint8) {
    throw Error("ERR_DTYPE", std::string("expected indices of int32 or uint8 but received ") +
                                 dtype_name(indices.dtype));
  }
  if (x.shape.empty()) refuse("expected a tensor with an axis but received shape ()");
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  const auto axis = static_cast<std::size_t>(call.attributes.integer("axis", 0, rank - 1));
  if (x.batched && axis == 0) refuse("the batch must stay whole");
  if (indices.batched && (axis != 0 || x.batched)) {
    refuse("expected batched indices to count along axis 0 of a tensor that is not batched");
  }
  std::vector<std::int64_t> shape = x.shape;
  const auto at = shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(at, indices.shape.begin(), indices.shape.end());
  expect_tensor(gathered, gathered_name, x.dtype, shape, x.batched || indices.batched);
  return {product(x, 0, axis), x.shape[axis], product(x, axis + 1, x.shape.size())};
}

}  // namespace

std::unique_ptr<Instruction> prepare_gather(const Call& call, const KernelTable&) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& indices = required_input(call, 1, "indices");
  const GatherShape shape = parse_gather(call, x, indices, required_output(call, 0, "y"), "y");
  return indices.dtype == DType::int32 ? make_of_dtype<GatherByInt32>(x.dtype, shape)
                                       : make_of_dtype<GatherByUint8>(x.dtype, shape);
}

std::unique_ptr<Instruction> prepare_gather_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& indices = required_input(call, 1, "indices");
  const TensorSpec& dx = required_output(call, 0, "dx");
  expect_floating(dx, "dx");
  const GatherShape shape = parse_gather(call, dx, indices, dy, "dy");
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  if (call.attributes.integer("size", 0, kMost) != shape.size) {
    refuse("expected attribute 'size' to be the size of dx along the axis, " +
           std::to_string(shape.size));
  }
  return indices.dtype == DType::int32
             ? make_floating<GatherGradientByInt32>(dy.dtype, table, shape)
             : make_floating<GatherGradientByUint8>(dy.dtype, table, shape);
}

}  // namespace stridenet
