#include <cstring>
#include <vector>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;
/// Places along an axis, and cells of all of its windows, which the gradients list.
constexpr std::int64_t kMaxCovers = std::int64_t{1} << 22;

/// Checks that every window of one axis has a real cell, and that window numbers stay small.
void check_axis(const char* axis, std::int64_t size, std::int64_t windows, std::int64_t cells,
                std::int64_t stride, std::int64_t dilation, std::int64_t before) {
  const auto fail = [&] {
    refuse(std::string("a window along the ") + axis +
           " has no cell inside: " + std::to_string(windows) + " windows of " +
           std::to_string(cells) + " over " + std::to_string(size));
  };
  if (size > kMaxCovers) {
    refuse(std::string("expected a ") + axis + " of at most 2^22 but received " +
           std::to_string(size));
  }
  if (cells > kMaxCovers / std::max<std::int64_t>(1, windows)) {
    refuse(std::string("expected windows of at most 2^22 cells in all along the ") + axis +
           " but received " + std::to_string(windows) + " of " + std::to_string(cells));
  }
  if (windows == 0) return;
  if ((windows - 1) * stride - before >= size) fail();
  for (std::int64_t p = 0; p < windows && p * stride < before; ++p) {
    const std::int64_t start = p * stride - before;
    const std::int64_t first = (-start + dilation - 1) / dilation;
    if (first >= cells || start + first * dilation >= size) fail();
  }
}

/// The geometry of a call whose x (N, H, W, C) and y (N, P, Q, C) are given; checks both.
PoolGeometry check_geometry(const Call& call, const TensorSpec& x, const TensorSpec& y) {
  const std::vector<std::int64_t> kernel = call.attributes.integers("kernelSize", 2, 1, kMaxExtent);
  const std::vector<std::int64_t> stride = call.attributes.integers("stride", 2, 1, kMaxExtent);
  const std::vector<std::int64_t> dilation = call.attributes.integers("dilation", 2, 1, kMaxExtent);
  // An end padding makes windows, which y counts already; no kernel reads it.
  const std::vector<std::int64_t> padding = call.attributes.integers("padding", 4, 0, kMaxExtent);
  if (kernel[0] * kernel[1] > kMaxExtent) refuse("a window has more than 2^24 cells");
  expect_rank(x, "x", 4);
  expect_rank(y, "y", 4);
  expect_floating(x, "x");
  expect_tensor(y, "y", x.dtype, {x.shape[0], y.shape[1], y.shape[2], x.shape[3]}, x.batched);
  check_axis("height", x.shape[1], y.shape[1], kernel[0], stride[0], dilation[0], padding[0]);
  check_axis("width", x.shape[2], y.shape[2], kernel[1], stride[1], dilation[1], padding[2]);
  return {x.shape[1], x.shape[2], x.shape[3],  y.shape[1],  y.shape[2], kernel[0], kernel[1],
          stride[0],  stride[1],  dilation[0], dilation[1], padding[0], padding[2]};
}

void check_winners(const TensorSpec& winners, const TensorSpec& y, const PoolGeometry& geometry) {
  const bool bytes = geometry.kernel_height * geometry.kernel_width <= 255;
  expect_tensor(winners, "winners", bytes ? DType::uint8 : DType::int32, y.shape, y.batched);
}

void check_masks(const TensorSpec& masks, const TensorSpec& y, const PoolGeometry& geometry) {
  if (geometry.kernel_height * geometry.kernel_width > 8) {
    refuse("masks are of windows of at most 8 cells");
  }
  expect_tensor(masks, "masks", DType::uint8, y.shape, y.batched);
}

/// Attribute 'ties', which is not 'first': whether dy is split.
bool read_split(const Call& call) {
  const std::string ties = call.attributes.text("ties");
  if (ties != "all" && ties != "split") {
    refuse("expected attribute 'ties' to be 'all' or 'split' but received '" + ties + "'");
  }
  return ties == "split";
}

/// Rows of `row` elements that make a task.
std::int64_t task_rows(std::int64_t row) { return rows_of_grain(row); }

template <class T>
class MaxPool2d : public Instruction {
 public:
  MaxPool2d(const Kernels<T>& kernels, const PoolGeometry& geometry, bool masks)
      : kernels_(kernels), geometry_(geometry), masks_(masks) {}

  void run(const Run& run) const override {
    const PoolGeometry& g = geometry_;
    const T* x = run.inputs[0].as<T>();
    const TensorView& y = run.outputs[0];
    const TensorView& winners = run.outputs[1];
    const std::int64_t image = g.height * g.width * g.channels;
    const std::int64_t row = g.columns * g.channels;
    if (row == 0) return;
    const std::int64_t rows = run.inputs[0].shape[0] * g.rows;
    for_pieces(run, rows, task_rows(row), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        MaxPoolRow<T> call = {&g,    x + i / g.rows * image, i % g.rows, nullptr, nullptr, nullptr,
                              masks_};
        if (y.present()) call.y = y.as<T>() + i * row;
        if (winners.present() && winners.dtype == DType::uint8) {
          call.bytes = winners.as<std::uint8_t>() + i * row;
        } else if (winners.present()) {
          call.words = winners.as<std::int32_t>() + i * row;
        }
        kernels_.max_pool_row(call);
      }
    });
  }

 private:
  const Kernels<T>& kernels_;
  PoolGeometry geometry_;
  bool masks_;
};

template <class Winner>
[[noreturn]] void refuse_winner(const char* name, const Winner* winners, std::int64_t at,
                                std::uint32_t cells) {
  while (winners[at] < cells) ++at;
  throw Error("ERR_ARGUMENT", std::string("[") + name + "] expected winners within [0, " +
                                  std::to_string(cells) + ") but received " +
                                  std::to_string(static_cast<std::int32_t>(winners[at])));
}

template <class Winner>
void check_winner_range(const Run& run, const char* name, const Winner* winners,
                        const PoolGeometry& geometry) {
  const auto cells = static_cast<std::uint32_t>(geometry.kernel_height * geometry.kernel_width);
  for_pieces(run, run.inputs[1].elements(), 8 * kGrain, [&](std::int64_t begin, std::int64_t end) {
    Winner largest = 0;
    for (std::int64_t i = begin; i < end; ++i) largest = std::max(largest, winners[i]);
    if (begin < end && largest >= cells) refuse_winner(name, winners, begin, cells);
  });
}

/// Input 1 holds places in a window; else throws Error("ERR_ARGUMENT") that names operator `name`.
void check_winner_values(const Run& run, const char* name, const PoolGeometry& geometry) {
  const TensorView& winners = run.inputs[1];
  if (winners.dtype == DType::uint8) {
    check_winner_range(run, name, winners.as<std::uint8_t>(), geometry);
  } else {
    // As unsigned numbers, negative ones are too large.
    check_winner_range(
        run, name, reinterpret_cast<const std::uint32_t*>(winners.as<std::int32_t>()), geometry);
  }
}

template <class T>
class MaxPool2dGather : public Instruction {
 public:
  MaxPool2dGather(const Kernels<T>& kernels, const PoolGeometry& geometry)
      : kernels_(kernels), geometry_(geometry) {}

  void run(const Run& run) const override {
    check_winner_values(run, "maxPool2dGather", geometry_);
    const PoolGeometry& g = geometry_;
    const T* x = run.inputs[0].as<T>();
    const TensorView& winners = run.inputs[1];
    T* y = run.outputs[0].as<T>();
    const std::int64_t image = g.height * g.width * g.channels;
    const std::int64_t row = g.columns * g.channels;
    if (row == 0) return;
    for_pieces(run, run.inputs[0].shape[0] * g.rows, task_rows(row),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   MaxPoolPickRow<T> call = {
                       &g, x + i / g.rows * image, i % g.rows, nullptr, nullptr, y + i * row};
                   if (winners.dtype == DType::uint8) {
                     call.bytes = winners.as<std::uint8_t>() + i * row;
                   } else {
                     call.words = winners.as<std::int32_t>() + i * row;
                   }
                   kernels_.max_pool_pick_row(call);
                 }
               });
  }

 private:
  const Kernels<T>& kernels_;
  PoolGeometry geometry_;
};

/// By place along one axis: the windows that cover it, rising.
struct Covers {
  std::vector<std::int64_t> first;
  std::vector<PoolCover> covers;
};

Covers covers_of(std::int64_t size, std::int64_t windows, std::int64_t cells, std::int64_t stride,
                 std::int64_t dilation, std::int64_t before) {
  // Windows rise within a place because they rise outside.
  std::vector<std::vector<PoolCover>> by_place(static_cast<std::size_t>(size));
  for (std::int64_t window = 0; window < windows; ++window) {
    for (std::int64_t cell = 0; cell < cells; ++cell) {
      const std::int64_t place = window * stride - before + cell * dilation;
      if (place < 0 || place >= size) continue;
      by_place[static_cast<std::size_t>(place)].push_back(
          {static_cast<std::int32_t>(window), static_cast<std::int32_t>(cell)});
    }
  }
  Covers result;
  for (const std::vector<PoolCover>& place : by_place) {
    result.first.push_back(static_cast<std::int64_t>(result.covers.size()));
    result.covers.insert(result.covers.end(), place.begin(), place.end());
  }
  result.first.push_back(static_cast<std::int64_t>(result.covers.size()));
  return result;
}

/// Who gets dy: the winners, those of them that are cells, the cells that are the maximum, or those
/// whose bit says so; all of it, or its part.
enum class Rule { winners, valid_winners, all, split, masks, split_masks };

template <class T>
class MaxPool2dGradient : public Instruction {
 public:
  MaxPool2dGradient(const Kernels<T>& kernels, const PoolGeometry& g, Rule rule, std::int64_t batch)
      : kernels_(kernels),
        geometry_(g),
        rule_(rule),
        vertical_(covers_of(g.height, g.rows, g.kernel_height, g.stride_height, g.dilation_height,
                            g.top)),
        horizontal_(covers_of(g.width, g.columns, g.kernel_width, g.stride_width, g.dilation_width,
                              g.left)),
        share_bytes_(rule == Rule::split
                         ? static_cast<std::size_t>(batch * g.rows * g.columns * g.channels) *
                               sizeof(T)
                         : 0) {}

  std::size_t scratch_bytes() const override { return share_bytes_; }

  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    if (rule_ == Rule::winners) check_winner_values(run, "maxPool2dGradient", geometry_);
    if (rule_ == Rule::split) {
      share(run);
      dy = reinterpret_cast<const T*>(run.scratch);
    }
    gather(run, dy);
  }

 private:
  void gather(const Run& run, const T* dy) const {
    const PoolGeometry& g = geometry_;
    const TensorView& dx = run.outputs[0];
    const std::int64_t row = g.width * g.channels;
    const std::int64_t windows = g.rows * g.columns * g.channels;
    if (row == 0) return;
    for_pieces(run, dx.shape[0] * g.height, task_rows(row),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const std::int64_t image = i / g.height * windows;
                   const auto h = static_cast<std::size_t>(i % g.height);
                   MaxPoolGradientRow<T> call{};
                   call.geometry = &g;
                   call.dy = dy + image;
                   if (rule_ == Rule::all || rule_ == Rule::split) {
                     call.x = run.inputs[1].as<T>() + i * row;
                     call.y = run.inputs[2].as<T>() + image;
                   } else if (run.inputs[1].dtype == DType::uint8) {
                     call.bytes = run.inputs[1].as<std::uint8_t>() + image;
                   } else {
                     call.words = run.inputs[1].as<std::int32_t>() + image;
                   }
                   call.vertical = vertical_.covers.data() + vertical_.first[h];
                   call.vertical_count = vertical_.first[h + 1] - vertical_.first[h];
                   call.horizontal = horizontal_.covers.data();
                   call.horizontal_first = horizontal_.first.data();
                   call.dx = dx.as<T>() + i * row;
                   call.masks = rule_ == Rule::masks || rule_ == Rule::split_masks;
                   call.split = rule_ == Rule::split_masks;
                   kernels_.max_pool_gradient_row(call);
                 }
               });
  }

  void share(const Run& run) const {
    const PoolGeometry& g = geometry_;
    const std::int64_t row = g.columns * g.channels;
    if (row == 0) return;
    T* shares = reinterpret_cast<T*>(run.scratch);
    for_pieces(run, run.inputs[0].shape[0] * g.rows, task_rows(row),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   const T* x =
                       run.inputs[1].as<T>() + i / g.rows * g.height * g.width * g.channels;
                   kernels_.max_pool_share_row({&g, x, i % g.rows, run.inputs[2].as<T>() + i * row,
                                                run.inputs[0].as<T>() + i * row, shares + i * row});
                 }
               });
  }

  const Kernels<T>& kernels_;
  PoolGeometry geometry_;
  Rule rule_;
  Covers vertical_;
  Covers horizontal_;
  std::size_t share_bytes_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_max_pool2d(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 2);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& y = call.outputs[0].present ? required_output(call, 0, "y")
                                                : required_output(call, 1, "y or winners");
  TensorSpec windows = y;
  windows.dtype = x.dtype;
  const PoolGeometry geometry = check_geometry(call, x, call.outputs[0].present ? y : windows);
  if (call.outputs[1].present) check_winners(call.outputs[1], windows, geometry);
  return make_floating<MaxPool2d>(x.dtype, table, geometry, false);
}

std::unique_ptr<Instruction> prepare_max_pool2d_mask(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 2);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& y = required_output(call, 0, "y");
  const PoolGeometry geometry = check_geometry(call, x, y);
  check_masks(required_output(call, 1, "masks"), y, geometry);
  return make_floating<MaxPool2d>(x.dtype, table, geometry, true);
}

std::unique_ptr<Instruction> prepare_max_pool2d_gradient(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& winners = required_input(call, 1, "winners");
  const TensorSpec& dx = required_output(call, 0, "dx");
  const PoolGeometry geometry = check_geometry(call, dx, dy);
  check_winners(winners, dy, geometry);
  return make_floating<MaxPool2dGradient>(dx.dtype, table, geometry, Rule::winners, dx.shape[0]);
}

std::unique_ptr<Instruction> prepare_gated_max_pool2d_gradient(const Call& call,
                                                               const KernelTable& table) {
  const TensorSpec& dx = call.outputs[0];
  const PoolGeometry geometry = check_geometry(call, dx, call.inputs[0]);
  check_winners(call.inputs[1], call.inputs[0], geometry);
  return make_floating<MaxPool2dGradient>(dx.dtype, table, geometry, Rule::valid_winners,
                                          dx.shape[0]);
}

std::unique_ptr<Instruction> prepare_max_pool2d_gather(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& y = required_output(call, 0, "y");
  const PoolGeometry geometry = check_geometry(call, x, y);
  check_winners(required_input(call, 1, "winners"), y, geometry);
  return make_floating<MaxPool2dGather>(x.dtype, table, geometry);
}

std::unique_ptr<Instruction> prepare_max_pool2d_tie_gradient(const Call& call,
                                                             const KernelTable& table) {
  expect_operands(call, 3, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& x = required_input(call, 1, "x");
  const PoolGeometry geometry = check_geometry(call, x, dy);
  expect_like(required_input(call, 2, "y"), "y", dy);
  expect_like(required_output(call, 0, "dx"), "dx", x);
  return make_floating<MaxPool2dGradient>(x.dtype, table, geometry,
                                          read_split(call) ? Rule::split : Rule::all, x.shape[0]);
}

std::unique_ptr<Instruction> prepare_max_pool2d_mask_gradient(const Call& call,
                                                              const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& dx = required_output(call, 0, "dx");
  const PoolGeometry geometry = check_geometry(call, dx, dy);
  check_masks(required_input(call, 1, "masks"), dy, geometry);
  return make_floating<MaxPool2dGradient>(
      dx.dtype, table, geometry, read_split(call) ? Rule::split_masks : Rule::masks, dx.shape[0]);
}

}  // namespace stridenet
