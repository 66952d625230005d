#include <algorithm>

#include "ops/checks.h"
#include "ops/conv2d_geometry.h"
#include "ops/direct_conv2d.h"
#include "ops/gemm.h"
#include "ops/padded_patches.h"
#include "ops/parallel.h"

namespace stridenet {

namespace {

/// Elements of a part of scratch memory, such that the next part begins at 64 bytes.
template <class T>
std::int64_t round_up(std::int64_t elements) {
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
  return (elements + line - 1) / line * line;
}

/// `patches`, or a padded copy in `scratch` when that is better.
template <class T>
Patches<T> best_patches(const Run& run, const Patches<T>& patches, std::int64_t batch, T* scratch) {
  return padded_elements(patches, batch) == 0 ? patches : pad_patches(run, patches, batch, scratch);
}

template <class T>
class Conv2d final : public Instruction {
 public:
  Conv2d(const Kernels<T>& kernels, const Convolution& conv, Activation activation, bool packed)
      : kernels_(kernels), conv_(conv), activation_(activation), packed_(packed) {}

  std::size_t scratch_bytes() const override {
    const Patches<T> patches = input_patches(conv_, static_cast<const T*>(nullptr), conv_.n, 0);
    return static_cast<std::size_t>(scratch_weight() + padded_elements(patches, conv_.n)) *
           sizeof(T);
  }

  std::int64_t packed_elements() const override { return conv_.groups * group_elements(); }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    for (std::int64_t group = 0; group < conv_.groups; ++group) {
      pack_group(run, static_cast<const T*>(weight), group,
                 static_cast<T*>(to) + group * group_elements());
    }
  }

  void run(const Run& run) const override {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t patch = conv_.patch();
    const std::int64_t batch = run.inputs[0].shape[0];
    const T* bias = optional_input<T>(run, 2);
    const T* residual = optional_input<T>(run, 3);
    const T* weight = run.inputs[1].as<T>();
    T* scratch = reinterpret_cast<T*>(run.scratch);
    for (std::int64_t group = 0; group < conv_.groups; ++group) {
      if (!packed_) pack_group(run, weight, group, scratch);
      const T* packed = packed_ ? weight + group * group_elements() : scratch;
      const Patches<T> patches =
          best_patches(run, input_patches(conv_, run.inputs[0].as<T>(), batch, group), batch,
                       scratch + scratch_weight());
      const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
        kernels_.pack_patch_rows(patches, {range.first, range.count, range.k, range.depth}, to);
      };
      const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
        row_starts(conv_.k, first, count, to);
      };
      gemm<T>(run, kernels_,
              {batch * conv_.p * conv_.q, filters, patch, false, pack, packed,
               run.outputs[0].as<T>() + group * filters, offsets,
               bias == nullptr ? nullptr : bias + group * filters, activation_,
               conv_.groups == 1 && conv_.k * static_cast<std::int64_t>(sizeof(T)) % 64 == 0,
               residual == nullptr ? nullptr : residual + group * filters});
    }
  }

  /// The patches of x that the outputs of one group see; x may be null for their geometry alone.
  static Patches<T> input_patches(const Convolution& conv, const T* x, std::int64_t batch,
                                  std::int64_t group) {
    Patches<T> patches = {};
    patches.pixel_size = conv.c;
    patches.row_size = conv.w * conv.c;
    patches.image_size = conv.h * patches.row_size;
    if (x != nullptr) {
      patches.image = x + group * conv.group_channels();
      patches.end = x + batch * patches.image_size;
    }
    patches.height = conv.h;
    patches.width = conv.w;
    patches.channels = conv.group_channels();
    patches.out_height = conv.p;
    patches.out_width = conv.q;
    patches.stride_h = conv.stride_h;
    patches.stride_w = conv.stride_w;
    patches.origin_h = -conv.top;
    patches.origin_w = -conv.left;
    patches.dilation_h = conv.dilation_h;
    patches.dilation_w = conv.dilation_w;
    patches.taps_h = conv.r;
    patches.taps_w = conv.s;
    return patches;
  }

 private:
  void pack_group(const Run& run, const T* weight, std::int64_t group, T* to) const {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t patch = conv_.patch();
    const DepthOrder order = {conv_.taps(), conv_.flipped};
    const T* from = weight + group * filters * patch;
    pack_b<T>(run, kernels_.tile, patch, filters, to,
              [&](std::int64_t first, std::int64_t count, T* panel) {
                kernels_.pack_along(order, from + first * patch, patch, count, patch, panel);
              });
  }

  std::int64_t scratch_weight() const { return packed_ ? 0 : group_elements(); }

  std::int64_t group_elements() const {
    return round_up<T>(packed_b_elements<T>(kernels_.tile, conv_.patch(), conv_.group_filters()));
  }

  const Kernels<T>& kernels_;
  Convolution conv_;
  Activation activation_;
  bool packed_;
};

template <class T>
class Conv2dInputGradient final : public Instruction {
 public:
  Conv2dInputGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels), conv_(conv) {}

  std::size_t scratch_bytes() const override {
    std::int64_t padded = 0;
    for_each_phase([&](const Phase& rows, const Phase& columns) {
      padded = std::max(
          padded, padded_elements(gradient_patches(nullptr, conv_.n, rows, columns, 0), conv_.n));
    });
    return static_cast<std::size_t>(packed_elements() + padded) * sizeof(T);
  }

  void run(const Run& run) const override {
    for_each_phase([&](const Phase& rows, const Phase& columns) {
      for (std::int64_t group = 0; group < conv_.groups; ++group) {
        run_phase(run, rows, columns, group);
      }
    });
  }

 private:
  template <class Visit>
  void for_each_phase(Visit visit) const {
    for (std::int64_t h = 0; h < std::min(conv_.stride_h, conv_.h); ++h) {
      const Phase rows =
          make_phase(h, conv_.h, conv_.stride_h, conv_.top, conv_.dilation_h, conv_.r);
      for (std::int64_t w = 0; w < std::min(conv_.stride_w, conv_.w); ++w) {
        visit(rows, make_phase(w, conv_.w, conv_.stride_w, conv_.left, conv_.dilation_w, conv_.s));
      }
    }
  }

  std::int64_t packed_elements() const {
    const std::int64_t taps =
        ((conv_.r - 1) / tap_step_h() + 1) * ((conv_.s - 1) / tap_step_w() + 1);
    return round_up<T>(
        packed_b_elements<T>(kernels_.tile, taps * conv_.group_filters(), conv_.group_channels()));
  }

  std::int64_t tap_step_h() const {
    return make_phase(0, 1, conv_.stride_h, 0, conv_.dilation_h, 1).tap_step;
  }
  std::int64_t tap_step_w() const {
    return make_phase(0, 1, conv_.stride_w, 0, conv_.dilation_w, 1).tap_step;
  }

  void run_phase(const Run& run, const Phase& rows, const Phase& columns,
                 std::int64_t group) const {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t channels = conv_.group_channels();
    const std::int64_t batch = run.outputs[0].shape[0];
    const std::int64_t depth = rows.taps * columns.taps * filters;
    T* packed = reinterpret_cast<T*>(run.scratch);
    const T* weight = run.inputs[1].as<T>() + group * filters * conv_.patch();
    pack_b<T>(run, kernels_.tile, depth, channels, packed,
              [&](std::int64_t first, std::int64_t count, T* panel) {
                pack_taps(weight, rows, columns, first, count, panel);
              });
    const Patches<T> patches =
        best_patches(run, gradient_patches(run.inputs[0].as<T>(), batch, rows, columns, group),
                     batch, packed + packed_elements());
    const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
      kernels_.pack_patch_rows(patches, {range.first, range.count, range.k, range.depth}, to);
    };
    const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
      std::int64_t j = first % columns.count;
      std::int64_t i = first / columns.count % rows.count;
      std::int64_t n = first / columns.count / rows.count;
      for (std::int64_t index = 0; index < count; ++index) {
        to[index] = ((n * conv_.h + rows.first + i * conv_.stride_h) * conv_.w + columns.first +
                     j * conv_.stride_w) *
                    conv_.c;
        if (++j < columns.count) continue;
        j = 0;
        if (++i < rows.count) continue;
        i = 0;
        ++n;
      }
    };
    gemm<T>(run, kernels_,
            {batch * rows.count * columns.count, channels, depth, false, pack, packed,
             run.outputs[0].as<T>() + group * channels, offsets});
  }

  /// Row (i, j, filter) of the phase's B, column channel.
  void pack_taps(const T* weight, const Phase& rows, const Phase& columns, std::int64_t first,
                 std::int64_t count, T* panel) const {
    const std::int64_t width = kernels_.tile.columns;
    const std::int64_t filters = conv_.group_filters();
    for (std::int64_t i = 0; i < rows.taps; ++i) {
      for (std::int64_t j = 0; j < columns.taps; ++j) {
        std::int64_t tap = (rows.first_tap - i * rows.tap_step) * conv_.s + columns.first_tap -
                           j * columns.tap_step;
        if (conv_.flipped) tap = conv_.taps() - 1 - tap;
        for (std::int64_t k = 0; k < filters; ++k) {
          const T* from = weight + k * conv_.patch() + first * conv_.taps() + tap;
          for (std::int64_t c = 0; c < count; ++c) panel[c] = from[c * conv_.taps()];
          std::fill(panel + count, panel + width, T{0});
          panel += width;
        }
      }
    }
  }

  Patches<T> gradient_patches(const T* dy, std::int64_t batch, const Phase& rows,
                              const Phase& columns, std::int64_t group) const {
    Patches<T> patches = {};
    patches.pixel_size = conv_.k;
    patches.row_size = conv_.q * conv_.k;
    patches.image_size = conv_.p * patches.row_size;
    if (dy != nullptr) {
      patches.image = dy + group * conv_.group_filters();
      patches.end = dy + batch * patches.image_size;
    }
    patches.height = conv_.p;
    patches.width = conv_.q;
    patches.channels = conv_.group_filters();
    patches.out_height = rows.count;
    patches.out_width = columns.count;
    patches.stride_h = 1;
    patches.stride_w = 1;
    patches.origin_h = rows.origin;
    patches.origin_w = columns.origin;
    patches.dilation_h = rows.dilation;
    patches.dilation_w = columns.dilation;
    patches.taps_h = rows.taps;
    patches.taps_w = columns.taps;
    return patches;
  }

  const Kernels<T>& kernels_;
  Convolution conv_;
};

template <class T>
class Conv2dFilterGradient final : public Instruction {
 public:
  Conv2dFilterGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels), conv_(conv) {}

  std::size_t scratch_bytes() const override {
    const Patches<T> patches =
        Conv2d<T>::input_patches(conv_, static_cast<const T*>(nullptr), conv_.n, 0);
    return static_cast<std::size_t>(partial_elements(conv_.n * conv_.p * conv_.q) +
                                    padded_elements(patches, conv_.n)) *
           sizeof(T);
  }

  void run(const Run& run) const override {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t batch = run.inputs[0].shape[0];
    const std::int64_t pixels = batch * conv_.p * conv_.q;
    T* partial = reinterpret_cast<T*>(run.scratch);
    for (std::int64_t group = 0; group < conv_.groups; ++group) {
      const Patches<T> patches =
          best_patches(run, Conv2d<T>::input_patches(conv_, run.inputs[0].as<T>(), batch, group),
                       batch, partial + partial_elements(pixels));
      const T* dy = run.inputs[1].as<T>() + group * filters;
      const auto pack_x = [&](const PackRange& range, const PanelTarget<T>& to) {
        kernels_.pack_patch_columns(patches, {range.k, range.depth, range.first, range.count}, to);
      };
      const auto pack_dy = [&](const PackRange& range, const PanelTarget<T>& to) {
        kernels_.pack_across(dy + range.k * conv_.k + range.first, conv_.k, range.count,
                             range.depth, to.data, to.panel_rows, to.step, to.stride);
      };
      const std::int64_t parts = chunks(pixels);
      if (patches_first()) {
        gemm<T>(run, kernels_,
                {conv_.patch(), filters, pixels, parts, pack_x, pack_dy,
                 conv_.groups == 1 ? dy : nullptr, partial});
      } else {
        gemm<T>(run, kernels_,
                {filters, conv_.patch(), pixels, parts, pack_dy, pack_x, nullptr, partial});
      }
      combine(run, partial, parts, run.outputs[0].as<T>() + group * filters * conv_.patch());
    }
  }

 private:
  std::int64_t partial_size() const { return conv_.patch() * conv_.group_filters(); }

  /// Whether the product is patchesᵀ · dy, whose packing suits short patches, else dyᵀ · patches.
  bool patches_first() const { return conv_.patch() <= kernels_.tile.rows; }

  std::int64_t partial_elements(std::int64_t pixels) const {
    return round_up<T>(chunks(pixels) * partial_size());
  }

  /// Parts of the pixels that are summed apart.
  std::int64_t chunks(std::int64_t pixels) const {
    const double operations = 2.0 * static_cast<double>(pixels) *
                              static_cast<double>(std::max<std::int64_t>(1, partial_size()));
    const auto by_work = static_cast<std::int64_t>(std::min(32.0, operations / kChunkOperations));
    const std::int64_t by_memory = kPartialElements / std::max<std::int64_t>(1, partial_size());
    const std::int64_t by_depth = pixels / kernels_.tile.depth;
    return std::max<std::int64_t>(1, std::min({by_work, by_memory, by_depth}));
  }

  /// Sums the partial results in order, into the first, and writes them as (K, C, R, S).
  void combine(const Run& run, T* partial, std::int64_t count, T* to) const {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t patch = conv_.patch();
    const std::int64_t rows = patches_first() ? patch : filters;
    const std::int64_t columns = patches_first() ? filters : patch;
    limit_threads(run, partial_size() * count * 8).parallel_for(rows, [&](std::int64_t row) {
      T* sums = partial + row * columns;
      for (std::int64_t i = 1; i < count; ++i) {
        const T* more = sums + i * partial_size();
        for (std::int64_t j = 0; j < columns; ++j) sums[j] += more[j];
      }
      if (patches_first()) {
        T* element = to + weight_place(row);
        for (std::int64_t k = 0; k < filters; ++k) element[k * patch] = sums[k];
      } else {
        write_filter(sums, to + row * patch);
      }
    });
  }

  /// From (R, S, C) to (C, R, S).
  void write_filter(const T* from, T* to) const {
    const std::int64_t taps = conv_.taps();
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      T* element = to + weight_place(tap * conv_.group_channels());
      for (std::int64_t c = 0; c < conv_.group_channels(); ++c) element[c * taps] = *from++;
    }
  }

  /// The place in a filter of (C, R, S) of element (r, s, c) of a patch.
  std::int64_t weight_place(std::int64_t element) const {
    const std::int64_t tap = element / conv_.group_channels();
    return element % conv_.group_channels() * conv_.taps() +
           (conv_.flipped ? conv_.taps() - 1 - tap : tap);
  }

  static constexpr double kChunkOperations = 2e6;
  static constexpr std::int64_t kPartialElements = 2'000'000;

  const Kernels<T>& kernels_;
  Convolution conv_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_conv2d(const Call& call, const KernelTable& table) {
  expect_operands(call, call.inputs.size() == 4 ? 4 : 3, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec weight = weight_spec(call, 4);
  const Convolution conv = check_convolution(call, x, weight, required_output(call, 0, "y"));
  if (call.inputs[2].present) expect_tensor(call.inputs[2], "bias", x.dtype, {conv.k}, false);
  if (call.inputs.size() == 4 && call.inputs[3].present) {
    expect_tensor(call.inputs[3], "residual", x.dtype, {conv.n, conv.p, conv.q, conv.k}, x.batched);
  }
  const Activation activation = parse_activation(call);
  const bool packed = has_packed_weight(call);
  auto instruction = make_direct_conv2d(x.dtype, table, conv, activation, packed);
  if (instruction == nullptr) {
    instruction = make_floating<Conv2d>(x.dtype, table, conv, activation, packed);
  }
  expect_packed_weight(call, *instruction);
  return instruction;
}

std::unique_ptr<Instruction> prepare_conv2d_input_gradient(const Call& call,
                                                           const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& weight = required_input(call, 1, "weight");
  const Convolution conv = check_convolution(call, required_output(call, 0, "dx"), weight, dy);
  if (auto direct = make_direct_conv2d_input_gradient(dy.dtype, table, conv)) return direct;
  return make_floating<Conv2dInputGradient>(dy.dtype, table, conv);
}

std::unique_ptr<Instruction> prepare_conv2d_filter_gradient(const Call& call,
                                                            const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& dy = required_input(call, 1, "dy");
  const Convolution conv = check_convolution(call, x, required_output(call, 0, "dw"), dy);
  if (auto direct = make_direct_conv2d_filter_gradient(x.dtype, table, conv)) return direct;
  return make_floating<Conv2dFilterGradient>(dy.dtype, table, conv);
}

}  // namespace stridenet
