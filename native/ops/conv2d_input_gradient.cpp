#include <algorithm>

#include "ops/checks.h"
#include "ops/conv2d_patches.h"
#include "ops/direct_conv2d.h"
#include "ops/gemm.h"
#include "ops/parallel.h"
#include "ops/plane_conv2d.h"
#include "ops/strip_conv2d.h"
#include "ops/winograd_conv2d.h"

namespace stridenet {

namespace {

template <class T>
class Conv2dInputGradient final : public Instruction {
 public:
  Conv2dInputGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels), conv_(conv) {}

  std::size_t scratch_bytes() const override {
    std::int64_t packed = 0;
    std::int64_t padded = 0;
    for_each_phase([&](const Phase& rows, const Phase& columns) {
      packed += phase_elements(rows, columns);
      const Patches<T> patches = gradient_patches(nullptr, conv_.n, rows, columns, 0);
      if (!takes_strips(patches)) {
        padded = std::max(padded, padded_elements(patches, conv_.n));
      }
    });
    return static_cast<std::size_t>(packed + padded) * sizeof(T) + places_bytes();
  }

  void run(const Run& run) const override {
    if (conv_.group_filters() * conv_.group_channels() > 0) place_taps(run);
    for (std::int64_t group = 0; group < conv_.groups; ++group) {
      T* packed = reinterpret_cast<T*>(run.scratch + places_bytes());
      pack_phases(run, group, packed);
      T* padded = packed;
      for_each_phase([&](const Phase& rows, const Phase& columns) {
        padded += phase_elements(rows, columns);
      });
      for_each_phase([&](const Phase& rows, const Phase& columns) {
        run_phase(run, rows, columns, group, packed, padded);
        packed += phase_elements(rows, columns);
      });
    }
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

  std::int64_t phase_elements(const Phase& rows, const Phase& columns) const {
    return whole_lines<T>(packed_b_elements<T>(
        kernels_.tile, rows.taps * columns.taps * conv_.group_filters(), conv_.group_channels()));
  }

  /// Of the places of taps, which begin the scratch memory.
  std::size_t places_bytes() const {
    if (conv_.group_filters() * conv_.group_channels() == 0) return 0;
    return static_cast<std::size_t>(conv_.taps() + 3) / 4 * 4 * sizeof(TapPlace);
  }

  /// Writes where each tap of a filter goes: it belongs to one phase, or is never met.
  void place_taps(const Run& run) const {
    auto* places = reinterpret_cast<TapPlace*>(run.scratch);
    std::fill_n(places, conv_.taps(), TapPlace{-1, 0});
    std::int64_t start = 0;
    for_each_phase([&](const Phase& rows, const Phase& columns) {
      const std::int64_t row = conv_.group_filters() * kernels_.tile.columns;
      const std::int64_t panel =
          packed_panel_stride<T>(kernels_.tile, rows.taps * columns.taps * conv_.group_filters());
      for (std::int64_t i = 0; i < rows.taps; ++i) {
        for (std::int64_t j = 0; j < columns.taps; ++j) {
          std::int64_t tap = (rows.first_tap - i * rows.tap_step) * conv_.s + columns.first_tap -
                             j * columns.tap_step;
          if (conv_.flipped) tap = conv_.taps() - 1 - tap;
          places[tap] = {start + (i * columns.taps + j) * row, panel};
        }
      }
      start += phase_elements(rows, columns);
    });
  }

  /// The B of every phase: row (tap, filter), column channel.
  void pack_phases(const Run& run, std::int64_t group, T* packed) const {
    const std::int64_t filters = conv_.group_filters();
    const std::int64_t channels = conv_.group_channels();
    const std::int64_t width = kernels_.tile.columns;
    const auto* places = reinterpret_cast<const TapPlace*>(run.scratch);
    const T* weight = run.inputs[1].as<T>() + group * filters * conv_.patch();
    const std::int64_t panels = (channels + width - 1) / width;
    const std::int64_t step = std::max<std::int64_t>(1, kPackedElements / (width * conv_.taps()));
    const std::int64_t pieces = (filters + step - 1) / step;
    // Moving an element costs as much as a good number of operations.
    limit_threads(run, channels * filters * conv_.taps() * 16)
        .parallel_for(panels * pieces, [&](std::int64_t task) {
          const std::int64_t panel = task % panels;
          const std::int64_t k = task / panels * step;
          const std::int64_t first = panel * width;
          const std::int64_t count = std::min(width, channels - first);
          kernels_.pack_taps({places, conv_.taps(), panel},
                             weight + k * conv_.patch() + first * conv_.taps(), conv_.patch(),
                             count, std::min(step, filters - k), packed + k * width);
        });
  }

  void run_phase(const Run& run, const Phase& rows, const Phase& columns, std::int64_t group,
                 const T* packed, T* padded) const {
    const std::int64_t channels = conv_.group_channels();
    const std::int64_t batch = run.outputs[0].shape[0];
    const std::int64_t depth = rows.taps * columns.taps * conv_.group_filters();
    Patches<T> patches = gradient_patches(run.inputs[0].as<T>(), batch, rows, columns, group);
    const bool strips = takes_strips(patches);
    if (!strips) patches = best_patches(run, patches, batch, padded);
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
    const Gemm<T> problem = {.rows = batch * rows.count * columns.count,
                             .columns = channels,
                             .depth = depth,
                             .depth_major = false,
                             .pack_a = pack,
                             .b = packed,
                             .c = run.outputs[0].as<T>() + group * channels,
                             .row_offsets = offsets,
                             .a = pixel_rows(patches)};
    if (strips) {
      strip_gemm(run, kernels_, problem, patches, batch);
    } else {
      gemm(run, kernels_, problem);
    }
  }

  bool takes_strips(const Patches<T>& patches) const {
    return suits_strips(kernels_, patches, conv_.group_channels());
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

  /// Of a task that packs weights.
  static constexpr std::int64_t kPackedElements = 1 << 14;

  const Kernels<T>& kernels_;
  Convolution conv_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_conv2d_input_gradient(const Call& call,
                                                           const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& weight = required_input(call, 1, "weight");
  const Convolution conv = check_convolution(call, required_output(call, 0, "dx"), weight, dy);
  if (auto winograd = make_winograd_input_gradient(call, table, conv)) return winograd;
  if (auto planes = make_plane_conv2d_input_gradient(dy.dtype, table, conv)) return planes;
  if (auto direct = make_direct_conv2d_input_gradient(dy.dtype, table, conv)) return direct;
  return make_floating<Conv2dInputGradient>(dy.dtype, table, conv);
}

}  // namespace stridenet
