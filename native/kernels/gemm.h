#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

/// Block sizes of an ISA's GEMM. They decide the order of every sum, so they never depend on
/// anything but the ISA and the element type.
struct GemmTile {
  int rows;     // MR: rows of C in one micro-kernel
  int columns;  // NR: columns of C in one micro-kernel, a multiple of the vector
  int depth;    // KC: products that are summed from 0 before they are added to C
};

/// How the A panels of a block are stored. A panel holds up to MR rows of A.
enum class PanelLayout : std::uint8_t {
  /// Row r of a panel is contiguous over k, from element r · row_pitch(tile): for operands whose
  /// memory runs along k.
  row_major,
  /// As row_major, with the pitch kShortPitch: for depths of at most kShortDepth.
  short_rows,
  /// The rows of one k are contiguous, from element k · MR: for operands whose memory runs along
  /// the rows.
  depth_major,
};

/// Elements that a copy of a run into a panel may write beyond the run's end.
inline constexpr int kPanelSlack = 16;
inline constexpr int kShortDepth = 32;
inline constexpr int kShortPitch = kShortDepth + kPanelSlack;

/// Elements between the rows of a row_major panel.
constexpr int row_pitch(const GemmTile& tile) { return tile.depth + kPanelSlack; }

/// Columns of C in the widest micro-kernel of `rows` rows, whole panels of B or one at most: as
/// many as leave room in the registers for a row of B and an element of A.
constexpr int wide_columns(const GemmTile& tile, int lanes, int rows) {
  const int registers = tile.rows * (tile.columns / lanes) + 4;
  const int vectors = rows == 1 ? registers / 2 : (registers - 1) / (rows + 1);
  int columns = tile.columns;
  while (columns * 2 <= vectors * lanes) columns *= 2;
  return columns;
}

/// Elements between the starts of two A panels of `depth` products.
constexpr std::int64_t panel_stride(const GemmTile& tile, PanelLayout layout, std::int64_t depth) {
  switch (layout) {
    case PanelLayout::row_major:
      return std::int64_t{tile.rows} * row_pitch(tile);
    case PanelLayout::short_rows:
      return std::int64_t{tile.rows} * kShortPitch;
    case PanelLayout::depth_major:
      break;
  }
  return tile.rows * depth + kPanelSlack;
}

/// Elements that lie behind each other in every row of a panel, and those left out after them.
struct DepthRun {
  std::int64_t length, gap;
};

/// C[rows × columns] = (accumulate ? C : 0) + A[rows × depth] · B[depth × columns], then + bias,
/// then + residual, then the activation, for one block with depth ≤ KC. Every element is one chain
/// of fused multiply-adds from 0 in rising k (a product and a sum, each rounded, on the portable
/// table), added to C: the same for every position in the block.
template <class T>
struct GemmBlock {
  /// Panels of panel_rows rows, the last may have fewer. Element (row, k) of a panel is
  /// row · row_step + k · depth_step elements from its start: packed, or as A lies in memory.
  const T* a;
  std::int64_t row_step, depth_step;
  /// Where rows are cut into runs, with depth_step 1: those that the depth needs; or null.
  const DepthRun* runs;
  /// Where the second half of a panel of panel_rows rows begins, when that is an even number and
  /// the halves do not follow each other; or 0. Runs and steps are those of both.
  std::int64_t half_step;
  int panel_rows;               // 1 to MR
  std::int64_t a_panel_stride;  // elements
  const T* b;                   // panels of NR columns, all NR readable for every k
  std::int64_t b_pitch;         // elements between two k of a panel
  std::int64_t b_panel_stride;  // elements
  /// B's columns lie side by side, `columns` of them, a multiple of the vector: b_panel_stride is
  /// NR.
  bool b_in_place;
  T* c;  // row r starts at c + row_offsets[r], its columns contiguous
  const std::int64_t* row_offsets;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t depth;
  bool accumulate;
  Activation activation;
  const T* bias;      // `columns` elements, or null
  const T* residual;  // row r starts at residual + row_offsets[r]; or null
  /// Writes C past the caches: for a C that will have left them before it is read. Only when
  /// every row starts at a multiple of the vector's size.
  bool stream;
  /// Takes the panels of B one after the other, each with all of A, else those of A with all of B.
  bool columns_first;
  /// Without columns_first, what the caches are asked for meanwhile: `rows` rows of `depth`
  /// elements, wherever they lie, as these are hints alone; nothing when next_pitch is 0, as it is
  /// with runs.
  const T* next;
  std::int64_t next_pitch;
};

/// fma_peak(rounds) runs kFmaChains independent chains of `rounds` fused multiply-adds on whole
/// vectors and returns a value that depends on all: 2 · kFmaChains · lanes · rounds operations.
inline constexpr int kFmaChains = 12;

}  // namespace stridenet
