#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/table.h"
#include "ops/operator.h"

namespace stridenet {

/// One axis of a copy: its size, and the elements from one entry to the next on both sides.
struct StridedAxis {
  std::int64_t size;
  std::int64_t from;
  std::int64_t to;
};

/// to[to_offset + Σ i·axis.to] = from[from_offset + Σ i·axis.from] for all indices i: what moving
/// operators have in common. Strides may be negative on the side of `from`. Axes of one entry are
/// left out, axes that run on in each other are merged, and the innermost loop is the best there is
/// for what remains: runs of memory, reversed runs, transposed planes or single elements. Work is
/// cut by shape.
class StridedCopy {
 public:
  /// `axes` in any order, but when `batched` the first is the batch, whose size comes with the
  /// step.
  StridedCopy(DType dtype, std::vector<StridedAxis> axes, bool batched, const KernelTable& table,
              std::int64_t from_offset = 0, std::int64_t to_offset = 0);

  /// `batch` is not read unless the copy is batched.
  void run(const Run& run, const void* from, void* to, std::int64_t batch = 0) const;

 private:
  /// The last two axes: columns are innermost.
  struct Plane {
    StridedAxis rows;
    StridedAxis columns;
  };

  void simplify(std::vector<StridedAxis> axes);
  void choose_rows();
  bool transposes() const;
  std::int64_t size_of(std::size_t axis, std::int64_t batch) const {
    return axis == batch_axis_ ? axes_[axis].size * batch : axes_[axis].size;
  }
  template <class Element>
  void run_as(const Run& run, const Element* from, Element* to, std::int64_t batch) const;
  template <class Element>
  void move(const Element* from, Element* to, const Plane& plane, bool past_caches) const;

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  DType dtype_;
  const KernelTable& table_;
  std::int64_t from_offset_;
  std::int64_t to_offset_;
  bool empty_ = false;
  /// Outer axes, then rows and columns. The batch axis may have taken in others: its size is the
  /// factor of the batch.
  std::vector<StridedAxis> axes_;
  std::size_t batch_axis_ = kNone;
};

/// The operator that makes this copy of its one input its one output.
std::unique_ptr<Instruction> make_copy(StridedCopy copy);

/// Elements from one entry to the next along each axis of a row-major tensor.
std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape);

}  // namespace stridenet
