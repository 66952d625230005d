#include "ops/gemm.h"

#include <algorithm>

#include "core/arena.h"

namespace stridenet {

namespace {

constexpr std::int64_t kTasks = 32;  // wanted at least
constexpr std::int64_t kOperationsOfOneThread = 200'000;

// What a task holds in the second cache: the part of B that all its rows pass, and its part of C
// when that is added to again.
constexpr std::int64_t kSlabBytes = 512 << 10;
constexpr std::int64_t kResultBytes = 256 << 10;

// A is packed for that much: in rows to the first cache; depth_major, whose memory runs across the
// panels, to the second.
constexpr std::int64_t kPackedRowBytes = 16 << 10;
constexpr std::int64_t kPackedDepthBytes = 192 << 10;

// Row panels from which on they are shared out before the columns, and the least of them in a task
// that has to read a B from beyond the second cache.
constexpr std::int64_t kManyRowPanels = 8;
constexpr std::int64_t kLeastRowPanels = 10;

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

/// Whether the rows of a panel may be read where they lie: not when they compete for the same
/// places of the first cache.
template <class T>
bool lies_well(const MatrixRows<T>& a) {
  constexpr std::int64_t kPeriod = 2048;
  constexpr std::int64_t kLine = 64;
  if (a.data == nullptr || a.depth_step != 1) return false;
  const std::int64_t rest = a.row_step * static_cast<std::int64_t>(sizeof(T)) % kPeriod;
  return rest >= kLine && rest <= kPeriod - kLine;
}

/// How a product is cut.
struct Plan {
  PanelLayout layout;
  bool direct;             // A is read where it lies
  std::int64_t step;       // of the depth
  std::int64_t pack_rows;  // packed at a time
  Cut rows, columns;
};

template <class T>
Plan make_plan(const Gemm<T>& problem, const GemmTile& tile) {
  constexpr std::int64_t size = sizeof(T);
  Plan plan = {};
  plan.layout = choose_layout(problem);
  plan.direct = lies_well(problem.a);
  plan.step = block_depth(tile, problem.depth);
  const std::int64_t panel = even_panel(problem.rows, tile.rows);
  const std::int64_t row_panels = ceil_divide(problem.rows, panel);
  const std::int64_t column_panels = ceil_divide(problem.columns, tile.columns);
  const std::int64_t slab_panels =
      std::max<std::int64_t>(1, kSlabBytes / (plan.step * tile.columns * size));
  std::int64_t column_blocks = ceil_divide(column_panels, slab_panels);
  if (row_panels <= kManyRowPanels) {
    column_blocks =
        std::max(column_blocks, std::min(column_panels, ceil_divide(kTasks, row_panels)));
  }
  plan.columns = make_cut(problem.columns, tile.columns, ceil_divide(column_panels, column_blocks));

  const bool resident = problem.depth * problem.columns * size <= kSlabBytes;
  const std::int64_t least = std::min(row_panels, resident ? 1 : kLeastRowPanels);
  std::int64_t most = Buffers::kOffsets / tile.rows;
  if (plan.step < problem.depth) {
    most = std::clamp(kResultBytes / (panel * plan.columns.block * size), least, most);
  }
  plan.rows =
      make_cut(problem.rows, panel,
               std::clamp(ceil_divide(row_panels * plan.columns.blocks, kTasks), least, most));
  const std::int64_t budget =
      plan.layout == PanelLayout::depth_major ? kPackedDepthBytes : kPackedRowBytes;
  plan.pack_rows = panel * std::max<std::int64_t>(
                               1, budget / (panel_stride(tile, plan.layout, plan.step) * size));
  return plan;
}

/// Steps of packed panels.
void set_steps(const GemmTile& tile, PanelLayout layout, std::int64_t& row, std::int64_t& depth) {
  row = layout == PanelLayout::depth_major  ? 1
        : layout == PanelLayout::short_rows ? kShortPitch
                                            : row_pitch(tile);
  depth = layout == PanelLayout::depth_major ? tile.rows : 1;
}

/// C's rows from `row` on, and A's panels, for one block of the depth that begins at k.
template <class T>
void multiply_rows(const Kernels<T>& kernels, const Gemm<T>& problem, const Plan& plan,
                   std::int64_t row, std::int64_t k, GemmBlock<T>& block) {
  const std::int64_t count = block.rows;
  if (problem.a.data != nullptr && problem.a.depth_step == 1) block.next_pitch = problem.a.row_step;
  if (plan.direct) {
    block.a = problem.a.data + row * problem.a.row_step + k;
    block.row_step = problem.a.row_step;
    block.depth_step = 1;
    block.a_panel_stride = plan.rows.panel * block.row_step;
    block.next = block.a + block.a_panel_stride;
    kernels.gemm_block(block);
    return;
  }
  const std::int64_t* offsets = block.row_offsets;
  T* packed = thread_buffers().a<T>();
  block.a = packed;
  set_steps(kernels.tile, plan.layout, block.row_step, block.depth_step);
  block.a_panel_stride = panel_stride(kernels.tile, plan.layout, block.depth);
  for (std::int64_t first = 0; first < count; first += plan.pack_rows) {
    block.rows = std::min(plan.pack_rows, count - first);
    block.row_offsets = offsets + first;
    if (block.depth > 0) {
      problem.pack_a(
          {row + first, block.rows, k, block.depth},
          {packed, plan.layout, block.panel_rows, kernels.tile.rows, block.a_panel_stride});
    }
    if (block.next_pitch != 0) {
      block.next = problem.a.data + (row + first + block.rows) * block.next_pitch + k;
    }
    kernels.gemm_block(block);
  }
  block.rows = count;
  block.row_offsets = offsets;
}

/// One task: rows × columns of C over the whole depth; b: the panels from `column` on.
template <class T>
void gemm_task(const Kernels<T>& kernels, const Gemm<T>& problem, const Plan& plan,
               std::int64_t row, std::int64_t column, const T* b) {
  const GemmTile& tile = kernels.tile;
  std::int64_t* offsets = thread_buffers().offsets();
  GemmBlock<T> block = {};
  block.panel_rows = static_cast<int>(plan.rows.panel);
  block.b_pitch = tile.columns;
  block.b_panel_stride = packed_panel_stride<T>(tile, problem.depth);
  block.c = problem.c + column;
  block.row_offsets = offsets;
  block.rows = std::min(plan.rows.block, problem.rows - row);
  block.columns = std::min(plan.columns.block, problem.columns - column);
  problem.row_offsets(row, block.rows, offsets);
  std::int64_t k = 0;
  do {
    block.depth = std::min(plan.step, problem.depth - k);
    block.b = b + k * tile.columns;
    block.accumulate = k > 0;
    if (k + block.depth == problem.depth) {
      block.stream = streams(problem, kernels.lanes);
      block.activation = problem.activation;
      block.bias = problem.bias == nullptr ? nullptr : problem.bias + column;
      block.residual = problem.residual == nullptr ? nullptr : problem.residual + column;
    }
    multiply_rows(kernels, problem, plan, row, k, block);
    k += block.depth;
  } while (k < problem.depth);
}

}  // namespace

template <class T>
bool streams(const Gemm<T>& problem, int lanes) {
  const std::int64_t bytes = static_cast<std::int64_t>(sizeof(T));
  return problem.aligned_rows && reinterpret_cast<std::uintptr_t>(problem.c) % 64 == 0 &&
         problem.columns % lanes == 0 && problem.rows * problem.columns >= kStreamedBytes / bytes;
}

std::int64_t block_depth(const GemmTile& tile, std::int64_t depth) {
  return depth == 0 ? 1 : ceil_divide(depth, ceil_divide(depth, tile.depth));
}

std::byte* thread_memory() { return thread_buffers().arena.data(); }

Run limit_threads(const Run& run, std::int64_t operations) {
  Run limited = run;
  if (operations < kOperationsOfOneThread) limited.threads = 1;
  return limited;
}

namespace {

/// Operations of a product, many when they are too many to count.
std::int64_t count_operations(std::int64_t rows, std::int64_t columns, std::int64_t depth) {
  return static_cast<std::int64_t>(
      std::min(1e15, 2.0 * static_cast<double>(rows) * static_cast<double>(columns) *
                         static_cast<double>(std::max<std::int64_t>(depth, 8))));
}

}  // namespace

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem) {
  if (problem.rows == 0 || problem.columns == 0) return;
  const Plan plan = make_plan(problem, kernels.tile);
  const std::int64_t stride = packed_panel_stride<T>(kernels.tile, problem.depth);
  limit_threads(run, count_operations(problem.rows, problem.columns, problem.depth))
      .parallel_for(plan.rows.blocks * plan.columns.blocks, [&](std::int64_t task) {
        const std::int64_t column = task % plan.columns.blocks * plan.columns.block;
        gemm_task(kernels, problem, plan, task / plan.columns.blocks * plan.rows.block, column,
                  problem.b + column / kernels.tile.columns * stride);
      });
}

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem, T* packed,
          PackPanel<T> pack) {
  const GemmTile& tile = kernels.tile;
  const std::size_t panel_bytes =
      static_cast<std::size_t>(tile.columns * problem.depth + kPanelSlack) * sizeof(T);
  if (problem.rows > tile.rows || panel_bytes > Buffers::kBBytes) {
    pack_b(run, tile, problem.depth, problem.columns, packed, pack);
    Gemm<T> whole = problem;
    whole.b = packed;
    return gemm(run, kernels, whole);
  }
  if (problem.rows == 0 || problem.columns == 0) return;
  Plan plan = make_plan(problem, tile);
  plan.rows = make_cut(problem.rows, plan.rows.panel, 1);
  plan.columns = make_cut(problem.columns, tile.columns, 1);
  // As of packing, moving an element of B costs as much as a good number of operations.
  limit_threads(run, count_operations(problem.rows + 8, problem.columns, problem.depth))
      .parallel_for(plan.columns.blocks, [&](std::int64_t task) {
        const std::int64_t column = task * tile.columns;
        T* panel = thread_buffers().b<T>();
        pack(column, std::min<std::int64_t>(tile.columns, problem.columns - column), panel);
        gemm_task<T>(kernels, problem, plan, 0, column, panel);
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
  set_steps(tile, PanelLayout::depth_major, block.row_step, block.depth_step);
  block.panel_rows = static_cast<int>(rows.panel);
  block.columns_first = true;
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

#define STRIDENET_INSTANTIATE(T)                                                          \
  template bool streams<T>(const Gemm<T>&, int);                                          \
  template void gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&);                   \
  template void gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&, T*, PackPanel<T>); \
  template void gemm<T>(const Run&, const Kernels<T>&, const ReducingGemm<T>&);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
