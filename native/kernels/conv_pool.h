#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

// Convolution and max pooling in one pass over small windows, and the gradients of the filters from
// the pooled gradient alone. x holds every element of every patch, zeros where the convolution
// pads: element k of the patch of window q, cell (i, j), is at x + q · window_pitch + i · cell_row
// + j · cell_column + taps[k].

/// One row of windows of one image, one panel of filters. Each sum over a patch is the chain of
/// kernels/gemm.h: blocks of block_depth, then + bias, then the activation: none or ReLU.
template <class T>
struct ConvPoolRow {
  const T* x;
  const std::int32_t* taps;
  std::int64_t depth, block_depth;
  std::int64_t window_pitch, cell_row, cell_column;
  const T* weight;  // [k][NR], what is missing after `filters` is finite
  const T* bias;    // `filters` elements, or null
  Activation activation;
  std::int64_t windows, filters;
  T* y;                   // window q at y + q · y_pitch
  std::uint8_t* winners;  // as y, or null: the first place of the maximum in its window; NaN wins
  std::int64_t y_pitch;
  /// Winners are masks of the cells that equal y, as of MaxPoolRow.
  bool masks;
  /// Windows whose y is not above 0 have the number of cells for a winner, or the mask 0: they pass
  /// no gradient.
  bool gated;
};

/// Adds what `rows` rows of windows of one image give to sums[element][filter], element `depth`
/// being the bias: products of dy and the element of x in the winner's patch, one chain over the
/// windows that is added last. A winner that is no cell counts nothing; of masks each bit's cell
/// wins and gets dy, or when split dy / (bits that are set).
template <class T>
struct ConvPoolFilterRows {
  const T* x;  // `lanes` elements beyond the last patch may be read
  const std::int32_t* taps;
  std::int64_t depth;
  std::int64_t window_pitch, row_pitch;  // elements of x between windows, and between rows
  std::int64_t cell_rows, cell_columns;  // R · S ≤ 255
  std::int64_t cell_row, cell_column;
  std::int64_t rows, windows, filters;
  const T* dy;                  // (rows, windows, filters)
  const std::uint8_t* winners;  // as dy
  bool masks, split;
  T* sums;
  std::int64_t sums_pitch;  // elements between two of a patch
};

}  // namespace stridenet
