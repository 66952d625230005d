#include "ops/direct_conv2d.h"

#include <algorithm>

#include "ops/direct_strips.h"
#include "ops/gemm.h"

namespace stridenet {

namespace {

/// Of tasks of outputs: neighbours read rows of x twice.
constexpr std::int64_t kMostTasks = 64;
/// Input and output channels of a group up to which matrix products are too small.
constexpr std::int64_t kMostOfGroup = 8;
/// Places that an expansion lists.
constexpr std::int64_t kMostPlaces = std::int64_t{1} << 22;

/// Outputs of several passes: a convolution, or its input gradient.
template <class T>
class DirectOutputs : public Instruction {
 public:
  DirectOutputs(const Kernels<T>& kernels, const Convolution& conv, const Grouping& grouping,
                std::int64_t height, std::int64_t width, bool packed = false)
      : packed_(packed),
        kernels_(kernels),
        conv_(conv),
        grouping_(grouping),
        height_(height),
        width_(width),
        strips_(kernels, grouping, width) {}

  std::size_t scratch_bytes() const override {
    return packed_ ? 0 : static_cast<std::size_t>(weight_elements()) * sizeof(T);
  }

 protected:
  /// packed[tap, i, o], or [tap, o, i] for the narrow kernel, = weight[place(i, o) · taps + tap],
  /// taps turned by 180° when flipped.
  template <class Place>
  void pack(const Run& run, const T* weight, T* packed, Place place) const {
    const std::int64_t taps = conv_.taps();
    const std::int64_t size = grouping_.inner * grouping_.outputs;
    limit_threads(run, taps * size * 16).parallel_for(taps, [&](std::int64_t tap) {
      const T* from = weight + (conv_.flipped ? taps - 1 - tap : tap);
      T* to = packed + tap * size;
      const std::int64_t pitch_o = grouping_.narrow() ? grouping_.inner : 1;
      const std::int64_t pitch_i = grouping_.narrow() ? 1 : grouping_.outputs;
      for (std::int64_t i = 0; i < grouping_.inner; ++i) {
        for (std::int64_t o = 0; o < grouping_.outputs; ++o) {
          to[i * pitch_i + o * pitch_o] = from[place(i, o) * taps];
        }
      }
    });
  }

  std::int64_t weight_elements() const {
    return conv_.taps() * grouping_.inner * grouping_.outputs;
  }

  /// What a pass writes: pixel (h, w) of image n at y + ((n · height + h) · width + w) · outputs.
  struct Target {
    T* y;
    std::int64_t height, width;
    const T* bias = nullptr;
    const T* residual = nullptr;  // as y
    Activation activation = Activation::none;
  };

  /// Whether y is large, and every vector of it can be written past the caches.
  bool streams(const Target& to, std::int64_t images) const {
    const auto size = static_cast<std::int64_t>(sizeof(T));
    const std::int64_t pixel = grouping_.outputs * size;
    return grouping_.plain() && pixel % 64 == 0 &&
           reinterpret_cast<std::uintptr_t>(to.y) % 64 == 0 &&
           images * to.height * to.width >= kDirectStreamedBytes / pixel;
  }

  void run_pass(const Run& run, const Pass& rows, const Pass& columns, const Target& to) const {
    const TensorView& x = run.inputs[0];
    const bool past_caches = streams(to, x.shape[0]);
    const double row_operations =
        2.0 * static_cast<double>(columns.count * grouping_.outputs * grouping_.inner) *
        static_cast<double>(std::max<std::int64_t>(1, rows.taps * columns.taps));
    const auto enough = static_cast<std::int64_t>(kDirectTaskOperations / row_operations) + 1;
    // Even, as rows may be computed in pairs.
    const std::int64_t wanted = std::max(enough, x.shape[0] * rows.count / kMostTasks) / 2 * 2 + 2;
    const std::int64_t span = (rows.taps - 1) * rows.dilation + 1;
    const std::int64_t most = (strips_.most_rows() - span) / rows.stride + 1;
    const std::int64_t height = std::clamp<std::int64_t>(std::min({wanted, most, rows.count}), 1,
                                                         std::max<std::int64_t>(1, rows.count));
    const std::int64_t blocks = (rows.count + height - 1) / height;
    const std::int64_t tasks = x.shape[0] * blocks;
    const double operations = row_operations * static_cast<double>(rows.count * x.shape[0]);
    const Run limited = limit_threads(run, static_cast<std::int64_t>(std::min(1e15, operations)));
    limited.parallel_for(tasks, [&](std::int64_t task) {
      const std::int64_t begin = task % blocks * height;
      DirectConvRows<T> call = {};
      call.rows = std::min(height, rows.count - begin);
      call.past_caches = past_caches;
      run_rows(run, rows, columns, to, task / blocks, begin, call);
    });
  }

 private:
  /// The rows of image n from `begin` on that `rows_call` has.
  void run_rows(const Run& run, const Pass& rows, const Pass& columns, const Target& to,
                std::int64_t n, std::int64_t begin, DirectConvRows<T>& rows_call) const {
    const T* image = run.inputs[0].as<T>() + n * height_ * width_ * grouping_.inputs;
    const T* packed = packed_ ? run.inputs[1].as<T>() : reinterpret_cast<const T*>(run.scratch);
    const Rows needed = rows_of(rows, begin, begin + rows_call.rows, height_);
    const std::int64_t block = strips_.block_channels();
    const std::int64_t tap_pitch = grouping_.inner * grouping_.outputs;
    const auto kernel =
        grouping_.narrow() ? kernels_.direct_conv_narrow_rows : kernels_.direct_conv_rows;
    const std::int64_t line = to.width * grouping_.outputs;
    rows_call.stride_h = rows.stride;
    rows_call.y_row_pitch = rows.step * line;
    DirectConvRow<T>& call = rows_call.first;
    call.tap_row_pitch = rows.tap_step * conv_.s * tap_pitch;
    call.tap_pitch = columns.tap_step * tap_pitch;
    call.weight_inner_pitch = grouping_.narrow() ? grouping_.inner : grouping_.outputs;
    call.activation = to.activation;
    call.y_pitch = columns.step * grouping_.outputs;
    call.columns = columns.count;
    for (std::int64_t channel = 0; channel < grouping_.outputs; channel += block) {
      call.input = strips_.input(image, needed, channel);
      call.channels = std::min(block, grouping_.outputs - channel);
      call.bias = to.bias == nullptr ? nullptr : to.bias + channel;
      call.weight = packed + (rows.first_tap * conv_.s + columns.first_tap) * tap_pitch + channel;
      aim(call.input, rows, columns, begin, needed.first);
      const std::int64_t h = rows.first + begin * rows.step;
      const std::int64_t place =
          (n * to.height + h) * line + columns.first * grouping_.outputs + channel;
      call.y = to.y + place;
      call.residual = to.residual == nullptr ? nullptr : to.residual + place;
      kernel(rows_call);
    }
  }

 protected:
  bool packed_;
  const Kernels<T>& kernels_;
  Convolution conv_;
  Grouping grouping_;
  std::int64_t height_, width_;  // of the images that are read
  Strips<T> strips_;
};

template <class T>
class DirectConv2d final : public DirectOutputs<T> {
 public:
  DirectConv2d(const Kernels<T>& kernels, const Convolution& conv, Activation activation,
               bool packed)
      : DirectOutputs<T>(kernels, conv, forward_grouping(conv), conv.h, conv.w, packed),
        activation_(activation) {}

  std::int64_t packed_elements() const override { return this->weight_elements(); }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    this->pack(
        run, static_cast<const T*>(weight), static_cast<T*>(to),
        [this](std::int64_t i, std::int64_t k) { return k * this->conv_.group_channels() + i; });
  }

  void run(const Run& run) const override {
    const Convolution& conv = this->conv_;
    if (!this->packed_) pack_weight(run, run.inputs[1].data, run.scratch);
    this->run_pass(run, forward_pass(conv.p, conv.stride_h, conv.top, conv.r, conv.dilation_h),
                   forward_pass(conv.q, conv.stride_w, conv.left, conv.s, conv.dilation_w),
                   {run.outputs[0].template as<T>(), conv.p, conv.q, optional_input<T>(run, 2),
                    optional_input<T>(run, 3), activation_});
  }

 private:
  Activation activation_;
};

template <class T>
class DirectConv2dInputGradient final : public DirectOutputs<T> {
 public:
  DirectConv2dInputGradient(const Kernels<T>& kernels, const Convolution& conv)
      : DirectOutputs<T>(kernels, conv, gradient_grouping(conv), conv.p, conv.q) {}

  void run(const Run& run) const override {
    const Convolution& conv = this->conv_;
    const std::int64_t channels = conv.group_channels();
    this->pack(run, run.inputs[1].template as<T>(), reinterpret_cast<T*>(run.scratch),
               [&](std::int64_t j, std::int64_t c) {
                 return (c / channels * conv.group_filters() + j) * channels + c % channels;
               });
    for (std::int64_t h = 0; h < std::min(conv.stride_h, conv.h); ++h) {
      const Phase rows = make_phase(h, conv.h, conv.stride_h, conv.top, conv.dilation_h, conv.r);
      for (std::int64_t w = 0; w < std::min(conv.stride_w, conv.w); ++w) {
        const Phase columns =
            make_phase(w, conv.w, conv.stride_w, conv.left, conv.dilation_w, conv.s);
        this->run_pass(run, gradient_pass(rows, conv.stride_h),
                       gradient_pass(columns, conv.stride_w),
                       {run.outputs[0].template as<T>(), conv.h, conv.w});
      }
    }
  }
};

std::int64_t span_of(const Pass& pass) { return (pass.taps - 1) * pass.dilation + 1; }

}  // namespace

bool is_direct(const Convolution& conv, const Grouping& grouping, std::int64_t width,
               std::int64_t rows, const KernelTable& table, DType dtype) {
  if (conv.group_channels() == 0 || conv.group_filters() == 0) return false;
  if (grouping.plain() || grouping.narrow()) return true;
  if (conv.groups == 1) return false;
  if (conv.group_channels() > kMostOfGroup || conv.group_filters() > kMostOfGroup) return false;
  if (grouping.outputs > kMostPlaces / kMostOfGroup) return false;
  const bool single = dtype == DType::float32;
  const std::int64_t lanes = single ? table.float32.lanes : table.float64.lanes;
  const std::int64_t pixel = 2 * lanes * grouping.inner * (single ? 4 : 8);
  const std::int64_t pixels = kThreadBytes / pixel;
  return width <= pixels && rows <= pixels / std::max<std::int64_t>(1, width);
}

std::unique_ptr<Instruction> make_direct_conv2d(DType dtype, const KernelTable& table,
                                                const Convolution& conv, Activation activation,
                                                bool packed) {
  const std::int64_t rows = (conv.r - 1) * conv.dilation_h + 1;
  if (!is_direct(conv, forward_grouping(conv), conv.w, std::min(rows, conv.h), table, dtype)) {
    return nullptr;
  }
  return make_floating<DirectConv2d>(dtype, table, conv, activation, packed);
}

std::unique_ptr<Instruction> make_direct_conv2d_input_gradient(DType dtype,
                                                               const KernelTable& table,
                                                               const Convolution& conv) {
  std::int64_t rows = 0;
  for (std::int64_t h = 0; h < std::min(conv.stride_h, conv.h); ++h) {
    const Phase phase = make_phase(h, conv.h, conv.stride_h, conv.top, conv.dilation_h, conv.r);
    rows = std::max(rows, span_of(gradient_pass(phase, conv.stride_h)));
  }
  if (!is_direct(conv, gradient_grouping(conv), conv.q, std::min(rows, conv.p), table, dtype)) {
    return nullptr;
  }
  return make_floating<DirectConv2dInputGradient>(dtype, table, conv);
}

}  // namespace stridenet
