#pragma once

#include <cstdint>

namespace stridenet {

/// Rows of up to three operands that give rows of a contiguous result. Row i of operand o begins
/// i · pitch[o] elements from its start; its elements are step[o] apart, which is 1, or 0 for one
/// element that stands for the whole row.
struct RowSteps {
  std::int64_t rows, columns;
  std::int64_t pitch[3];
  std::int64_t step[3];
};

}  // namespace stridenet
