#include <cstring>

#include "ops/checks.h"
#include "ops/parallel.h"
#include "ops/strided.h"

namespace stridenet {
namespace {

/// Rows of y short enough to be put together one by one.
constexpr std::int64_t kRowBytes = 4 * kGrain;

/// Rows (all axes before the one) of every input, one after the other.
class Concat : public Instruction {
 public:
  Concat(std::vector<std::int64_t> widths, std::vector<StridedCopy> copies)
      : widths_(std::move(widths)), copies_(std::move(copies)) {
    for (const std::int64_t width : widths_) row_bytes_ += width;
  }

  void run(const Run& run) const override {
    if (row_bytes_ == 0) return;
    if (row_bytes_ >= kRowBytes) {
      for (std::size_t i = 0; i < copies_.size(); ++i) {
        copies_[i].run(run, run.inputs[i].data, run.outputs[0].data, run.outputs[0].shape[0]);
      }
      return;
    }
    const TensorView& y = run.outputs[0];
    const auto bytes = static_cast<std::int64_t>(element_size(y.dtype));
    const std::int64_t rows = y.elements() * bytes / row_bytes_;
    for_pieces(run, rows, rows_of_grain(row_bytes_ / 4), [&](std::int64_t begin, std::int64_t end) {
      std::byte* to = y.as<std::byte>() + begin * row_bytes_;
      for (std::int64_t row = begin; row < end; ++row) {
        for (std::size_t i = 0; i < widths_.size(); ++i) {
          // An operand without elements may have no memory.
          if (widths_[i] == 0) continue;
          const std::byte* from = run.inputs[i].as<std::byte>() + row * widths_[i];
          std::memcpy(to, from, static_cast<std::size_t>(widths_[i]));
          to += widths_[i];
        }
      }
    });
  }

 private:
  std::vector<std::int64_t> widths_;
  std::vector<StridedCopy> copies_;
  std::int64_t row_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Instruction> prepare_concat(const Call& call, const KernelTable& table) {
  if (call.inputs.empty()) refuse("expected at least one input");
  expect_operands(call, call.inputs.size(), 1);
  const TensorSpec& first = required_input(call, 0, "x[0]");
  const TensorSpec& y = required_output(call, 0, "y");
  const auto rank = static_cast<std::int64_t>(first.shape.size());
  if (rank == 0) refuse("expected x[0] of rank 1 or more");
  const auto axis = static_cast<std::size_t>(call.attributes.integer("axis", 0, rank - 1));
  if (first.batched && axis == 0) refuse("the batch must stay whole");
  std::vector<std::int64_t> shape = first.shape;
  shape[axis] = 0;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const std::string name = "x[" + std::to_string(i) + "]";
    const TensorSpec& x = required_input(call, i, name.c_str());
    expect_rank(x, name.c_str(), first.shape.size());
    std::vector<std::int64_t> expected = first.shape;
    expected[axis] = x.shape[axis];
    expect_tensor(x, name.c_str(), first.dtype, expected, first.batched);
    // Each is at most 2^53 and there are at most 64 of them.
    shape[axis] += x.shape[axis];
  }
  expect_tensor(y, "y", first.dtype, shape, first.batched);
  const std::vector<std::int64_t> to = strides_of(shape);
  std::vector<std::int64_t> widths;
  std::vector<StridedCopy> copies;
  std::int64_t offset = 0;
  for (const TensorSpec& x : call.inputs) {
    const std::vector<std::int64_t> from = strides_of(x.shape);
    std::vector<StridedAxis> axes;
    for (std::size_t i = 0; i < x.shape.size(); ++i) {
      axes.push_back({x.shape[i], from[i], to[i]});
    }
    copies.emplace_back(x.dtype, axes, x.batched, table, 0, offset);
    offset += x.shape[axis] * to[axis];
    widths.push_back(x.shape[axis] * to[axis] * static_cast<std::int64_t>(element_size(x.dtype)));
  }
  return std::make_unique<Concat>(std::move(widths), std::move(copies));
}

}  // namespace stridenet
