#include "ops/gemm.h"

#include <algorithm>
#include <limits>

#include "core/thread_pool.h"
#include "ops/gemm_parts.h"

namespace stridenet {

namespace {

constexpr std::int64_t kOperationsOfOneThread = 200'000;

// A is packed for that much: in rows to the first cache; depth_major, whose memory runs across the
// panels, to the second.
constexpr std::int64_t kPackedRowBytes = 16 << 10;
constexpr std::int64_t kPackedDepthBytes = 192 << 10;

// Row panels from which on they are shared out before the columns, and the least of them in a task
// that has to read a B from beyond the second cache; twice as many where threads then end sooner.
constexpr std::int64_t kManyRowPanels = 8;
constexpr std::int64_t kLeastRowPanels = 10;

// What a task that has to read such a B costs besides, in row panels.
constexpr std::int64_t kPanelsOfReading = 2;

// Row panels up to which B is read where it lies, or packed by the task that uses it: when A need
// not be packed for each of these tasks anew, and when it must.
constexpr std::int64_t kPanelsInPlace[] = {20, 5};
constexpr std::int64_t kPanelsPacked[] = {4, 1};

// A result beyond this is written past the caches.
constexpr std::int64_t kStreamedBytes = 20 << 20;

template <class T>
PanelLayout choose_layout(const Gemm<T>& problem) {
  if (problem.depth_major) return PanelLayout::depth_major;
  return problem.depth <= kShortDepth ? PanelLayout::short_rows : PanelLayout::row_major;
}

/// Whether the rows of a panel may be read where they lie: not when more of them compete for the
/// same places of the first cache than it has ways.
template <class T>
bool lies_well(const MatrixRows<T>& a, std::int64_t panel_rows) {
  constexpr std::int64_t kPeriod = 4096;
  constexpr std::int64_t kLine = 64;
  constexpr std::int64_t kWays = 8;
  if (a.data == nullptr || a.depth_step != 1) return false;
  const std::int64_t rest = a.row_step * static_cast<std::int64_t>(sizeof(T)) % kPeriod;
  return panel_rows <= kWays || (rest >= kLine && rest <= kPeriod - kLine);
}

std::int64_t count_threads(const Run& run) {
  const int all = ThreadPool::instance().threads();
  return run.threads > 0 ? std::min(run.threads, all) : all;
}

/// How a product is cut.
struct Plan {
  PanelLayout layout;
  bool direct;             // A is read where it lies
  std::int64_t step;       // of the depth
  std::int64_t pack_rows;  // packed at a time
  Cut rows, columns;
};

/// Row panels of a task, from `least` to `most`, such that `threads` that take the tasks in turns
/// end soon; `parts` tasks have the same rows.
std::int64_t share_rows(std::int64_t panels, std::int64_t parts, std::int64_t threads,
                        std::int64_t least, std::int64_t most) {
  std::int64_t best = least;
  std::int64_t best_cost = std::numeric_limits<std::int64_t>::max();
  for (std::int64_t blocks = ceil_divide(panels, most); blocks <= ceil_divide(panels, least);
       ++blocks) {
    const std::int64_t share = ceil_divide(panels, blocks);
    const std::int64_t turns = ceil_divide(ceil_divide(panels, share) * parts, threads);
    const std::int64_t cost = turns * (share + kPanelsOfReading);
    if (cost >= best_cost) continue;
    best = share;
    best_cost = cost;
  }
  return best;
}

/// The cut depends on the threads: it does not change what an element is summed from.
template <class T>
Plan make_plan(const Gemm<T>& problem, const Kernels<T>& kernels, std::int64_t threads) {
  const GemmTile& tile = kernels.tile;
  constexpr std::int64_t size = sizeof(T);
  Plan plan = {};
  plan.layout = choose_layout(problem);
  plan.step = block_depth(tile, problem.depth);
  const std::int64_t panel = even_piece(problem.rows, tile.rows);
  plan.direct = lies_well(problem.a, panel);
  const std::int64_t row_panels = ceil_divide(problem.rows, panel);
  const std::int64_t column_panels = ceil_divide(problem.columns, tile.columns);
  const std::int64_t slab_panels =
      std::max<std::int64_t>(1, kSlabBytes / (plan.step * tile.columns * size));
  std::int64_t column_blocks = ceil_divide(column_panels, slab_panels);
  if (row_panels <= kManyRowPanels) {
    column_blocks =
        std::max(column_blocks, std::min(column_panels, ceil_divide(kTasks, row_panels)));
  }
  if (problem.rows == panel) {
    // Tiles of few rows are several panels wide.
    const std::int64_t width =
        wide_columns(tile, kernels.lanes, static_cast<int>(panel)) / tile.columns;
    column_blocks = std::max(ceil_divide(column_panels, width), std::min(column_panels, threads));
  }
  plan.columns = make_cut(problem.columns, tile.columns, ceil_divide(column_panels, column_blocks));

  const bool resident = problem.depth * problem.columns * size <= kSlabBytes;
  const std::int64_t least = resident ? 1 : std::min(row_panels, kLeastRowPanels);
  std::int64_t most = Buffers::kOffsets / tile.rows;
  if (plan.step < problem.depth) {
    const std::int64_t columns = plan.columns.most_panels() * tile.columns;
    most = std::clamp(kResultBytes / (panel * columns * size), least, most);
  }
  std::int64_t share =
      std::clamp(ceil_divide(row_panels * plan.columns.blocks, kTasks), least, most);
  if (!resident) {
    share = share_rows(row_panels, plan.columns.blocks, threads, share,
                       std::max(share, 2 * kLeastRowPanels));
  }
  plan.rows = make_cut(problem.rows, panel, share);
  const std::int64_t budget =
      plan.layout == PanelLayout::depth_major ? kPackedDepthBytes : kPackedRowBytes;
  plan.pack_rows = panel * std::max<std::int64_t>(
                               1, budget / (panel_stride(tile, plan.layout, plan.step) * size));
  return plan;
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

/// Where a task finds the rows of B of one block of the depth.
template <class T>
struct BlockOfB {
  const T* data;
  std::int64_t pitch, panel_stride;
  bool in_place = false;
};
template <class T>
using FindB = function_ref<BlockOfB<T>(std::int64_t k, std::int64_t depth)>;

/// A part of C.
struct Part {
  std::int64_t row, rows;
  std::int64_t column, columns;
};

/// One task: a part of C over the whole depth.
template <class T>
void gemm_task(const Kernels<T>& kernels, const Gemm<T>& problem, const Plan& plan,
               const Part& part, FindB<T> find_b) {
  std::int64_t* offsets = thread_buffers().offsets();
  GemmBlock<T> block = {};
  block.panel_rows = static_cast<int>(plan.rows.panel);
  block.c = problem.c + part.column;
  block.row_offsets = offsets;
  block.rows = part.rows;
  block.columns = part.columns;
  problem.row_offsets(part.row, block.rows, offsets);
  std::int64_t k = 0;
  do {
    block.depth = std::min(plan.step, problem.depth - k);
    const BlockOfB<T> b = find_b(k, block.depth);
    block.b = b.data;
    block.b_pitch = b.pitch;
    block.b_panel_stride = b.panel_stride;
    block.b_in_place = b.in_place;
    block.accumulate = k > 0;
    if (k + block.depth == problem.depth) {
      block.stream = streams(problem, kernels.lanes);
      block.activation = problem.activation;
      block.bias = problem.bias == nullptr ? nullptr : problem.bias + part.column;
      block.residual = problem.residual == nullptr ? nullptr : problem.residual + part.column;
    }
    multiply_rows(kernels, problem, plan, part.row, k, block);
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

Buffers& thread_buffers() {
  thread_local Buffers buffers;
  return buffers;
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
  const GemmTile& tile = kernels.tile;
  const Plan plan = make_plan(problem, kernels, count_threads(run));
  const std::int64_t stride = packed_panel_stride<T>(tile, problem.depth);
  limit_threads(run, count_operations(problem.rows, problem.columns, problem.depth))
      .parallel_for(plan.rows.blocks * plan.columns.blocks, [&](std::int64_t task) {
        const std::int64_t row = task / plan.columns.blocks;
        const std::int64_t column = task % plan.columns.blocks;
        const T* b = problem.b + plan.columns.first(column) / tile.columns * stride;
        gemm_task<T>(kernels, problem, plan,
                     {plan.rows.first(row), plan.rows.size(row), plan.columns.first(column),
                      plan.columns.size(column)},
                     [&](std::int64_t k, std::int64_t) -> BlockOfB<T> {
                       return {b + k * tile.columns, tile.columns, stride};
                     });
      });
}

namespace {

/// One task with a B that it packs, of at most NR columns.
template <class T>
void packing_task(const Kernels<T>& kernels, const Gemm<T>& problem, const Plan& plan,
                  const Part& part, const UnpackedB<T>& b) {
  const std::int64_t width = kernels.tile.columns;
  T* panel = thread_buffers().b<T>();
  gemm_task<T>(kernels, problem, plan, part,
               [&](std::int64_t k, std::int64_t depth) -> BlockOfB<T> {
                 if (b.whole_depth) {
                   if (k == 0) b.pack({part.column, part.columns, 0, problem.depth}, panel);
                   return {panel + k * width, width, 0};
                 }
                 b.pack({part.column, part.columns, k, depth}, panel);
                 return {panel, width, 0};
               });
}

/// Products with so few rows that B is not packed before them. The columns are cut into tasks, of a
/// B in place the rows too; what it has beyond its last whole vector is a column of tasks that
/// pack.
template <class T>
void multiply_few_rows(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem,
                       const UnpackedB<T>& b) {
  const GemmTile& tile = kernels.tile;
  const bool in_place = b.rows != nullptr;
  const std::int64_t threads = count_threads(run);
  Plan plan = make_plan(problem, kernels, threads);
  const std::int64_t panel = plan.rows.panel;
  const std::int64_t row_panels = ceil_divide(problem.rows, panel);
  const std::int64_t whole = problem.columns - (in_place ? problem.columns % kernels.lanes : 0);
  const std::int64_t width =
      in_place ? wide_columns(tile, kernels.lanes, static_cast<int>(panel)) : tile.columns;
  const std::int64_t share = in_place ? ceil_divide(whole, width * kTasks) : 1;
  plan.columns = make_cut(whole, width, std::max<std::int64_t>(1, share));
  // As many for each thread: those that have one more would be waited for.
  plan.columns.blocks =
      std::min(plan.columns.panels, ceil_divide(plan.columns.blocks, threads) * threads);
  const std::int64_t column_tasks = plan.columns.blocks + (whole < problem.columns ? 1 : 0);
  plan.rows = make_cut(problem.rows, panel,
                       in_place ? ceil_divide(row_panels * column_tasks, kTasks) : row_panels);
  // As of packing, moving an element of B costs as much as a good number of operations.
  limit_threads(run, count_operations(problem.rows + 8, problem.columns, problem.depth))
      .parallel_for(plan.rows.blocks * column_tasks, [&](std::int64_t task) {
        const std::int64_t row = task / column_tasks;
        const std::int64_t column = task % column_tasks;
        const bool rest = column == plan.columns.blocks;
        const Part part = {plan.rows.first(row), plan.rows.size(row), plan.columns.first(column),
                           rest ? problem.columns - whole : plan.columns.size(column)};
        if (!in_place || rest) return packing_task(kernels, problem, plan, part, b);
        gemm_task<T>(kernels, problem, plan, part,
                     [&](std::int64_t k, std::int64_t) -> BlockOfB<T> {
                       return {b.rows + k * b.pitch + part.column, b.pitch, tile.columns, true};
                     });
      });
}

}  // namespace

template <class T>
bool packs_before(const GemmTile& tile, std::int64_t rows, const MatrixRows<T>& a, bool in_place) {
  const int packs_a = lies_well(a, even_piece(rows, tile.rows)) ? 0 : 1;
  return rows > tile.rows * (in_place ? kPanelsInPlace : kPanelsPacked)[packs_a];
}

template <class T>
void gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem, const UnpackedB<T>& b,
          T* packed) {
  if (problem.rows == 0 || problem.columns == 0) return;
  const GemmTile& tile = kernels.tile;
  // A whole panel stays in the second cache for one panel of rows at best.
  const std::size_t panel_bytes =
      static_cast<std::size_t>(tile.columns * problem.depth + kPanelSlack) * sizeof(T);
  const bool packs = b.whole_depth ? problem.rows > tile.rows || panel_bytes > Buffers::kBBytes
                                   : packs_before(tile, problem.rows, problem.a, b.rows != nullptr);
  if (!packs) {
    return multiply_few_rows(run, kernels, problem, b);
  }
  pack_b<T>(run, tile, problem.depth, problem.columns, packed,
            [&](std::int64_t first, std::int64_t count, T* panel) {
              b.pack({first, count, 0, problem.depth}, panel);
            });
  Gemm<T> whole = problem;
  whole.b = packed;
  gemm(run, kernels, whole);
}

#define STRIDENET_INSTANTIATE(T)                                                                 \
  template bool streams<T>(const Gemm<T>&, int);                                                 \
  template void gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&);                          \
  template void gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&, const UnpackedB<T>&, T*); \
  template bool packs_before<T>(const GemmTile&, std::int64_t, const MatrixRows<T>&, bool);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
