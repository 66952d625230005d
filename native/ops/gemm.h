#pragma once

#include <cstddef>
#include <cstdint>

#include "core/function_ref.h"
#include "kernels/table.h"
#include "ops/operator.h"

namespace stridenet {

// Matrix products over the kernels' panels. Every element of C is one chain over k whose order
// depends on the ISA, the element type and the depth alone: blocks of block_depth() are summed
// from 0 in rising k, the blocks are added in order, then the bias, the residual and the
// activation. The cut into tasks and the number of threads do not change it.
//
// Panels of A, and of B when it is packed by task, lie in 2 MiB that each thread allocates at its
// first product and keeps; packing functions run on the thread of their task.

/// The depth of all blocks of a sum of `depth` products but the last.
std::int64_t block_depth(const GemmTile& tile, std::int64_t depth);

/// Rows or columns of an operand and the part of the depth that a packing function must deliver.
struct PackRange {
  std::int64_t first, count;
  std::int64_t k, depth;
};

// The operands share their packing: of B, the columns take the place of A's rows.
template <class T>
using PackB = function_ref<void(const PackRange& range, const PanelTarget<T>& to)>;
template <class T>
using PackA = function_ref<void(const PackRange& range, const PanelTarget<T>& to)>;

/// Elements between the panels of a B that is packed whole: those of a panel, and some more when
/// the panels would otherwise compete for the same places of a cache.
template <class T>
std::int64_t packed_panel_stride(const GemmTile& tile, std::int64_t depth);

/// Elements of B packed whole: panels of NR columns, each over the full depth. Columns beyond the
/// last must be finite or 0, as they are multiplied.
template <class T>
std::int64_t packed_b_elements(const GemmTile& tile, std::int64_t depth, std::int64_t columns) {
  return (columns + tile.columns - 1) / tile.columns * packed_panel_stride<T>(tile, depth);
}

/// Packs `count` columns of B from `first` over the whole depth to one panel.
template <class T>
using PackPanel = function_ref<void(std::int64_t first, std::int64_t count, T* panel)>;

/// Packs B by panels in parallel.
template <class T>
void pack_b(const Run& run, const GemmTile& tile, std::int64_t depth, std::int64_t columns, T* to,
            PackPanel<T> pack);

/// An operand in memory: element (row, k) at data + row · row_step + k · depth_step.
template <class T>
struct MatrixRows {
  const T* data;
  std::int64_t row_step, depth_step;
};

/// C[rows × columns] = A · B (+ bias)(+ residual)(, activation) for a B that is packed whole.
template <class T>
struct Gemm {
  std::int64_t rows, columns, depth;
  bool depth_major;  // A's panels: depth_major, else one of the row-major layouts
  PackA<T> pack_a;
  const T* b;
  T* c;
  /// Writes the elements from c to the starts of `count` rows from `first`.
  function_ref<void(std::int64_t first, std::int64_t count, std::int64_t* offsets)> row_offsets;
  const T* bias = nullptr;
  Activation activation = Activation::none;
  /// Every row offset is a multiple of 64 bytes, so that a large C may bypass the caches.
  bool aligned_rows = false;
  /// Laid out as C, sharing no memory with it; or null.
  const T* residual = nullptr;
  /// A, when it is a matrix in memory: it may then be used without packing.
  MatrixRows<T> a = {};
};

/// Whether C may bypass the caches and is too large to be found in one later.
template <class T>
bool streams(const Gemm<T>& problem, int lanes);

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem);

/// A B that is not packed before its product.
template <class T>
struct UnpackedB {
  /// Packs range.count ≤ NR columns from range.first to one panel: row k of the range to
  /// panel[(k − range.k) · NR], 0 for missing columns.
  function_ref<void(const PackRange& range, T* panel)> pack;
  /// pack() delivers no part of the depth.
  bool whole_depth = false;
  /// Row k at rows + k · pitch, its columns side by side; or null.
  const T* rows = nullptr;
  std::int64_t pitch = 0;
};

/// gemm() of such a B (problem.b is not read). With few rows it is used as it lies, or packed by
/// the tasks; else packed to `packed`, of packed_b_elements(), which is left alone otherwise.
template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem, const UnpackedB<T>& b,
          T* packed);

/// Whether gemm() packs such a B, from which pack() delivers parts of the depth, before a product
/// of `rows` rows of `a`.
template <class T>
bool packs_before(const GemmTile& tile, std::int64_t rows, const MatrixRows<T>& a, bool in_place);

/// Products with a long depth and a small C: A · B for each of `chunks` parts of the depth, each
/// to a C of its own. Both operands are packed by the task; A depth_major.
template <class T>
struct ReducingGemm {
  std::int64_t rows, columns, depth;
  std::int64_t chunks;  // at least 1; the depth of all but the last is chunk_depth()
  PackA<T> pack_a;
  PackB<T> pack_b;
  /// B as it lies in memory, row k at direct_b + k · columns, to be used without packing when
  /// that needs no tail; or null.
  const T* direct_b = nullptr;
  T* c;  // chunk i at c + i · rows · columns, row-major

  std::int64_t chunk_depth() const { return chunks == 0 ? 0 : (depth + chunks - 1) / chunks; }
};

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const ReducingGemm<T>& problem);

/// Memory that each thread allocates when it first asks and keeps: kThreadBytes, at 64 bytes. A
/// product on this thread overwrites it.
inline constexpr std::int64_t kThreadBytes = std::int64_t{2} << 20;
std::byte* thread_memory();

/// `run` on one thread when `operations` are too few to share.
Run limit_threads(const Run& run, std::int64_t operations);

/// Row offsets of a matrix with contiguous rows `pitch` elements apart.
inline void row_starts(std::int64_t pitch, std::int64_t first, std::int64_t count,
                       std::int64_t* to) {
  std::int64_t start = first * pitch;
  for (std::int64_t i = 0; i < count; ++i, start += pitch) to[i] = start;
}

/// Copies rows that are contiguous along k to row-major panels.
template <class T>
void copy_rows(const GemmTile& tile, const T* from, std::int64_t pitch, const PackRange& range,
               const PanelTarget<T>& to);

}  // namespace stridenet
