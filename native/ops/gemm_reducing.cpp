#include <algorithm>

#include "ops/gemm_parts.h"

namespace stridenet {

namespace {

// Of a task.
constexpr std::int64_t kReducingRowPanels = 40;
constexpr std::int64_t kReducingColumnPanels = 24;

/// One task of ReducingGemm: a block of one chunk's C.
template <class T>
void reducing_task(const Kernels<T>& kernels, const ReducingGemm<T>& problem, const Cut& rows,
                   const Cut& columns, bool direct, std::int64_t task) {
  Buffers& buffers = thread_buffers();
  const GemmTile& tile = kernels.tile;
  const std::int64_t column_block = task % columns.blocks;
  const std::int64_t row_block = task / columns.blocks % rows.blocks;
  const std::int64_t column = columns.first(column_block);
  const std::int64_t row = rows.first(row_block);
  const std::int64_t chunk = task / (columns.blocks * rows.blocks);
  const std::int64_t chunk_depth = problem.chunk_depth();
  const std::int64_t start = std::min(chunk * chunk_depth, problem.depth);
  const std::int64_t end = std::min(start + chunk_depth, problem.depth);
  const std::int64_t step = block_depth(tile, chunk_depth);

  GemmBlock<T> block = {};
  set_steps(tile, PanelLayout::depth_major, block.row_step, block.depth_step);
  block.panel_rows = static_cast<int>(rows.panel);
  block.columns_first = true;
  block.a = buffers.a<T>();
  block.rows = rows.size(row_block);
  block.columns = columns.size(column_block);
  block.c = problem.c + chunk * problem.rows * problem.columns + column;
  block.row_offsets = buffers.offsets();
  for (std::int64_t i = 0; i < block.rows; ++i) {
    buffers.offsets()[i] = (row + i) * problem.columns;
  }
  std::int64_t k = start;
  do {
    block.depth = std::min(step, end - k);
    block.a_panel_stride = panel_stride(tile, PanelLayout::depth_major, block.depth);
    if (direct) {
      block.b = problem.direct_b + k * problem.columns + column;
      block.b_pitch = problem.columns;
      block.b_panel_stride = tile.columns;
    } else {
      block.b = buffers.b<T>();
      block.b_pitch = tile.columns;
      block.b_panel_stride = block.depth * tile.columns + kPanelSlack;
    }
    if (block.depth > 0) {
      problem.pack_a({row, block.rows, k, block.depth},
                     {buffers.a<T>(), PanelLayout::depth_major, block.panel_rows, tile.rows,
                      block.a_panel_stride});
      if (!direct) {
        problem.pack_b({column, block.columns, k, block.depth},
                       {buffers.b<T>(), PanelLayout::depth_major, tile.columns, tile.columns,
                        block.b_panel_stride});
      }
    }
    block.accumulate = k > start;
    kernels.gemm_block(block);
    k += block.depth;
  } while (k < end);
}

}  // namespace

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const ReducingGemm<T>& problem) {
  if (problem.rows == 0 || problem.columns == 0) return;
  const GemmTile& tile = kernels.tile;
  const std::int64_t panel = even_piece(problem.rows, tile.rows);
  const std::int64_t row_panels = ceil_divide(problem.rows, panel);
  const std::int64_t column_panels = ceil_divide(problem.columns, tile.columns);
  // Every block of columns packs A anew, so columns are shared out only when chunks are few.
  const std::int64_t wanted =
      problem.chunks >= kTasks / 2 ? 1 : ceil_divide(kTasks, problem.chunks);
  // Both operands' panels of one block of the depth have to fit what a thread packs into.
  const std::int64_t step = block_depth(tile, problem.chunk_depth());
  constexpr std::int64_t size = sizeof(T);
  const std::int64_t fit_a = static_cast<std::int64_t>(Buffers::kABytes) /
                             (panel_stride(tile, PanelLayout::depth_major, step) * size);
  const std::int64_t fit_b =
      static_cast<std::int64_t>(Buffers::kBBytes) / ((step * tile.columns + kPanelSlack) * size);
  const std::int64_t row_share =
      std::clamp<std::int64_t>(row_panels, 1, std::min(kReducingRowPanels, fit_a));
  const std::int64_t row_blocks = ceil_divide(row_panels, row_share);
  const std::int64_t column_share = std::clamp<std::int64_t>(
      ceil_divide(column_panels * row_blocks, wanted), 1, std::min(kReducingColumnPanels, fit_b));
  const Cut rows = make_cut(problem.rows, panel, row_share);
  const Cut columns = make_cut(problem.columns, tile.columns, column_share);
  const bool direct = problem.direct_b != nullptr && problem.columns % tile.columns == 0 &&
                      (column_panels == 1 || row_panels == 1);
  run.parallel_for(problem.chunks * rows.blocks * columns.blocks, [&](std::int64_t task) {
    reducing_task(kernels, problem, rows, columns, direct, task);
  });
}

#define STRIDENET_INSTANTIATE(T) \
  template void gemm<T>(const Run&, const Kernels<T>&, const ReducingGemm<T>&);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
