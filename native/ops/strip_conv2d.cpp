#include "ops/strip_conv2d.h"

#include <algorithm>

#include "core/divide.h"
#include "ops/gemm_parts.h"
#include "ops/padded_patches.h"

namespace stridenet {

namespace {

constexpr double kTaskOperations = 2e6;

// Of a strip, which a task holds in the second cache beside its parts of B and C.
constexpr std::int64_t kStripBytes = 384 << 10;

// Elements of a run from which on the loop over runs costs little.
constexpr std::int64_t kLeastRun = 16;

// Packing patches for so many columns costs as much as leaving all rows of panels empty would.
constexpr std::int64_t kColumnsOfPacking = 40;

constexpr std::int64_t kMostOffsets = (std::int64_t{1} << 20) / sizeof(std::int64_t);

/// How images lie in a strip: pixel by pixel, without the channels of other groups.
struct StripShape {
  std::int64_t width, row_step;  // pixels and elements of a row
  std::int64_t span;             // rows that one row of the output grid meets
  std::int64_t run, pieces;      // elements of a run of a patch, runs of a filter row
  std::int64_t stride_h;

  /// Rows that `rows` neighbouring rows of the output grid meet.
  std::int64_t height(std::int64_t rows) const { return (rows - 1) * stride_h + span; }
};

template <class T>
StripShape shape_strips(const Patches<T>& x) {
  StripShape shape = {};
  shape.stride_h = x.stride_h;
  shape.width = (x.out_width - 1) * x.stride_w + (x.taps_w - 1) * x.dilation_w + 1;
  shape.row_step = shape.width * x.channels;
  shape.span = (x.taps_h - 1) * x.dilation_h + 1;
  const bool merged = x.dilation_w == 1 || x.taps_w == 1;
  shape.run = merged ? x.taps_w * x.channels : x.channels;
  shape.pieces = merged ? 1 : x.taps_w;
  return shape;
}

/// Whether neighbouring pixels of a panel do not compete for the same places of the first cache.
template <class T>
bool lies_well(const Patches<T>& x) {
  constexpr std::int64_t kPeriod = 2048 / sizeof(T);
  constexpr std::int64_t kLine = 64 / sizeof(T);
  const std::int64_t step = x.stride_w * x.channels;
  return step < kLine || (step % kPeriod >= kLine && step % kPeriod <= kPeriod - kLine);
}

/// How a product is cut. A task takes `rows` rows of the output grid of one image, or of
/// `images` whole images, and a block of columns.
struct StripCut {
  std::int64_t panel;  // pixels of one row of the grid
  bool pairs;          // a panel and that of the next row, which are whole rows, are one
  std::int64_t images, rows;
  std::int64_t image_blocks, row_blocks;
  std::int64_t columns, column_blocks;
  std::int64_t step;   // of the depth
  std::int64_t group;  // of the depth, that a panel passes before the next one does

  std::int64_t tasks() const { return image_blocks * row_blocks * column_blocks; }
};

template <class T>
double count_operations(const Gemm<T>& problem) {
  return 2 * static_cast<double>(problem.rows) * static_cast<double>(problem.columns) *
         static_cast<double>(problem.depth);
}

/// Shares the rows of the output grid out among at least `blocks` blocks of at most `most` rows.
template <class T>
void cut_rows(const Patches<T>& x, const StripShape& shape, std::int64_t batch, std::int64_t blocks,
              std::int64_t most, StripCut& cut) {
  const std::int64_t row_bytes = shape.row_step * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t image_bytes = shape.height(x.out_height) * row_bytes;
  const std::int64_t rows = std::clamp<std::int64_t>(batch * x.out_height / blocks, 1, most);
  if (rows >= x.out_height && image_bytes <= kStripBytes) {
    cut.rows = x.out_height;
    cut.images = even_piece(batch, std::min(rows / x.out_height, kStripBytes / image_bytes));
  } else {
    const std::int64_t fit = (kStripBytes / row_bytes - shape.span) / x.stride_h + 1;
    cut.rows = even_piece(x.out_height, std::min(rows, fit));
    cut.images = 1;
  }
  cut.image_blocks = ceil_divide(batch, cut.images);
  cut.row_blocks = ceil_divide(x.out_height, cut.rows);
}

template <class T>
StripCut cut_strips(const GemmTile& tile, const Gemm<T>& problem, const Patches<T>& x,
                    const StripShape& shape, std::int64_t batch) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  const auto real = [](std::int64_t value) { return static_cast<double>(value); };
  const std::int64_t panels = ceil_divide(problem.columns, tile.columns);
  const std::int64_t step = block_depth(tile, problem.depth);
  const std::int64_t slab_panels =
      std::max<std::int64_t>(1, kSlabBytes / (step * tile.columns * size));
  const auto wanted = static_cast<std::int64_t>(
      std::clamp(count_operations(problem) / kTaskOperations, 1.0, real(kTasks)));
  const double b_bytes = real(problem.depth) * real(problem.columns) * size;
  const double a_bytes = real(batch) * real(x.height * x.width) * real(x.channels) * size;
  StripCut best = {};
  double best_cost = 0;
  for (std::int64_t blocks = ceil_divide(panels, slab_panels); blocks <= panels; blocks *= 2) {
    StripCut cut = {};
    cut.columns = ceil_divide(panels, blocks) * tile.columns;
    cut.column_blocks = ceil_divide(problem.columns, cut.columns);
    const std::int64_t columns = std::min(cut.columns, problem.columns);
    // What of a panel's patches no other pixel has has to be used often enough.
    if (best.columns != 0 && columns < x.channels) break;
    cut.panel = even_piece(x.out_width, tile.rows);
    cut.pairs = cut.panel == x.out_width && 2 * cut.panel <= tile.rows;
    cut.step = step;
    cut.group = step * std::max<std::int64_t>(1, slab_panels / (cut.columns / tile.columns));
    std::int64_t most = kMostOffsets / x.out_width;
    if (cut.group < problem.depth) {
      most =
          std::min(most, std::max<std::int64_t>(1, kResultBytes / (x.out_width * columns * size)));
    }
    cut_rows(x, shape, batch, ceil_divide(wanted, blocks), most, cut);
    // Memory that the tasks read from beyond the second cache, and what is lost when they are few.
    const double repeated = real(shape.height(cut.rows)) / real(cut.rows * x.stride_h);
    double cost = a_bytes * repeated * real(cut.column_blocks);
    if (b_bytes > kSlabBytes) cost += b_bytes * real(cut.image_blocks * cut.row_blocks);
    cost *= std::max(1.0, real(wanted) / real(cut.tasks()));
    if (best.columns == 0 || cost < best_cost) {
      best = cut;
      best_cost = cost;
    }
  }
  return best;
}

/// Writes the runs of the `depth` elements of a patch from k on, and returns where they begin.
template <class T>
std::int64_t find_runs(const Patches<T>& x, const StripShape& shape, std::int64_t k,
                       std::int64_t depth, DepthRun* runs) {
  const std::int64_t step = x.dilation_w * x.channels;
  const std::int64_t tap_row = x.dilation_h * shape.row_step;
  std::int64_t piece = k / shape.run % shape.pieces;
  std::int64_t offset = k % shape.run;
  const std::int64_t start = k / shape.run / shape.pieces * tap_row + piece * step + offset;
  for (std::int64_t left = depth; left > 0; left -= runs->length, ++runs, offset = 0) {
    const bool ends = ++piece == shape.pieces;
    *runs = {shape.run - offset, (ends ? tap_row - (piece - 1) * step : step) - shape.run};
    if (ends) piece = 0;
  }
  return start;
}

/// What a thread multiplies from.
template <class T>
struct StripMemory {
  static constexpr std::int64_t kOffsetBytes = kMostOffsets * sizeof(std::int64_t);
  std::byte* data = thread_memory();

  std::int64_t* offsets() const { return reinterpret_cast<std::int64_t*>(data); }
  T* strip() const { return reinterpret_cast<T*>(data + kOffsetBytes); }
  /// Of one block of the depth.
  DepthRun* runs() const { return reinterpret_cast<DepthRun*>(data + kOffsetBytes + kStripBytes); }
};

template <class T>
class StripGemm {
 public:
  StripGemm(const Kernels<T>& kernels, const Gemm<T>& problem, const Patches<T>& x,
            std::int64_t batch)
      : kernels_(kernels),
        problem_(problem),
        x_(x),
        batch_(batch),
        shape_(shape_strips(x)),
        cut_(cut_strips(kernels.tile, problem, x, shape_, batch)) {}

  std::int64_t tasks() const { return cut_.tasks(); }

  void run(std::int64_t task) const {
    const std::int64_t column = task % cut_.column_blocks * cut_.columns;
    task /= cut_.column_blocks;
    const std::int64_t p = task % cut_.row_blocks * cut_.rows;
    const std::int64_t n = task / cut_.row_blocks * cut_.images;
    const std::int64_t images = std::min(cut_.images, batch_ - n);
    const std::int64_t rows = std::min(cut_.rows, x_.out_height - p);
    const StripMemory<T> memory;
    copy(n, images, p, rows, memory.strip());
    problem_.row_offsets((n * x_.out_height + p) * x_.out_width, images * rows * x_.out_width,
                         memory.offsets());
    GemmBlock<T> block = {};
    block.row_step = x_.stride_w * x_.channels;
    block.depth_step = 1;
    block.b_pitch = kernels_.tile.columns;
    block.b_panel_stride = packed_panel_stride<T>(kernels_.tile, problem_.depth);
    block.columns = std::min(cut_.columns, problem_.columns - column);
    block.c = problem_.c + column;
    for (std::int64_t k = 0; k < problem_.depth; k += cut_.group) {
      multiply_group(memory, images * rows, rows, column, k, block);
    }
  }

 private:
  void copy(std::int64_t n, std::int64_t images, std::int64_t p, std::int64_t rows, T* to) const {
    const std::int64_t height = shape_.height(rows);
    for (std::int64_t image = n; image < n + images; ++image) {
      for (std::int64_t i = 0; i < height; ++i, to += shape_.row_step) {
        const std::int64_t h = x_.origin_h + p * x_.stride_h + i;
        const bool inside = h >= 0 && h < x_.height;
        pad_row(x_, inside ? x_.image + image * x_.image_size + h * x_.row_size : nullptr,
                shape_.width, to);
      }
    }
  }

  /// The task's `count` rows, `rows` of each image, over the group of blocks of the depth from k.
  void multiply_group(const StripMemory<T>& memory, std::int64_t count, std::int64_t rows,
                      std::int64_t column, std::int64_t k, GemmBlock<T>& block) const {
    const auto patches = [&](std::int64_t row) {
      return memory.strip() +
             (row / rows * shape_.height(rows) + row % rows * x_.stride_h) * shape_.row_step;
    };
    for (std::int64_t row = 0; row < count; row += cut_.pairs ? 2 : 1) {
      const bool pair = cut_.pairs && row + 1 < count;
      const T* a = patches(row);
      block.half_step = pair ? patches(row + 1) - a : 0;
      for (std::int64_t q = 0; q < x_.out_width; q += cut_.panel) {
        block.rows = pair ? 2 * cut_.panel : std::min(cut_.panel, x_.out_width - q);
        block.panel_rows = static_cast<int>(block.rows);
        block.row_offsets = memory.offsets() + row * x_.out_width + q;
        multiply_panel(a + q * block.row_step, column, k, memory.runs(), block);
      }
    }
  }

  void multiply_panel(const T* a, std::int64_t column, std::int64_t first, DepthRun* runs,
                      GemmBlock<T>& block) const {
    const GemmTile& tile = kernels_.tile;
    const std::int64_t end = std::min(first + cut_.group, problem_.depth);
    const T* b = problem_.b + column / tile.columns * block.b_panel_stride;
    block.runs = runs;
    for (std::int64_t k = first; k < end; k += cut_.step) {
      block.depth = std::min(cut_.step, end - k);
      block.a = a + find_runs(x_, shape_, k, block.depth, runs);
      block.b = b + k * tile.columns;
      block.accumulate = k > 0;
      const bool last = k + block.depth == problem_.depth;
      block.stream = last && streams(problem_, kernels_.lanes);
      block.activation = last ? problem_.activation : Activation::none;
      block.bias = last && problem_.bias != nullptr ? problem_.bias + column : nullptr;
      block.residual = last && problem_.residual != nullptr ? problem_.residual + column : nullptr;
      kernels_.gemm_block(block);
    }
  }

  const Kernels<T>& kernels_;
  const Gemm<T>& problem_;
  const Patches<T>& x_;
  std::int64_t batch_;
  StripShape shape_;
  StripCut cut_;
};

}  // namespace

template <class T>
bool suits_strips(const Kernels<T>& kernels, const Patches<T>& x, std::int64_t columns) {
  const std::int64_t taps = x.taps_h * x.taps_w;
  if (x.out_height == 0 || x.out_width == 0 || x.channels == 0 || taps == 0 || columns == 0) {
    return false;
  }
  // Patches that do not overlap, and leave out much of the images.
  if (taps == 1 || taps < x.stride_h * x.stride_w) return false;
  if (!lies_well(x)) return false;
  const StripShape shape = shape_strips(x);
  constexpr std::int64_t most = kStripBytes / static_cast<std::int64_t>(sizeof(T));
  if (shape.run < kLeastRun || shape.span > most || shape.row_step > most ||
      shape.span * shape.row_step > most || x.out_width > kMostOffsets) {
    return false;
  }
  // Packing costs the less the more columns use it; panels that leave rows empty cost always.
  const std::int64_t panel = even_piece(x.out_width, kernels.tile.rows);
  const std::int64_t rows = 2 * panel <= kernels.tile.rows ? 2 * panel : panel;
  return 2 * rows >= kernels.tile.rows &&
         (kernels.tile.rows - rows) * columns <= kColumnsOfPacking * kernels.tile.rows;
}

template <class T>
void strip_gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem,
                const Patches<T>& patches, std::int64_t batch) {
  if (problem.rows == 0 || problem.columns == 0) return;
  const StripGemm<T> strips(kernels, problem, patches, batch);
  limit_threads(run, static_cast<std::int64_t>(std::min(1e15, count_operations(problem))))
      .parallel_for(strips.tasks(), [&](std::int64_t task) { strips.run(task); });
}

#define STRIDENET_INSTANTIATE(T)                                                                \
  template bool suits_strips<T>(const Kernels<T>&, const Patches<T>&, std::int64_t);            \
  template void strip_gemm<T>(const Run&, const Kernels<T>&, const Gemm<T>&, const Patches<T>&, \
                              std::int64_t);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
