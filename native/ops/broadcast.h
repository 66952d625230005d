#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "kernels/broadcast.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {

/// An operand and its name.
struct NamedSpec {
  const TensorSpec& spec;
  const char* name;
};

/// The shape and the batch that operands of one rank, or of rank 0, broadcast to as NumPy's; dtype
/// is the first's. An unbatched operand has 1 where others have the batch.
TensorSpec expect_broadcast(const std::vector<NamedSpec>& operands);

/// How up to three operands are walked to give the elements of y in order: axes of size 1 left
/// out, neighbours merged where every operand allows it. With a batch, size[0] is that of one
/// sample.
struct Broadcast {
  int operands = 0;
  int rank = 1;
  bool batched = false;
  std::int64_t size[kMaxRank] = {1};
  std::int64_t stride[3][kMaxRank] = {};
};

Broadcast plan_broadcast(const TensorSpec& y, const std::vector<NamedSpec>& operands);

/// Rows of y from element `y` on, each operand from its element offset[o] on.
struct RowBlock {
  std::int64_t y;
  std::int64_t offset[3];
  RowSteps steps;
  /// Rows too short for vectors: the operands are to be laid out as one row (Unrolled).
  bool unroll;
};

inline constexpr std::int64_t kShortRow = 48;
inline constexpr std::int64_t kUnrolled = 1024;

/// An operand's short rows of one block as one row.
template <class T>
class Unrolled {
 public:
  /// Where operand o of the block begins; with `unroll`, its rows one after the other.
  const T* place(const T* base, const RowBlock& block, int o) {
    const T* from = base + block.offset[o];
    const std::int64_t pitch = block.steps.pitch[o];
    const std::int64_t step = block.steps.step[o];
    const std::int64_t columns = block.steps.columns;
    if (!block.unroll || stays(block.steps, o)) return from;
    const std::int64_t elements = block.steps.rows * columns;
    // Rows that repeat are laid out once.
    if (pitch == 0 && from == from_ && elements <= filled_) return buffer_.data();
    T* to = buffer_.data();
    for (std::int64_t row = 0; row < block.steps.rows; ++row) {
      for (std::int64_t i = 0; i < columns; ++i) *to++ = from[row * pitch + i * step];
    }
    from_ = pitch == 0 ? from : nullptr;
    filled_ = elements;
    return buffer_.data();
  }

  /// Whether an operand needs no laying out: one element, or contiguous rows.
  static bool stays(const RowSteps& steps, int o) {
    if (steps.step[o] == 0) return steps.pitch[o] == 0;
    return steps.pitch[o] == steps.columns;
  }

 private:
  const T* from_ = nullptr;
  std::int64_t filled_ = 0;
  std::array<T, kUnrolled> buffer_;
};

/// The steps of a block's rows after Unrolled::place.
inline RowSteps placed(const RowBlock& block) {
  if (!block.unroll) return block.steps;
  RowSteps steps = {1, block.steps.rows * block.steps.columns, {}, {}};
  for (int o = 0; o < 3; ++o) {
    steps.step[o] = block.steps.step[o] == 0 && block.steps.pitch[o] == 0 ? 0 : 1;
  }
  return steps;
}

/// Calls body(state, block) for blocks that cover y, whose first size is `samples` when it is
/// batched; every task has a State of its own.
template <class State, class Body>
void for_broadcast(const Run& run, const Broadcast& plan, std::int64_t samples, Body&& body) {
  std::int64_t size[kMaxRank];
  std::copy_n(plan.size, kMaxRank, size);
  if (plan.batched) size[0] *= samples;
  const int inner = plan.rank - 1;
  const std::int64_t columns = size[inner];
  const std::int64_t band = plan.rank > 1 ? size[inner - 1] : 1;
  std::int64_t rows = 1;
  for (int axis = 0; axis < inner; ++axis) rows *= size[axis];
  if (rows == 0 || columns == 0) return;
  const std::int64_t chunks = (columns + kGrain - 1) / kGrain;
  const bool unroll = columns < kShortRow && band > 1;
  const std::int64_t grain = chunks > 1 ? 1 : rows_of_grain(columns);
  for_pieces(run, rows * chunks, grain, [&](std::int64_t begin, std::int64_t end) {
    State state;
    for (std::int64_t unit = begin; unit < end;) {
      const std::int64_t row = unit / chunks;
      const std::int64_t first = unit % chunks * kGrain;
      std::int64_t count = chunks > 1 ? 1 : std::min(end - row, band - row % band);
      if (unroll) count = std::min(count, kUnrolled / columns);
      RowBlock block = {row * columns + first, {}, {}, unroll};
      block.steps.rows = count;
      block.steps.columns = std::min(kGrain, columns - first);
      for (int o = 0; o < plan.operands; ++o) {
        const std::int64_t* stride = plan.stride[o];
        std::int64_t rest = row;
        std::int64_t offset = first * stride[inner];
        for (int axis = inner - 1; axis >= 0; --axis) {
          offset += rest % size[axis] * stride[axis];
          rest /= size[axis];
        }
        block.offset[o] = offset;
        block.steps.step[o] = stride[inner];
        block.steps.pitch[o] = plan.rank > 1 ? stride[inner - 1] : 0;
      }
      body(state, block);
      unit += count;
    }
  });
}

}  // namespace stridenet
