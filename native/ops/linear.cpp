#include <algorithm>

#include "ops/checks.h"
#include "ops/gemm.h"
#include "ops/parallel.h"

namespace stridenet {

namespace {

/// x (N, features), weight (outputs, features). When `channels` is not 0, x's features are stored
/// (positions, channels) and the weight's columns count (channels, positions).
struct LinearSizes {
  std::int64_t batch, outputs, features, channels;
  Activation activation = Activation::none;
  bool packed = false;

  std::int64_t positions() const { return channels == 0 ? 1 : features / channels; }
};

template <class T>
class Linear final : public Instruction {
 public:
  Linear(const Kernels<T>& kernels, const LinearSizes& sizes) : kernels_(kernels), sizes_(sizes) {}

  std::size_t scratch_bytes() const override {
    return sizes_.packed ? 0 : static_cast<std::size_t>(packed_elements()) * sizeof(T);
  }

  std::int64_t packed_elements() const override {
    return packed_b_elements<T>(kernels_.tile, sizes_.features, sizes_.outputs);
  }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    pack_b<T>(run, kernels_.tile, sizes_.features, sizes_.outputs, static_cast<T*>(to),
              [&](std::int64_t first, std::int64_t count, T* panel) {
                pack_panel(static_cast<const T*>(weight), {first, count, 0, sizes_.features},
                           panel);
              });
  }

  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    const std::int64_t features = sizes_.features;
    const std::int64_t outputs = sizes_.outputs;
    const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
      copy_rows(kernels_.tile, x, features, range, to);
    };
    const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
      row_starts(outputs, first, count, to);
    };
    const T* bias = run.inputs[2].present() ? run.inputs[2].as<T>() : nullptr;
    const Gemm<T> problem = {.rows = run.inputs[0].shape[0],
                             .columns = outputs,
                             .depth = features,
                             .depth_major = false,
                             .pack_a = pack,
                             .b = sizes_.packed ? run.inputs[1].as<T>() : nullptr,
                             .c = run.outputs[0].as<T>(),
                             .row_offsets = offsets,
                             .bias = bias,
                             .activation = sizes_.activation,
                             .a = {x, features, 1}};
    if (sizes_.packed) return gemm<T>(run, kernels_, problem);
    const auto pack_weight = [&](const PackRange& range, T* panel) {
      pack_panel(run.inputs[1].as<T>(), range, panel);
    };
    gemm<T>(run, kernels_, problem, {pack_weight, sizes_.positions() != 1},
            reinterpret_cast<T*>(run.scratch));
  }

 private:
  void pack_panel(const T* weight, const PackRange& range, T* panel) const {
    const std::int64_t features = sizes_.features;
    kernels_.pack_along({sizes_.positions(), false}, weight + range.first * features + range.k,
                        features, range.count, range.depth, panel);
  }

  const Kernels<T>& kernels_;
  LinearSizes sizes_;
};

template <class T>
class LinearInputGradient final : public Instruction {
 public:
  LinearInputGradient(const Kernels<T>& kernels, const LinearSizes& sizes)
      : kernels_(kernels), sizes_(sizes) {}

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(
               packed_b_elements<T>(kernels_.tile, sizes_.outputs, sizes_.features)) *
           sizeof(T);
  }

  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const T* weight = run.inputs[1].as<T>();
    const std::int64_t features = sizes_.features;
    const std::int64_t outputs = sizes_.outputs;
    T* packed = reinterpret_cast<T*>(run.scratch);
    const auto pack_weight = [&](const PackRange& range, T* panel) {
      pack_panel(weight, range, panel);
    };
    const bool in_place = sizes_.positions() == 1;
    const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
      copy_rows(kernels_.tile, dy, outputs, range, to);
    };
    const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
      row_starts(features, first, count, to);
    };
    gemm<T>(run, kernels_,
            {.rows = run.inputs[0].shape[0],
             .columns = features,
             .depth = outputs,
             .depth_major = false,
             .pack_a = pack,
             .b = nullptr,
             .c = run.outputs[0].as<T>(),
             .row_offsets = offsets,
             .a = {dy, outputs, 1}},
            {pack_weight, false, in_place ? weight : nullptr, features}, packed);
  }

 private:
  void pack_panel(const T* weight, const PackRange& range, T* panel) const {
    const std::int64_t width = kernels_.tile.columns;
    const std::int64_t features = sizes_.features;
    weight += range.k * features;
    if (sizes_.positions() == 1) {
      kernels_.pack_across(weight + range.first, features, range.count, range.depth, panel,
                           kernels_.tile.columns, width, range.depth * width);
      return;
    }
    for (std::int64_t j = 0; j < width; ++j) {
      // Feature (position, channel) of x is column (channel, position) of the weight.
      const std::int64_t feature = range.first + std::min(j, range.count - 1);
      const T* from =
          weight + feature % sizes_.channels * sizes_.positions() + feature / sizes_.channels;
      for (std::int64_t k = 0; k < range.depth; ++k) {
        panel[k * width + j] = j < range.count ? from[k * features] : T{0};
      }
    }
  }

  const Kernels<T>& kernels_;
  LinearSizes sizes_;
};

/// Of x as it is stored, rows of images with their channels last, x or the product is permuted,
/// whichever is smaller.
template <class T>
class LinearWeightGradient final : public Instruction {
 public:
  LinearWeightGradient(const Kernels<T>& kernels, const LinearSizes& sizes)
      : kernels_(kernels), sizes_(sizes) {}

  std::size_t scratch_bytes() const override {
    if (sizes_.positions() == 1) return 0;
    const std::int64_t rows = std::min(sizes_.batch, sizes_.outputs);
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(sizes_.features) * sizeof(T);
  }

  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    const T* dy = run.inputs[1].as<T>();
    T* dw = run.outputs[0].as<T>();
    const std::int64_t features = sizes_.features;
    const std::int64_t outputs = sizes_.outputs;
    const std::int64_t batch = run.inputs[0].shape[0];
    T* c = dw;
    const bool permuted = sizes_.positions() != 1;
    const bool permutes_x = permuted && sizes_.batch < outputs;
    if (permutes_x) {
      T* copy = reinterpret_cast<T*>(run.scratch);
      to_channels_first(run, x, batch, copy);
      x = copy;
    } else if (permuted) {
      c = reinterpret_cast<T*>(run.scratch);
    }
    const auto pack_dy = [&](const PackRange& range, const PanelTarget<T>& to) {
      kernels_.pack_across(dy + range.k * outputs + range.first, outputs, range.count, range.depth,
                           to.data, to.panel_rows, to.step, to.stride);
    };
    const auto pack_x = [&](const PackRange& range, const PanelTarget<T>& to) {
      kernels_.pack_across(x + range.k * features + range.first, features, range.count, range.depth,
                           to.data, to.panel_rows, to.step, to.stride);
    };
    const Run limited = limit_threads(run, outputs * features * 2);
    gemm<T>(limited, kernels_, {outputs, features, batch, 1, pack_dy, pack_x, x, c});
    if (permuted && !permutes_x) to_channels_first(run, c, outputs, dw);
  }

 private:
  void to_channels_first(const Run& run, const T* from, std::int64_t rows, T* to) const {
    const std::int64_t features = sizes_.features;
    const std::int64_t positions = sizes_.positions();
    limit_threads(run, rows * features * 2).parallel_for(rows, [&](std::int64_t row) {
      const T* stored = from + row * features;
      T* next = to + row * features;
      for (std::int64_t channel = 0; channel < sizes_.channels; ++channel) {
        for (std::int64_t position = 0; position < positions; ++position) {
          *next++ = stored[position * sizes_.channels + channel];
        }
      }
    });
  }

  const Kernels<T>& kernels_;
  LinearSizes sizes_;
};

// Rows are summed in chunks whose length depends on the shape alone, the chunks in their order.
template <class T>
class BiasGradient final : public Instruction {
 public:
  BiasGradient(const Kernels<T>& kernels, std::int64_t rows, std::int64_t columns)
      : kernels_(kernels),
        columns_(columns),
        chunk_(std::clamp<std::int64_t>(
            kChunkBytes / std::max<std::int64_t>(1, columns * static_cast<int>(sizeof(T))), 64,
            4096)),
        scratch_bytes_(static_cast<std::size_t>((rows + chunk_ - 1) / chunk_ * columns) *
                       sizeof(T)) {}

  std::size_t scratch_bytes() const override { return scratch_bytes_; }

  void run(const Run& run) const override {
    const TensorView& dy = run.inputs[0];
    T* db = run.outputs[0].as<T>();
    std::int64_t rows = 1;
    for (int axis = 0; axis + 1 < dy.rank; ++axis) rows *= dy.shape[axis];
    const std::int64_t chunks = (rows + chunk_ - 1) / chunk_;
    T* partial = reinterpret_cast<T*>(run.scratch);
    limit_threads(run, rows * columns_ * 4).parallel_for(chunks, [&](std::int64_t chunk) {
      const std::int64_t first = chunk * chunk_;
      kernels_.sum_rows(dy.as<T>() + first * columns_, std::min(chunk_, rows - first), columns_,
                        partial + chunk * columns_);
    });
    limit_threads(run, 0).parallel_for(
        1, [&](std::int64_t) { kernels_.sum_rows(partial, chunks, columns_, db); });
  }

 private:
  static constexpr std::int64_t kChunkBytes = 64 << 10;
  const Kernels<T>& kernels_;
  std::int64_t columns_, chunk_;
  std::size_t scratch_bytes_;
};

/// Checks `features` against channelsLast.
std::int64_t read_channels(const Call& call, std::int64_t features) {
  const std::int64_t channels = call.attributes.integer("channelsLast", 0, std::int64_t{1} << 53);
  if (channels != 0 && features % channels != 0) {
    refuse("expected channelsLast to divide " + std::to_string(features) +
           " features but received " + std::to_string(channels));
  }
  // Without features there is nothing to permute, and no area to divide by.
  return features == 0 ? 0 : channels;
}

LinearSizes check_samples(const TensorSpec& x, const char* name) {
  expect_floating(x, name);
  expect_rank(x, name, 2, static_cast<std::size_t>(kMaxRank));
  return {x.shape[0], 0, product(x, 1, x.shape.size()), 0};
}

void check_weight(const TensorSpec& weight, const char* name, DType dtype, LinearSizes& sizes) {
  expect_rank(weight, name, 2);
  sizes.outputs = weight.shape[0];
  expect_tensor(weight, name, dtype, {sizes.outputs, sizes.features}, false);
}

}  // namespace

std::unique_ptr<Instruction> prepare_linear(const Call& call, const KernelTable& table) {
  expect_operands(call, 3, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  LinearSizes sizes = check_samples(x, "x");
  check_weight(weight_spec(call, 2), "weight", x.dtype, sizes);
  if (call.inputs[2].present) {
    expect_tensor(call.inputs[2], "bias", x.dtype, {sizes.outputs}, false);
  }
  expect_tensor(required_output(call, 0, "y"), "y", x.dtype, {sizes.batch, sizes.outputs},
                x.batched);
  sizes.channels = read_channels(call, sizes.features);
  sizes.activation = parse_activation(call);
  sizes.packed = has_packed_weight(call);
  auto instruction = make_floating<Linear>(x.dtype, table, sizes);
  expect_packed_weight(call, *instruction);
  return instruction;
}

std::unique_ptr<Instruction> prepare_linear_input_gradient(const Call& call,
                                                           const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& dx = required_output(call, 0, "dx");
  LinearSizes sizes = check_samples(dx, "dx");
  check_weight(required_input(call, 1, "weight"), "weight", dx.dtype, sizes);
  expect_tensor(dy, "dy", dx.dtype, {sizes.batch, sizes.outputs}, dx.batched);
  sizes.channels = read_channels(call, sizes.features);
  return make_floating<LinearInputGradient>(dx.dtype, table, sizes);
}

std::unique_ptr<Instruction> prepare_linear_weight_gradient(const Call& call,
                                                            const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& dy = required_input(call, 1, "dy");
  LinearSizes sizes = check_samples(x, "x");
  check_weight(required_output(call, 0, "dw"), "dw", x.dtype, sizes);
  expect_tensor(dy, "dy", x.dtype, {sizes.batch, sizes.outputs}, x.batched);
  sizes.channels = read_channels(call, sizes.features);
  return make_floating<LinearWeightGradient>(x.dtype, table, sizes);
}

std::unique_ptr<Instruction> prepare_bias_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 1, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  expect_rank(dy, "dy", 2, 4);
  const std::size_t last = dy.shape.size() - 1;
  const std::int64_t columns = dy.shape[last];
  const std::int64_t rows = product(dy, 0, last);
  expect_tensor(required_output(call, 0, "db"), "db", dy.dtype, {columns}, false);
  return make_floating<BiasGradient>(dy.dtype, table, rows, columns);
}

}  // namespace stridenet
