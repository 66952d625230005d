#include "ops/gemm.h"

#include <algorithm>
#include <cstring>

#include "core/arena.h"

namespace stridenet {

namespace {

constexpr std::int64_t kTasks = 16;  // wanted at least
constexpr std::int64_t kOperationsOfOneThread = 200'000;

// Panels of A should stay in the second cache, short ones in the first.
constexpr std::int64_t kBlockBytes = 192 << 10;
constexpr std::int64_t kShortBlockBytes = 48 << 10;

// A result beyond this is written past the caches.
constexpr std::int64_t kStreamedBytes = 32 << 20;

// Of ReducingGemm's tasks.
constexpr std::int64_t kReducingRowPanels = 40;
constexpr std::int64_t kReducingColumnPanels = 24;

/// What a thread packs into.
struct Buffers {
  static constexpr std::size_t kBytes = kThreadBytes;
  static constexpr std::size_t kABytes = std::size_t{640} << 10;
  static constexpr std::size_t kBBytes = std::size_t{1344} << 10;
  static constexpr std::int64_t kOffsets =
      static_cast<std::int64_t>((kBytes - kABytes - kBBytes) / sizeof(std::int64_t));
  Arena arena{kBytes};

  template <class T>
  T* a() {
    return reinterpret_cast<T*>(arena.data());
  }
  template <class T>
  T* b() {
    return reinterpret_cast<T*>(arena.data() + kABytes);
  }
  std::int64_t* offsets() {
    return reinterpret_cast<std::int64_t*>(arena.data() + kABytes + kBBytes);
  }
};

Buffers& thread_buffers() {
  thread_local Buffers buffers;
  return buffers;
}

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// A cut of `count` rows or columns into panels, and of the panels into blocks.
struct Cut {
  std::int64_t panel;  // rows of a panel
  std::int64_t block;  // rows of a block
  std::int64_t blocks;
};

Cut make_cut(std::int64_t count, std::int64_t panel, std::int64_t panels_a_block) {
  const std::int64_t block = panel * panels_a_block;
  return {panel, block, ceil_divide(count, block)};
}

/// Panels of equal height, so that the last is not a small one.
std::int64_t even_panel(std::int64_t rows, std::int64_t most) {
  return rows == 0 ? most : ceil_divide(rows, ceil_divide(rows, most));
}

template <class T>
PanelLayout choose_layout(const Gemm<T>& problem) {
  if (problem.depth_major) return PanelLayout::depth_major;
  return problem.depth <= kShortDepth ? PanelLayout::short_rows : PanelLayout::row_major;
}

template <class T>
Cut cut_rows(const Gemm<T>& problem, const GemmTile& tile, PanelLayout layout, std::int64_t depth) {
  const std::int64_t bytes =
      panel_stride(tile, layout, depth) * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t budget = layout == PanelLayout::short_rows ? kShortBlockBytes : kBlockBytes;
  const std::int64_t panel = even_panel(problem.rows, tile.rows);
  const std::int64_t panels = ceil_divide(problem.rows, panel);
  const std::int64_t most =
      std::clamp<std::int64_t>(budget / bytes, 1, Buffers::kOffsets / tile.rows);
  return make_cut(problem.rows, panel,
                  std::clamp<std::int64_t>(ceil_divide(panels, kTasks), 1, most));
}

template <class T>
Cut cut_columns(std::int64_t columns, const GemmTile& tile, std::int64_t row_blocks) {
  const std::int64_t panels = ceil_divide(columns, tile.columns);
  const std::int64_t blocks = std::clamp<std::int64_t>(kTasks / row_blocks, 1, panels);
  return make_cut(columns, tile.columns, ceil_divide(panels, blocks));
}

/// Whether C is written in one pass and is too large to be found in a cache later.
template <class T>
bool streams(const Gemm<T>& problem, int lanes) {
  const std::int64_t bytes = static_cast<std::int64_t>(sizeof(T));
  return problem.aligned_rows && reinterpret_cast<std::uintptr_t>(problem.c) % 64 == 0 &&
         problem.columns % lanes == 0 && problem.rows * problem.columns >= kStreamedBytes / bytes;
}

/// One task: rows × columns of C over the whole depth.
template <class T>
void gemm_task(const Kernels<T>& kernels, const Gemm<T>& problem, PanelLayout layout,
               const Cut& rows, std::int64_t row, std::int64_t column, std::int64_t columns) {
  Buffers& buffers = thread_buffers();
  const GemmTile& tile = kernels.tile;
  const std::int64_t step = block_depth(tile, problem.depth);
  const std::int64_t count = std::min(rows.block, problem.rows - row);
  problem.row_offsets(row, count, buffers.offsets());

  GemmBlock<T> block = {};
  block.a = buffers.a<T>();
  block.layout = layout;
  block.panel_rows = static_cast<int>(rows.panel);
  block.b_pitch = tile.columns;
  block.b_panel_stride = problem.depth * tile.columns;
  block.c = problem.c + column;
  block.row_offsets = buffers.offsets();
  block.rows = count;
  block.columns = columns;
  std::int64_t k = 0;
  do {
    block.depth = std::min(step, problem.depth - k);
    block.a_panel_stride = panel_stride(tile, layout, block.depth);
    if (block.depth > 0) {
      problem.pack_a({row, count, k, block.depth},
                     {buffers.a<T>(), layout, block.panel_rows, tile.rows, block.a_panel_stride});
    }
    block.b = problem.b + column * problem.depth + k * tile.columns;
    block.accumulate = k > 0;
    k += block.depth;
    if (k == problem.depth) {
      block.stream = streams(problem, kernels.lanes);
      block.activation = problem.activation;
      block.bias = problem.bias == nullptr ? nullptr : problem.bias + column;
      block.residual = problem.residual == nullptr ? nullptr : problem.residual + column;
    }
    kernels.gemm_block(block);
  } while (k < problem.depth);
}

}  // namespace

std::int64_t block_depth(const GemmTile& tile, std::int64_t depth) {
  return depth == 0 ? 1 : ceil_divide(depth, ceil_divide(depth, tile.depth));
}

std::byte* thread_memory() { return thread_buffers().arena.data(); }

Run limit_threads(const Run& run, std::int64_t operations) {
  Run limited = run;
  if (operations < kOperationsOfOneThread) limited.threads = 1;
  return limited;
}

template <class T>
void pack_b(const Run& run, const GemmTile& tile, std::int64_t depth, std::int64_t columns, T* to,
            function_ref<void(std::int64_t, std::int64_t, T*)> pack) {
  const std::int64_t panels = ceil_divide(columns, tile.columns);
  // Moving an element costs as much as a good number of operations.
  limit_threads(run, depth * columns * 16).parallel_for(panels, [&](std::int64_t panel) {
    const std::int64_t first = panel * tile.columns;
    pack(first, std::min<std::int64_t>(tile.columns, columns - first), to + first * depth);
  });
}

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem) {
  if (problem.rows == 0 || problem.columns == 0) return;
  const PanelLayout layout = choose_layout(problem);
  const Cut rows =
      cut_rows(problem, kernels.tile, layout, block_depth(kernels.tile, problem.depth));
  const Cut columns = cut_columns<T>(problem.columns, kernels.tile, rows.blocks);
  const Run limited = limit_threads(
      run,
      static_cast<std::int64_t>(std::min(
          1e15, 2.0 * static_cast<double>(problem.rows) * static_cast<double>(problem.columns) *
                    static_cast<double>(std::max<std::int64_t>(problem.depth, 8)))));
  limited.parallel_for(rows.blocks * columns.blocks, [&](std::int64_t task) {
    const std::int64_t column = task % columns.blocks * columns.block;
    gemm_task(kernels, problem, layout, rows, task / columns.blocks * rows.block, column,
              std::min(columns.block, problem.columns - column));
  });
}

namespace {

/// One task of ReducingGemm: a block of one chunk's C.
template <class T>
void reducing_task(const Kernels<T>& kernels, const ReducingGemm<T>& problem, const Cut& rows,
                   const Cut& columns, bool direct, std::int64_t task) {
  Buffers& buffers = thread_buffers();
  const GemmTile& tile = kernels.tile;
  const std::int64_t column = task % columns.blocks * columns.block;
  const std::int64_t row = task / columns.blocks % rows.blocks * rows.block;
  const std::int64_t chunk = task / (columns.blocks * rows.blocks);
  const std::int64_t chunk_depth = problem.chunk_depth();
  const std::int64_t start = std::min(chunk * chunk_depth, problem.depth);
  const std::int64_t end = std::min(start + chunk_depth, problem.depth);
  const std::int64_t step = block_depth(tile, chunk_depth);

  GemmBlock<T> block = {};
  block.layout = PanelLayout::depth_major;
  block.panel_rows = static_cast<int>(rows.panel);
  block.a = buffers.a<T>();
  block.rows = std::min(rows.block, problem.rows - row);
  block.columns = std::min(columns.block, problem.columns - column);
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
  const std::int64_t panel = even_panel(problem.rows, tile.rows);
  const std::int64_t row_panels = ceil_divide(problem.rows, panel);
  const std::int64_t column_panels = ceil_divide(problem.columns, tile.columns);
  // Every block of columns packs A anew, so columns are shared out only when chunks are few.
  const std::int64_t wanted =
      problem.chunks >= kTasks / 2 ? 1 : ceil_divide(kTasks, problem.chunks);
  const std::int64_t row_share = std::clamp<std::int64_t>(row_panels, 1, kReducingRowPanels);
  const std::int64_t row_blocks = ceil_divide(row_panels, row_share);
  const std::int64_t column_share = std::clamp<std::int64_t>(
      ceil_divide(column_panels * row_blocks, wanted), 1, kReducingColumnPanels);
  const Cut rows = make_cut(problem.rows, panel, row_share);
  const Cut columns = make_cut(problem.columns, tile.columns, column_share);
  const bool direct = problem.direct_b != nullptr && problem.columns % tile.columns == 0 &&
                      (column_panels == 1 || row_panels == 1);
  run.parallel_for(problem.chunks * rows.blocks * columns.blocks, [&](std::int64_t task) {
    reducing_task(kernels, problem, rows, columns, direct, task);
  });
}

template <class T>
void copy_rows(const GemmTile& tile, const T* from, std::int64_t pitch, const PackRange& range,
               const PanelTarget<T>& to) {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
  const int row_step = to.layout == PanelLayout::short_rows ? kShortPitch : row_pitch(tile);
  for (std::int64_t i = 0; i < range.count; ++i) {
    // The next part of the depth is read soon after, from many rows: too short for the hardware to
    // see them coming.
    const T* next = from + (range.first + i) * pitch + range.k + range.depth;
    const std::int64_t more = std::min(range.depth, pitch - range.k - range.depth);
    for (std::int64_t j = 0; j < more; j += kLine) __builtin_prefetch(next + j, 0, 2);
    std::memcpy(to.data + i / to.panel_rows * to.stride + i % to.panel_rows * row_step,
                from + (range.first + i) * pitch + range.k,
                static_cast<std::size_t>(range.depth) * sizeof(T));
  }
}

#define STRIDENET_INSTANTIATE(T)                                                        \
  template void pack_b<T>(const Run&, const GemmTile&, std::int64_t, std::int64_t, T*,  \
                          function_ref<void(std::int64_t, std::int64_t, T*)>);          \
  template void gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&);                 \
  template void gemm<T>(const Run&, const Kernels<T>&, const ReducingGemm<T>&);         \
  template void copy_rows<T>(const GemmTile&, const T*, std::int64_t, const PackRange&, \
                             const PanelTarget<T>&);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
