#include <algorithm>
#include <utility>

#include "ops/checks.h"
#include "ops/conv_max_pool.h"
#include "ops/gemm.h"
#include "ops/parallel.h"

namespace stridenet {

namespace {

/// Products of a part of the windows that is summed apart, at least.
constexpr double kPartProducts = 2e5;
constexpr std::int64_t kMostParts = 16;
/// Products of winners that are one chain.
constexpr std::int64_t kChain = 256;
/// Elements of a patch times cells of a window up to which the cells that won are cheaper than
/// matrix products of them all.
constexpr std::int64_t kMostProducts = 640;
/// Readable behind a copy of x.
constexpr std::int64_t kSlack = 64;

/// The gradients of the pool, then those of the convolution, over a map in scratch memory.
class PoolThenConvGradient final : public Instruction {
 public:
  PoolThenConvGradient(std::unique_ptr<Instruction> pool, std::unique_ptr<Instruction> filter,
                       std::unique_ptr<Instruction> bias, const TensorSpec& map)
      : pool_(std::move(pool)),
        filter_(std::move(filter)),
        bias_(std::move(bias)),
        map_(map),
        map_bytes_((map.bytes() + 63) / 64 * 64) {}

  std::size_t scratch_bytes() const override {
    const std::size_t bias = bias_ == nullptr ? 0 : bias_->scratch_bytes();
    return map_bytes_ + std::max({pool_->scratch_bytes(), filter_->scratch_bytes(), bias});
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
    pool_->run({run.inputs.subspan(1), views, scratch, run.threads});
    const TensorView x_and_map[] = {run.inputs[0], map};
    filter_->run({x_and_map, run.outputs.first(1), scratch, run.threads});
    if (bias_ != nullptr) bias_->run({views, run.outputs.subspan(1), scratch, run.threads});
  }

 private:
  std::unique_ptr<Instruction> pool_, filter_, bias_;
  TensorSpec map_;
  std::size_t map_bytes_;
};

/// For short patches: each window adds what its winner's patch gives.
template <class T>
class Conv2dMaxPoolGradient final : public Instruction {
 public:
  Conv2dMaxPoolGradient(const Kernels<T>& kernels, const ConvMaxPool& shape)
      : kernels_(kernels),
        shape_(shape),
        height_(std::clamp<std::int64_t>(kChain / row_winners(shape), 1, shape.rows)),
        row_pitch_(shape.width() * shape.conv.c),
        taps_(patch_offsets(shape.conv, row_pitch_)) {}

  static bool suits(const ConvMaxPool& shape) {
    const Convolution& conv = shape.conv;
    if (conv.groups != 1 || conv.patch() == 0 || conv.k == 0) return false;
    if (shape.rows == 0 || shape.columns == 0 || shape.cells() > 255) return false;
    if (conv.patch() > kMostProducts / shape.cells()) return false;
    // A row of windows is one chain.
    if (row_winners(shape) > 4 * kChain) return false;
    // A whole image with its padding, so that no part of it is longer.
    constexpr std::int64_t most = kThreadBytes / static_cast<std::int64_t>(sizeof(T)) - kSlack;
    if (shape.span_h() > most || shape.span_w() > most) return false;
    return shape.height(shape.rows) <= most / shape.conv.c / shape.width();
  }

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(parts(shape_.conv.n) * part_elements()) * sizeof(T);
  }

  void run(const Run& run) const override {
    const std::int64_t batch = run.inputs[0].shape[0];
    const std::int64_t units = batch * blocks();
    const std::int64_t count = parts(batch);
    T* partial = reinterpret_cast<T*>(run.scratch);
    run.parallel_for(count, [&](std::int64_t part) {
      T* sums = partial + part * part_elements();
      std::fill_n(sums, part_elements(), T{0});
      for (std::int64_t unit = units * part / count; unit < units * (part + 1) / count; ++unit) {
        add(run, unit / blocks(), unit % blocks() * height_, sums);
      }
    });
    combine(run, partial, count);
  }

 private:
  /// Products of a row of windows that are in one chain, at most.
  static std::int64_t row_winners(const ConvMaxPool& shape) {
    return shape.columns * (shape.masks ? shape.cells() : 1);
  }
  /// Blocks of rows of windows in an image.
  std::int64_t blocks() const { return (shape_.rows + height_ - 1) / height_; }
  std::int64_t part_elements() const {
    return ((shape_.conv.patch() + 1) * shape_.conv.k + kSlack - 1) / kSlack * kSlack;
  }
  std::int64_t parts(std::int64_t batch) const {
    const double products = static_cast<double>(shape_.conv.patch() * shape_.conv.k) *
                            static_cast<double>(batch * shape_.rows * shape_.columns);
    const auto by_work =
        static_cast<std::int64_t>(std::min<double>(kMostParts, products / kPartProducts));
    return std::max<std::int64_t>(1, std::min(by_work, batch * blocks()));
  }

  void add(const Run& run, std::int64_t n, std::int64_t first, T* sums) const {
    const Convolution& conv = shape_.conv;
    const std::int64_t rows = std::min(height_, shape_.rows - first);
    T* x = reinterpret_cast<T*>(thread_memory());
    copy_span(shape_, run.inputs[0].as<T>() + n * conv.h * conv.w * conv.c, first * shape_.step_h(),
              shape_.height(rows), x);
    std::fill_n(x + shape_.height(rows) * row_pitch_, kSlack, T{0});
    const std::int64_t at = (n * shape_.rows + first) * shape_.columns * conv.k;
    ConvPoolFilterRows<T> call = {};
    call.x = x;
    call.taps = taps_.data();
    call.depth = conv.patch();
    call.window_pitch = shape_.step_w() * conv.c;
    call.row_pitch = shape_.step_h() * row_pitch_;
    call.cell_rows = shape_.kernel_h;
    call.cell_columns = shape_.kernel_w;
    call.cell_row = shape_.dilation_h * conv.stride_h * row_pitch_;
    call.cell_column = shape_.dilation_w * conv.stride_w * conv.c;
    call.rows = rows;
    call.windows = shape_.columns;
    call.filters = conv.k;
    call.dy = run.inputs[1].as<T>() + at;
    call.winners = run.inputs[2].as<std::uint8_t>() + at;
    call.masks = shape_.masks;
    call.split = shape_.split;
    call.sums = sums;
    call.sums_pitch = conv.k;
    kernels_.conv_pool_filter_rows(call);
  }

  /// Sums the parts in order and writes them as (K, C, R, S) and (K).
  void combine(const Run& run, const T* partial, std::int64_t count) const {
    const Convolution& conv = shape_.conv;
    T* dw = run.outputs[0].as<T>();
    T* db = run.outputs[1].present() ? run.outputs[1].as<T>() : nullptr;
    for (std::int64_t element = 0; element <= conv.patch(); ++element) {
      T* to = db;
      std::int64_t pitch = 1;
      if (element < conv.patch()) {
        const std::int64_t tap = element / conv.c;
        to = dw + element % conv.c * conv.taps() + (conv.flipped ? conv.taps() - 1 - tap : tap);
        pitch = conv.patch();
      }
      if (to == nullptr) continue;
      const T* from = partial + element * conv.k;
      for (std::int64_t k = 0; k < conv.k; ++k) {
        T sum = from[k];
        for (std::int64_t i = 1; i < count; ++i) sum += from[i * part_elements() + k];
        to[k * pitch] = sum;
      }
    }
  }

  const Kernels<T>& kernels_;
  ConvMaxPool shape_;
  std::int64_t height_;  // rows of windows in a block
  std::int64_t row_pitch_;
  std::vector<std::int32_t> taps_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_conv2d_max_pool_gradient(const Call& call,
                                                              const KernelTable& table) {
  expect_operands(call, 3, 2);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& dy = required_input(call, 1, "dy");
  const TensorSpec& winners = required_input(call, 2, "winners");
  const TensorSpec& dw = required_output(call, 0, "dw");
  const ConvMaxPool shape = read_conv_max_pool(call, x, dw, dy);
  const TensorSpec& db = call.outputs[1];
  const char* name = shape.masks ? "maxPool2dMaskGradient" : "maxPool2dGradient";
  const Call pool = {name, {dy, winners}, {shape.map}, shape.pool};
  auto scatter = prepare(pool, table);
  if (!shape.masks) scatter = prepare_gated_max_pool2d_gradient(pool, table);
  auto filter = prepare({"conv2dFilterGradient", {x, shape.map}, {dw}, call.attributes}, table);
  std::unique_ptr<Instruction> bias;
  if (db.present) bias = prepare({"biasGradient", {shape.map}, {db}, {}}, table);
  const bool single = x.dtype == DType::float32;
  if (single ? Conv2dMaxPoolGradient<float>::suits(shape)
             : Conv2dMaxPoolGradient<double>::suits(shape)) {
    return make_floating<Conv2dMaxPoolGradient>(x.dtype, table, shape);
  }
  return std::make_unique<PoolThenConvGradient>(std::move(scatter), std::move(filter),
                                                std::move(bias), shape.map);
}

}  // namespace stridenet
