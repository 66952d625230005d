#include <algorithm>

#include "ops/checks.h"
#include "ops/conv2d_patches.h"
#include "ops/conv2d_strip_gradient.h"
#include "ops/direct_conv2d.h"
#include "ops/gemm.h"
#include "ops/parallel.h"
#include "ops/plane_conv2d.h"

namespace stridenet {

namespace {

template <class T>
class Conv2dFilterGradient final : public Instruction {
 public:
  Conv2dFilterGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels), conv_(conv) {}

  std::size_t scratch_bytes() const override {
    const Patches<T> patches = input_patches<T>(conv_, nullptr, conv_.n, 0);
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
          best_patches(run, input_patches(conv_, run.inputs[0].as<T>(), batch, group), batch,
                       partial + partial_elements(pixels));
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
                {.rows = conv_.patch(),
                 .columns = filters,
                 .depth = pixels,
                 .chunks = parts,
                 .pack_a = pack_x,
                 .pack_b = pack_dy,
                 .direct_b = conv_.groups == 1 ? dy : nullptr,
                 .c = partial});
      } else {
        gemm<T>(run, kernels_,
                {.rows = filters,
                 .columns = conv_.patch(),
                 .depth = pixels,
                 .chunks = parts,
                 .pack_a = pack_dy,
                 .pack_b = pack_x,
                 .c = partial});
      }
      combine(run, partial, parts, run.outputs[0].as<T>() + group * filters * conv_.patch());
    }
  }

 private:
  std::int64_t partial_size() const { return conv_.patch() * conv_.group_filters(); }

  /// Whether the product is patchesᵀ · dy, whose packing suits short patches, else dyᵀ · patches.
  bool patches_first() const { return conv_.patch() <= kernels_.tile.rows; }

  std::int64_t partial_elements(std::int64_t pixels) const {
    return whole_lines<T>(chunks(pixels) * partial_size());
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

std::unique_ptr<Instruction> prepare_conv2d_filter_gradient(const Call& call,
                                                            const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const TensorSpec& dy = required_input(call, 1, "dy");
  const Convolution conv = check_convolution(call, x, required_output(call, 0, "dw"), dy);
  if (auto planes = make_plane_conv2d_filter_gradient(x.dtype, table, conv)) return planes;
  if (auto direct = make_direct_conv2d_filter_gradient(x.dtype, table, conv)) return direct;
  if (auto strips = make_strip_filter_gradient(x.dtype, table, conv)) return strips;
  return make_floating<Conv2dFilterGradient>(dy.dtype, table, conv);
}

}  // namespace stridenet
