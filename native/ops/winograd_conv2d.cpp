#include "ops/winograd_conv2d.h"

#include <algorithm>

#include "core/divide.h"
#include "ops/checks.h"
#include "ops/conv2d_patches.h"
#include "ops/gemm.h"

namespace stridenet {

namespace {

constexpr std::int64_t kLeastChannels = 16;
constexpr std::int64_t kMostExtent = std::int64_t{1} << 30;

/// Of the transformed tiles and their products: what fits a second cache beside the filters, and
/// what a thread has when they do not.
constexpr std::int64_t kTileBytes = 384 << 10;
constexpr std::int64_t kMostTileBytes = 1536 << 10;
constexpr std::int64_t kFilterBytes = 1 << 20;

/// Blocks of tiles wanted at least, to balance threads.
constexpr std::int64_t kBlocks = 8;

/// Inputs of a task that transforms filters.
constexpr std::int64_t kFilterRows = 32;

/// The convolution that is done: of x, or of dy with filters turned and channels swapped.
struct Filtering {
  std::int64_t height, width, channels;              // of what is read
  std::int64_t out_height, out_width, out_channels;  // of what is written
  std::int64_t top, left;              // zeros before the first pixel, or less than none
  std::int64_t column_step, row_step;  // in the weights, of out_channels and channels
  bool turned;
};

template <class T>
class WinogradConv2d final : public Instruction {
 public:
  WinogradConv2d(const Kernels<T>& kernels, const Filtering& filtering, std::int64_t batch,
                 Activation activation, bool packed)
      : kernels_(kernels), filtering_(filtering), activation_(activation), packed_(packed) {
    const GemmTile& tile = kernels.tile;
    tile_rows_ = ceil_divide(filtering.out_height, kWinogradOutputs);
    tile_columns_ = ceil_divide(filtering.out_width, kWinogradOutputs);
    panel_stride_ = packed_panel_stride<T>(tile, filtering.channels);
    matrix_ = ceil_divide(filtering.out_channels, tile.columns) * panel_stride_;
    in_pitch_ = pitch(filtering.channels);
    out_pitch_ = pitch(filtering.out_channels);
    const bool resident = packed_elements() * size <= kFilterBytes;
    const std::int64_t most =
        std::max<std::int64_t>((resident ? kTileBytes : kMostTileBytes) / tile_bytes(), tile.rows);
    const std::int64_t tiles = batch * tile_rows_ * tile_columns_;
    const std::int64_t blocks =
        std::max(ceil_divide(tiles, most), std::min(kBlocks, ceil_divide(tiles, tile.rows)));
    block_ = std::max<std::int64_t>(1, ceil_divide(tiles, std::max<std::int64_t>(1, blocks)));
  }

  /// Whether a panel's height of tiles fits into a thread's memory.
  static bool fits(const Kernels<T>& kernels, const Filtering& filtering) {
    const std::int64_t tile = (pitch(filtering.channels) + pitch(filtering.out_channels)) * size;
    return kWinogradProducts * tile + kOffset <= kMostTileBytes / kernels.tile.rows;
  }

  std::size_t scratch_bytes() const override {
    return packed_ ? 0 : static_cast<std::size_t>(packed_elements() * size);
  }

  std::int64_t packed_elements() const override { return kWinogradProducts * matrix_; }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    const std::int64_t width = kernels_.tile.columns;
    const std::int64_t pieces = ceil_divide(filtering_.channels, kFilterRows);
    const std::int64_t panels = ceil_divide(filtering_.out_channels, width);
    limit_threads(run, filtering_.channels * filtering_.out_channels * 64)
        .parallel_for(panels * pieces, [&](std::int64_t task) {
          const std::int64_t panel = task / pieces;
          const std::int64_t row = task % pieces * kFilterRows;
          const std::int64_t rows = std::min(kFilterRows, filtering_.channels - row);
          T* const target = static_cast<T*>(to) + panel * panel_stride_ + row * width;
          kernels_.winograd_filters(
              {static_cast<const T*>(weight) + panel * width * filtering_.column_step +
                   row * filtering_.row_step,
               filtering_.column_step, filtering_.row_step, filtering_.turned, rows,
               std::min(width, filtering_.out_channels - panel * width), target, matrix_});
          if (row + rows < filtering_.channels) return;
          const std::int64_t used = filtering_.channels * width;
          for (int m = 0; m < kWinogradProducts; ++m) {
            T* const end = static_cast<T*>(to) + m * matrix_ + panel * panel_stride_ + used;
            std::fill_n(end, panel_stride_ - used, T{0});
          }
        });
  }

  void run(const Run& run) const override {
    const T* filters = run.inputs[1].as<T>();
    if (!packed_) {
      pack_weight(run, filters, run.scratch);
      filters = reinterpret_cast<const T*>(run.scratch);
    }
    const std::int64_t tiles = run.outputs[0].shape[0] * tile_rows_ * tile_columns_;
    const std::int64_t operations =
        tiles * kWinogradProducts * filtering_.channels * filtering_.out_channels;
    limit_threads(run, 2 * operations)
        .parallel_for(ceil_divide(tiles, block_), [&](std::int64_t task) {
          const std::int64_t first = task * block_;
          filter_block(run, filters, first, std::min(block_, tiles - first));
        });
  }

 private:
  static constexpr auto size = static_cast<std::int64_t>(sizeof(T));
  static constexpr auto kOffset = static_cast<std::int64_t>(sizeof(std::int64_t));

  /// Elements from tile to tile: whole vectors, and rows apart in the first cache.
  static std::int64_t pitch(std::int64_t channels) {
    return whole_lines<T>(channels) + 64 / static_cast<std::int64_t>(sizeof(T));
  }

  std::int64_t tile_bytes() const {
    return kWinogradProducts * (in_pitch_ + out_pitch_) * size + kOffset;
  }

  /// Calls visit(n, row, column, index, count) for the runs of neighbours in a row of tiles.
  template <class Visit>
  void for_each_run(std::int64_t first, std::int64_t count, Visit visit) const {
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t tile = first + done;
      const std::int64_t column = tile % tile_columns_;
      const std::int64_t length = std::min(tile_columns_ - column, count - done);
      const std::int64_t row = tile / tile_columns_;
      visit(row / tile_rows_, row % tile_rows_, column, done, length);
      done += length;
    }
  }

  void filter_block(const Run& run, const T* filters, std::int64_t first,
                    std::int64_t count) const {
    auto* const tiles = reinterpret_cast<T*>(thread_memory());
    T* const products = tiles + kWinogradProducts * block_ * in_pitch_;
    auto* const offsets =
        reinterpret_cast<std::int64_t*>(products + kWinogradProducts * block_ * out_pitch_);
    const Filtering& f = filtering_;
    const T* x = run.inputs[0].as<T>();
    for_each_run(first, count, [&](auto n, auto row, auto column, auto index, auto length) {
      kernels_.winograd_input({x + n * f.height * f.width * f.channels, f.height, f.width,
                               f.channels, row * kWinogradOutputs - f.top,
                               column * kWinogradOutputs - f.left, length,
                               tiles + index * in_pitch_, block_ * in_pitch_, in_pitch_});
    });
    row_starts(out_pitch_, 0, count, offsets);
    for (int m = 0; m < kWinogradProducts; ++m) {
      multiply(tiles + m * block_ * in_pitch_, filters + m * matrix_,
               products + m * block_ * out_pitch_, offsets, count);
    }
    const T* bias = optional_input<T>(run, 2);
    const T* residual = optional_input<T>(run, 3);
    T* y = run.outputs[0].as<T>();
    for_each_run(first, count, [&](auto n, auto row, auto column, auto index, auto length) {
      const std::int64_t image = n * f.out_height * f.out_width * f.out_channels;
      kernels_.winograd_output({products + index * out_pitch_, block_ * out_pitch_, out_pitch_,
                                y + image, residual == nullptr ? nullptr : residual + image, bias,
                                activation_, f.out_height, f.out_width, f.out_channels,
                                row * kWinogradOutputs, column * kWinogradOutputs, length});
    });
  }

  /// One of the sixteen products for `count` tiles.
  void multiply(const T* tiles, const T* filters, T* products, const std::int64_t* offsets,
                std::int64_t count) const {
    const GemmTile& tile = kernels_.tile;
    const std::int64_t panel = even_piece(count, tile.rows);
    const std::int64_t step = block_depth(tile, filtering_.channels);
    GemmBlock<T> block = {};
    block.row_step = in_pitch_;
    block.depth_step = 1;
    block.panel_rows = static_cast<int>(panel);
    block.a_panel_stride = panel * in_pitch_;
    block.b_pitch = tile.columns;
    block.b_panel_stride = panel_stride_;
    block.c = products;
    block.row_offsets = offsets;
    block.rows = count;
    block.columns = filtering_.out_channels;
    block.columns_first = true;
    for (std::int64_t k = 0; k < filtering_.channels; k += step) {
      block.a = tiles + k;
      block.b = filters + k * tile.columns;
      block.depth = std::min(step, filtering_.channels - k);
      block.accumulate = k > 0;
      kernels_.gemm_block(block);
    }
  }

  const Kernels<T>& kernels_;
  Filtering filtering_;
  Activation activation_;
  bool packed_;
  std::int64_t tile_rows_, tile_columns_;
  std::int64_t panel_stride_, matrix_;  // elements of the filters' panels, and of each product's
  std::int64_t in_pitch_, out_pitch_;
  std::int64_t block_;  // tiles of a task
};

bool is_wanted(const Call& call, const Convolution& conv) {
  if (!call.attributes.has("winograd") || !call.attributes.boolean("winograd")) return false;
  return conv.groups == 1 && conv.r == kWinogradTaps && conv.s == kWinogradTaps &&
         conv.stride_h == 1 && conv.stride_w == 1 && conv.dilation_h == 1 && conv.dilation_w == 1 &&
         conv.c >= kLeastChannels && conv.k >= kLeastChannels &&
         conv.h + conv.top + conv.bottom <= kMostExtent &&
         conv.w + conv.left + conv.right <= kMostExtent;
}

std::unique_ptr<Instruction> make(DType dtype, const KernelTable& table, const Filtering& filtering,
                                  std::int64_t batch, Activation activation, bool packed) {
  const bool fits = dtype == DType::float32
                        ? WinogradConv2d<float>::fits(table.float32, filtering)
                        : WinogradConv2d<double>::fits(table.float64, filtering);
  if (!fits) return nullptr;
  return make_floating<WinogradConv2d>(dtype, table, filtering, batch, activation, packed);
}

}  // namespace

std::unique_ptr<Instruction> make_winograd_conv2d(const Call& call, const KernelTable& table,
                                                  const Convolution& conv, Activation activation,
                                                  bool packed) {
  if (!is_wanted(call, conv)) return nullptr;
  const std::int64_t taps = conv.taps();
  return make(call.inputs[0].dtype, table,
              {conv.h, conv.w, conv.c, conv.p, conv.q, conv.k, conv.top, conv.left, conv.c * taps,
               taps, conv.flipped},
              conv.n, activation, packed);
}

std::unique_ptr<Instruction> make_winograd_input_gradient(const Call& call,
                                                          const KernelTable& table,
                                                          const Convolution& conv) {
  if (!is_wanted(call, conv)) return nullptr;
  const std::int64_t taps = conv.taps();
  constexpr std::int64_t last = kWinogradTaps - 1;
  return make(call.inputs[0].dtype, table,
              {conv.p, conv.q, conv.k, conv.h, conv.w, conv.c, last - conv.top, last - conv.left,
               taps, conv.c * taps, !conv.flipped},
              conv.n, Activation::none, false);
}

}  // namespace stridenet
