#include "ops/conv_max_pool.h"

#include <algorithm>
#include <utility>

#include "ops/checks.h"
#include "ops/direct_conv2d.h"
#include "ops/gemm.h"
#include "ops/parallel.h"
#include "ops/plane_conv2d.h"
#include "ops/planes.h"
#include "ops/winograd_conv2d.h"

namespace stridenet {

namespace {

constexpr double kTaskOperations = 1e6;
/// Of x's rows in a task's copy: they should stay in the second cache.
constexpr std::int64_t kSpanBytes = 384 << 10;
/// Of a panel of filters, which every row of windows reads.
constexpr std::int64_t kPanelBytes = 256 << 10;
constexpr std::int64_t kMostOffset = std::int64_t{1} << 30;

Attributes::Value numbers(const std::vector<std::int64_t>& values) {
  return std::vector<double>(values.begin(), values.end());
}

/// The convolution and the pool one after the other, over a map in scratch memory.
class ConvThenPool final : public Instruction {
 public:
  ConvThenPool(std::unique_ptr<Instruction> conv, std::unique_ptr<Instruction> pool,
               const TensorSpec& map, std::uint8_t none, bool gated)
      : conv_(std::move(conv)),
        pool_(std::move(pool)),
        map_(map),
        none_(none),
        gated_(gated),
        map_bytes_((map.bytes() + 63) / 64 * 64) {}

  std::size_t scratch_bytes() const override {
    return map_bytes_ + std::max(conv_->scratch_bytes(), pool_->scratch_bytes());
  }

  std::int64_t packed_elements() const override { return conv_->packed_elements(); }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    conv_->pack_weight(run, weight, to);
  }

  void run(const Run& run) const override {
    TensorView map;
    map.data = run.scratch;
    map.dtype = map_.dtype;
    map.rank = 4;
    std::copy(map_.shape.begin(), map_.shape.end(), map.shape);
    map.shape[0] = run.inputs[0].shape[0];
    const std::span<const TensorView> views(&map, 1);
    std::byte* scratch = run.scratch + map_bytes_;
    conv_->run({run.inputs, views, scratch, run.threads});
    pool_->run({views, run.outputs, scratch, run.threads});
    if (!gated_ || !run.outputs[1].present()) return;
    if (map_.dtype == DType::float32) {
      gate<float>(run);
    } else {
      gate<double>(run);
    }
  }

 private:
  template <class T>
  void gate(const Run& run) const {
    const T* y = run.outputs[0].as<T>();
    auto* winners = run.outputs[1].as<std::uint8_t>();
    for_pieces(run, run.outputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) winners[i] = y[i] > 0 ? winners[i] : none_;
    });
  }

  std::unique_ptr<Instruction> conv_, pool_;
  TensorSpec map_;
  std::uint8_t none_;  // winners of windows that pass no gradient
  bool gated_;
  std::size_t map_bytes_;
};

/// Windows of 2 x 2 cells that do not overlap, pooled in registers.
template <class T>
class Conv2dMaxPool final : public Instruction {
 public:
  Conv2dMaxPool(const Kernels<T>& kernels, const ConvMaxPool& shape, Activation activation,
                bool gated)
      : kernels_(kernels),
        shape_(shape),
        activation_(activation),
        gated_(gated),
        in_place_(shape.inside()),
        row_pitch_((in_place_ ? shape.conv.w : shape.width()) * shape.conv.c),
        taps_(patch_offsets(shape.conv, row_pitch_)) {}

  /// Whether the products are as well done here, window by window, as by matrices.
  static bool suits(const Kernels<T>& kernels, const ConvMaxPool& shape) {
    const Convolution& conv = shape.conv;
    constexpr auto bytes = static_cast<std::int64_t>(sizeof(T));
    if (conv.groups != 1 || conv.patch() == 0 || conv.k == 0) return false;
    if (shape.rows == 0 || shape.columns == 0) return false;
    const bool apart = shape.stride_h >= (shape.kernel_h - 1) * shape.dilation_h + 1 &&
                       shape.stride_w >= (shape.kernel_w - 1) * shape.dilation_w + 1;
    const bool whole = shape.top == 0 && shape.left == 0 &&
                       (shape.rows - 1) * shape.stride_h + shape.dilation_h < conv.p &&
                       (shape.columns - 1) * shape.stride_w + shape.dilation_w < conv.q;
    if (shape.kernel_h != 2 || shape.kernel_w != 2 || !apart || !whole) return false;
    const std::int64_t pitch = std::max(conv.w, shape.width()) * conv.c;
    return shape.span_h() <= kSpanBytes / bytes / pitch && shape.span_h() < kMostOffset / pitch &&
           conv.patch() * kernels.tile.columns <= kPanelBytes / bytes;
  }

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(
               packed_b_elements<T>(kernels_.tile, shape_.conv.patch(), shape_.conv.k)) *
           sizeof(T);
  }

  void run(const Run& run) const override {
    const Convolution& conv = shape_.conv;
    const std::int64_t patch = conv.patch();
    const T* weight = run.inputs[1].as<T>();
    const DepthOrder order = {conv.taps(), conv.flipped};
    pack_b<T>(run, kernels_.tile, patch, conv.k, reinterpret_cast<T*>(run.scratch),
              [&](std::int64_t first, std::int64_t count, T* panel) {
                kernels_.pack_along(order, weight + first * patch, patch, count, patch, panel);
              });
    const double row_operations = 2.0 * static_cast<double>(shape_.columns * shape_.cells()) *
                                  static_cast<double>(conv.k * patch);
    const auto wanted = static_cast<std::int64_t>(kTaskOperations / row_operations) + 1;
    const std::int64_t height = std::min({wanted, most_rows(), shape_.rows});
    const std::int64_t blocks = (shape_.rows + height - 1) / height;
    const std::int64_t batch = run.inputs[0].shape[0];
    const double operations = row_operations * static_cast<double>(shape_.rows * batch);
    const Run limited = limit_threads(run, static_cast<std::int64_t>(std::min(1e15, operations)));
    limited.parallel_for(batch * blocks, [&](std::int64_t task) {
      const std::int64_t first = task % blocks * height;
      run_rows(run, task / blocks, first, std::min(height, shape_.rows - first));
    });
  }

 private:
  /// Rows of windows whose span fits a copy.
  std::int64_t most_rows() const {
    const std::int64_t fit = kSpanBytes / static_cast<std::int64_t>(sizeof(T)) / row_pitch_;
    return std::max<std::int64_t>(1, (fit - shape_.span_h()) / shape_.step_h() + 1);
  }

  void run_rows(const Run& run, std::int64_t n, std::int64_t first, std::int64_t count) const {
    const Convolution& conv = shape_.conv;
    const T* x = run.inputs[0].as<T>() + n * conv.h * conv.w * conv.c;
    if (in_place_) {
      x += (first * shape_.step_h() + shape_.origin_h()) * row_pitch_;
    } else {
      T* copy = reinterpret_cast<T*>(thread_memory());
      copy_span(shape_, x, first * shape_.step_h(), shape_.height(count), copy);
      x = copy;
    }
    const T* bias = run.inputs[2].present() ? run.inputs[2].as<T>() : nullptr;
    const TensorView& winners = run.outputs[1];
    const std::int64_t panel = kernels_.tile.columns;
    const std::int64_t panel_stride = packed_panel_stride<T>(kernels_.tile, conv.patch());
    ConvPoolRow<T> call = {};
    call.taps = taps_.data();
    call.depth = conv.patch();
    call.block_depth = block_depth(kernels_.tile, call.depth);
    call.window_pitch = shape_.step_w() * conv.c;
    call.cell_row = shape_.dilation_h * conv.stride_h * row_pitch_;
    call.cell_column = shape_.dilation_w * conv.stride_w * conv.c;
    call.activation = activation_;
    call.windows = shape_.columns;
    call.y_pitch = conv.k;
    call.masks = shape_.masks;
    call.gated = gated_;
    for (std::int64_t filter = 0; filter < conv.k; filter += panel) {
      call.weight = reinterpret_cast<const T*>(run.scratch) + filter / panel * panel_stride;
      call.bias = bias == nullptr ? nullptr : bias + filter;
      call.filters = std::min(panel, conv.k - filter);
      for (std::int64_t row = 0; row < count; ++row) {
        const std::int64_t at = (n * shape_.rows + first + row) * shape_.columns * conv.k + filter;
        call.x = x + row * shape_.step_h() * row_pitch_;
        call.y = run.outputs[0].as<T>() + at;
        call.winners = winners.present() ? winners.as<std::uint8_t>() + at : nullptr;
        kernels_.conv_pool_row(call);
      }
    }
  }

  const Kernels<T>& kernels_;
  ConvMaxPool shape_;
  Activation activation_;
  bool gated_;
  bool in_place_;  // no copy of x is needed
  std::int64_t row_pitch_;
  std::vector<std::int32_t> taps_;
};

/// Whether conv2d sums its products in the order of a matrix product over patches.
bool sums_as_product(const Call& call, const KernelTable& table, const Convolution& conv,
                     Activation activation) {
  const DType dtype = call.inputs[0].dtype;
  if (make_winograd_conv2d(call, table, conv, activation, false) != nullptr) return false;
  if (make_direct_conv2d(dtype, table, conv, activation, false) != nullptr) return false;
  const GemmTile& tile = dtype == DType::float32 ? table.float32.tile : table.float64.tile;
  // Sums of one block are in one order in both.
  if (conv.patch() <= std::min<std::int64_t>(kPlaneDepth, tile.depth)) return true;
  return make_plane_conv2d(dtype, table, conv, activation, false) == nullptr;
}

bool suits(DType dtype, const KernelTable& table, const ConvMaxPool& shape) {
  return dtype == DType::float32 ? Conv2dMaxPool<float>::suits(table.float32, shape)
                                 : Conv2dMaxPool<double>::suits(table.float64, shape);
}

}  // namespace

ConvMaxPool read_conv_max_pool(const Call& call, const TensorSpec& x, const TensorSpec& weight,
                               const TensorSpec& pooled) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  const auto kernel = call.attributes.integers("poolKernelSize", 2, 1, kMost);
  const auto stride = call.attributes.integers("poolStride", 2, 1, kMost);
  const auto padding = call.attributes.integers("poolPadding", 4, 0, kMost);
  const auto dilation = call.attributes.integers("poolDilation", 2, 1, kMost);
  expect_rank(pooled, "what is pooled", 4);
  ConvMaxPool shape = {};
  shape.conv = read_convolution(call, x, weight);
  shape.rows = pooled.shape[1];
  shape.columns = pooled.shape[2];
  shape.kernel_h = kernel[0];
  shape.kernel_w = kernel[1];
  shape.stride_h = stride[0];
  shape.stride_w = stride[1];
  shape.dilation_h = dilation[0];
  shape.dilation_w = dilation[1];
  shape.top = padding[0];
  shape.left = padding[2];
  shape.map = {true, x.dtype, {shape.conv.n, shape.conv.p, shape.conv.q, shape.conv.k}, x.batched};
  shape.pool.set("kernelSize", numbers(kernel));
  shape.pool.set("stride", numbers(stride));
  shape.pool.set("padding", numbers(padding));
  shape.pool.set("dilation", numbers(dilation));
  const std::string ties = call.attributes.text("ties");
  if (ties != "first" && ties != "all" && ties != "split") {
    refuse("expected attribute 'ties' to be 'first', 'all' or 'split' but received '" + ties + "'");
  }
  shape.pool.set("ties", ties);
  shape.masks = ties != "first";
  shape.split = ties == "split";
  return shape;
}

std::vector<std::int32_t> patch_offsets(const Convolution& conv, std::int64_t row_pitch) {
  std::vector<std::int32_t> offsets;
  offsets.reserve(static_cast<std::size_t>(conv.patch()));
  for (std::int64_t r = 0; r < conv.r; ++r) {
    for (std::int64_t s = 0; s < conv.s; ++s) {
      for (std::int64_t c = 0; c < conv.c; ++c) {
        offsets.push_back(static_cast<std::int32_t>(r * conv.dilation_h * row_pitch +
                                                    s * conv.dilation_w * conv.c + c));
      }
    }
  }
  return offsets;
}

template <class T>
void copy_span(const ConvMaxPool& shape, const T* image, std::int64_t first, std::int64_t count,
               T* to) {
  const Convolution& conv = shape.conv;
  const std::int64_t width = shape.width();
  const std::int64_t left = std::clamp<std::int64_t>(-shape.origin_w(), 0, width);
  const std::int64_t right = std::clamp<std::int64_t>(conv.w - shape.origin_w(), left, width);
  for (std::int64_t i = 0; i < count; ++i, to += width * conv.c) {
    const std::int64_t h = shape.origin_h() + first + i;
    if (h < 0 || h >= conv.h || left == right) {
      std::fill_n(to, width * conv.c, T{0});
      continue;
    }
    const T* from = image + (h * conv.w + shape.origin_w() + left) * conv.c;
    std::fill_n(to, left * conv.c, T{0});
    std::copy_n(from, (right - left) * conv.c, to + left * conv.c);
    std::fill_n(to + right * conv.c, (width - right) * conv.c, T{0});
  }
}

template void copy_span<float>(const ConvMaxPool&, const float*, std::int64_t, std::int64_t,
                               float*);
template void copy_span<double>(const ConvMaxPool&, const double*, std::int64_t, std::int64_t,
                                double*);

std::unique_ptr<Instruction> prepare_conv2d_max_pool(const Call& call, const KernelTable& table) {
  expect_operands(call, 3, 2);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec weight = weight_spec(call, 4);
  const TensorSpec& y = required_output(call, 0, "y");
  const ConvMaxPool shape = read_conv_max_pool(call, x, weight, y);
  const Activation activation = parse_activation(call);
  const bool gated = call.attributes.boolean("gated");
  if (gated && shape.cells() > 254) refuse("gated windows have at most 254 cells");
  const bool masks = shape.masks && call.outputs[1].present;
  auto pool = prepare(
      {masks ? "maxPool2dMask" : "maxPool2d", {shape.map}, call.outputs, shape.pool}, table);
  auto conv = prepare({"conv2d", call.inputs, {shape.map}, call.attributes}, table);
  const bool direct = !has_packed_weight(call) && activation != Activation::relu6 &&
                      suits(x.dtype, table, shape) &&
                      sums_as_product(call, table, shape.conv, activation);
  if (direct) return make_floating<Conv2dMaxPool>(x.dtype, table, shape, activation, gated);
  const auto none = static_cast<std::uint8_t>(masks ? 0 : shape.cells());
  return std::make_unique<ConvThenPool>(std::move(conv), std::move(pool), shape.map, none, gated);
}

}  // namespace stridenet
