#include "ops/plane_conv2d.h"

#include <algorithm>

#include "ops/gemm.h"
#include "ops/planes.h"

namespace stridenet {

namespace {

/// Operations of a task, and of images that are summed apart, at least.
constexpr double kTaskOperations = 4e5;
constexpr std::int64_t kMostParts = 16;
constexpr std::int64_t kMostTaps = 4 * kPlaneDepth;
constexpr std::int64_t kMostStride = 8;
constexpr std::int64_t kMostSums = 64 << 10;
/// Of images with their padding: keeps all sizes far within 64 bits.
constexpr std::int64_t kMostExtent = std::int64_t{1} << 20;

/// Whether `pixels` in so many vectors fill them as well as channels would. Nothing is packed for
/// them but the planes, so they may be a little emptier.
bool fills_better(double pixels, double vectors, std::int64_t channels, std::int64_t lanes) {
  constexpr double margin = 1.2;
  const std::int64_t of_channels = (channels + lanes - 1) / lanes;
  return margin * pixels * static_cast<double>(of_channels) >
         static_cast<double>(channels) * vectors;
}

std::int64_t lanes_of(DType dtype, const KernelTable& table) {
  return dtype == DType::float32 ? table.float32.lanes : table.float64.lanes;
}
std::int64_t size_of(DType dtype) { return dtype == DType::float32 ? 4 : 8; }

std::vector<PlanePass> forward_passes(const Convolution& conv, std::int64_t lanes,
                                      std::int64_t size) {
  return {PlanePass(forward_pass(conv.p, 1, conv.top, conv.r, conv.dilation_h),
                    forward_pass(conv.q, 1, conv.left, conv.s, conv.dilation_w), conv.w, conv.c,
                    conv.k, lanes, size)};
}

std::vector<PlanePass> gradient_passes(const Convolution& conv, std::int64_t lanes,
                                       std::int64_t size) {
  std::vector<PlanePass> passes;
  for (std::int64_t h = 0; h < std::min(conv.stride_h, conv.h); ++h) {
    const Phase rows = make_phase(h, conv.h, conv.stride_h, conv.top, conv.dilation_h, conv.r);
    for (std::int64_t w = 0; w < std::min(conv.stride_w, conv.w); ++w) {
      const Phase columns =
          make_phase(w, conv.w, conv.stride_w, conv.left, conv.dilation_w, conv.s);
      passes.emplace_back(gradient_pass(rows, conv.stride_h), gradient_pass(columns, conv.stride_w),
                          conv.q, conv.k, conv.c, lanes, size);
    }
  }
  return passes;
}

/// The images that are read (height, width, pixels of `inputs` elements) and those written.
struct PlaneImages {
  std::int64_t height, width, inputs;
  std::int64_t out_height, out_width;
};

template <class T>
class PlaneOutputs : public Instruction {
 public:
  PlaneOutputs(const Kernels<T>& kernels, const Convolution& conv, const PlaneImages& images,
               std::vector<PlanePass> passes, bool packed = false)
      : kernels_(kernels),
        conv_(conv),
        images_(images),
        passes_(std::move(passes)),
        packed_(packed) {}

  std::size_t scratch_bytes() const override {
    return packed_ ? 0 : static_cast<std::size_t>(weight_elements()) * sizeof(T);
  }

 protected:
  std::int64_t weight_elements() const { return conv_.taps() * conv_.c * conv_.k; }

  /// Runs the passes; weight[place(i, o) · taps + tap] is that of input i and output o.
  template <class Place>
  void run_passes(const Run& run, const T* bias, Activation activation, Place place) const {
    for (const PlanePass& pass : passes_) {
      if (!packed_) {
        pack(run, pass, run.inputs[1].as<T>(), reinterpret_cast<T*>(run.scratch), place);
      }
      const std::int64_t images = run.inputs[0].shape[0];
      const double operations = pass.operations() * static_cast<double>(images);
      const std::int64_t tasks = images * pass.strips;
      const auto grain = static_cast<std::int64_t>(
          kTaskOperations /
          (operations / static_cast<double>(std::max<std::int64_t>(1, tasks)) + 1));
      for_pieces(limit_threads(run, static_cast<std::int64_t>(std::min(1e15, operations))), tasks,
                 std::clamp<std::int64_t>(grain, 1, std::max<std::int64_t>(1, tasks)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t task = begin; task < end; ++task) {
                     run_strip(run, pass, bias, activation, task / pass.strips, task % pass.strips);
                   }
                 });
    }
  }

  /// packed[i, tap, o].
  template <class Place>
  void pack(const Run& run, const PlanePass& pass, const T* weight, T* packed, Place place) const {
    const std::int64_t size = pass.taps() * pass.outputs;
    limit_threads(run, pass.inner * size * 16).parallel_for(pass.inner, [&](std::int64_t i) {
      T* to = packed + i * size;
      for (std::int64_t r = 0; r < pass.rows.taps; ++r) {
        for (std::int64_t s = 0; s < pass.columns.taps; ++s) {
          std::int64_t tap = (pass.rows.first_tap + r * pass.rows.tap_step) * conv_.s +
                             pass.columns.first_tap + s * pass.columns.tap_step;
          if (conv_.flipped) tap = conv_.taps() - 1 - tap;
          for (std::int64_t o = 0; o < pass.outputs; ++o) {
            *to++ = weight[place(i, o) * conv_.taps() + tap];
          }
        }
      }
    });
  }

 private:
  void run_strip(const Run& run, const PlanePass& pass, const T* bias, Activation activation,
                 std::int64_t n, std::int64_t strip) const {
    const std::int64_t begin = strip * pass.height;
    const std::int64_t rows = std::min(pass.height, pass.rows.count - begin);
    const T* image = run.inputs[0].as<T>() + n * images_.height * images_.width * images_.inputs;
    const T* weight = packed_ ? run.inputs[1].as<T>() : reinterpret_cast<const T*>(run.scratch);
    T* planes = reinterpret_cast<T*>(thread_memory());
    PlaneConv<T> call = {};
    call.x = planes;
    call.x_plane = pass.layout.plane(pass.height);
    call.block = pass.block;
    call.offsets = pass.layout.offsets.data();
    call.taps = pass.taps();
    call.outputs = pass.outputs;
    call.bias = bias;
    call.activation = activation;
    call.y = planes + pass.group * call.x_plane;
    call.y_plane = pass.output_plane();
    call.count = (rows - 1) * pass.layout.pitch + pass.columns.count;
    for (std::int64_t first = 0; first == 0 || first < pass.inner; first += pass.group) {
      call.inner = std::min(pass.group, pass.inner - first);
      write_planes(kernels_, pass.layout, image + first, images_.height, images_.width,
                   images_.inputs, call.inner, pass.rows.origin + begin, rows + pass.layout.halo,
                   planes, call.x_plane);
      call.weight = weight + first * call.taps * call.outputs;
      call.accumulate = first > 0;
      call.last = first + pass.group >= pass.inner;
      kernels_.plane_conv(call);
    }
    write_outputs(
        pass, call, begin, rows,
        run.outputs[0].as<T>() + n * images_.out_height * images_.out_width * pass.outputs);
  }

  void write_outputs(const PlanePass& pass, const PlaneConv<T>& call, std::int64_t begin,
                     std::int64_t rows, T* image) const {
    const std::int64_t row_size = images_.out_width * pass.outputs;
    const std::int64_t row_step = pass.rows.step * row_size;
    const T* from = call.y;
    T* to = image + (pass.rows.first + begin * pass.rows.step) * row_size +
            pass.columns.first * pass.outputs;
    if (pass.columns.step == 1 && pass.rows.step == 1 && pass.columns.count == images_.out_width &&
        pass.layout.pitch == pass.columns.count) {
      kernels_.planes_to_pixels(from, call.y_plane, pass.outputs, rows * pass.columns.count, to);
      return;
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      if (pass.columns.step == 1) {
        kernels_.planes_to_pixels(from, call.y_plane, pass.outputs, pass.columns.count, to);
      } else {
        const std::int64_t step = pass.columns.step * pass.outputs;
        for (std::int64_t o = 0; o < pass.outputs; ++o) {
          const T* plane = from + o * call.y_plane;
          for (std::int64_t q = 0; q < pass.columns.count; ++q) to[q * step + o] = plane[q];
        }
      }
      from += pass.layout.pitch;
      to += row_step;
    }
  }

 protected:
  const Kernels<T>& kernels_;
  Convolution conv_;
  PlaneImages images_;
  std::vector<PlanePass> passes_;
  bool packed_;
};

template <class T>
class PlaneConv2d final : public PlaneOutputs<T> {
 public:
  PlaneConv2d(const Kernels<T>& kernels, const Convolution& conv, std::vector<PlanePass> passes,
              Activation activation, bool packed)
      : PlaneOutputs<T>(kernels, conv, {conv.h, conv.w, conv.c, conv.p, conv.q}, std::move(passes),
                        packed),
        activation_(activation) {}

  std::int64_t packed_elements() const override { return this->weight_elements(); }

  void pack_weight(const Run& run, const void* weight, void* to) const override {
    this->pack(run, this->passes_[0], static_cast<const T*>(weight), static_cast<T*>(to),
               [this](std::int64_t i, std::int64_t k) { return k * this->conv_.c + i; });
  }

  void run(const Run& run) const override {
    const T* residual = optional_input<T>(run, 3);
    this->run_passes(run, optional_input<T>(run, 2),
                     residual == nullptr ? activation_ : Activation::none,
                     [this](std::int64_t i, std::int64_t k) { return k * this->conv_.c + i; });
    if (residual != nullptr) add_residual(run, residual);
  }

 private:
  void add_residual(const Run& run, const T* residual) const {
    const Convolution& conv = this->conv_;
    T* y = run.outputs[0].template as<T>();
    for_pieces(run, run.inputs[0].shape[0] * conv.p * conv.q * conv.k, kGrain,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   T value = y[i] + residual[i];
                   if (activation_ != Activation::none && value <= 0) value = 0;
                   if (activation_ == Activation::relu6 && value > 6) value = 6;
                   y[i] = value;
                 }
               });
  }

  Activation activation_;
};

template <class T>
class PlaneConv2dInputGradient final : public PlaneOutputs<T> {
 public:
  PlaneConv2dInputGradient(const Kernels<T>& kernels, const Convolution& conv,
                           std::vector<PlanePass> passes)
      : PlaneOutputs<T>(kernels, conv, {conv.p, conv.q, conv.k, conv.h, conv.w},
                        std::move(passes)) {}

  void run(const Run& run) const override {
    this->run_passes(run, nullptr, Activation::none,
                     [&](std::int64_t k, std::int64_t c) { return k * this->conv_.c + c; });
  }
};

template <class T>
class PlaneConv2dFilterGradient final : public Instruction {
 public:
  PlaneConv2dFilterGradient(const Kernels<T>& kernels, const Convolution& conv,
                            const PlaneRows& layout, std::int64_t height)
      : kernels_(kernels), conv_(conv), layout_(layout), height_(height) {}

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(parts(conv_.n) * sums()) * sizeof(T);
  }

  void run(const Run& run) const override {
    const std::int64_t images = run.inputs[0].shape[0];
    const std::int64_t count = parts(images);
    const std::int64_t share = (images + count - 1) / count;
    T* partial = reinterpret_cast<T*>(run.scratch);
    run.parallel_for(count, [&](std::int64_t part) {
      T* to = partial + part * sums();
      std::fill_n(to, sums(), T{0});
      const std::int64_t end = std::min(images, (part + 1) * share);
      for (std::int64_t n = part * share; n < end; ++n) {
        for (std::int64_t p = 0; p < conv_.p; p += height_) {
          add_rows(run, n, p, std::min(height_, conv_.p - p), to);
        }
      }
    });
    combine(partial, count, run.outputs[0].as<T>());
  }

 private:
  std::int64_t sums() const { return conv_.patch() * conv_.k * kernels_.lanes; }

  std::int64_t parts(std::int64_t images) const {
    const double operations = 2.0 * static_cast<double>(conv_.patch() * conv_.k) *
                              static_cast<double>(images * conv_.p * conv_.q);
    const auto by_work =
        static_cast<std::int64_t>(std::min<double>(kMostParts, operations / kTaskOperations));
    return std::max<std::int64_t>(1, std::min(by_work, images));
  }

  void add_rows(const Run& run, std::int64_t n, std::int64_t p, std::int64_t rows, T* to) const {
    T* planes = reinterpret_cast<T*>(thread_memory());
    PlaneConvFilter<T> call = {};
    call.x = planes;
    call.x_plane = layout_.plane(height_);
    call.x_pitch = layout_.pitch;
    call.inner = conv_.c;
    call.offsets = layout_.offsets.data();
    call.taps = conv_.taps();
    call.dy_plane = PlaneRows::pad(height_ * conv_.q);
    call.dy_pitch = conv_.q;
    call.outputs = conv_.k;
    call.rows = rows;
    call.columns = conv_.q;
    call.sums = to;
    T* deltas = planes + conv_.c * call.x_plane;
    call.dy = deltas;
    write_planes(kernels_, layout_, run.inputs[0].as<T>() + n * conv_.h * conv_.w * conv_.c,
                 conv_.h, conv_.w, conv_.c, conv_.c, p - conv_.top, rows + layout_.halo, planes,
                 call.x_plane);
    kernels_.pixels_to_planes(run.inputs[1].as<T>() + (n * conv_.p + p) * conv_.q * conv_.k,
                              conv_.k, conv_.k, rows * conv_.q, deltas, call.dy_plane);
    kernels_.plane_conv_filter(call);
  }

  /// Sums the parts in order, then the lanes, and writes them as (K, C, R, S).
  void combine(T* partial, std::int64_t count, T* dw) const {
    const std::int64_t lanes = kernels_.lanes;
    const std::int64_t taps = conv_.taps();
    for (std::int64_t part = 1; part < count; ++part) {
      const T* more = partial + part * sums();
      for (std::int64_t i = 0; i < sums(); ++i) partial[i] += more[i];
    }
    for (std::int64_t c = 0; c < conv_.c; ++c) {
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int64_t tap = conv_.flipped ? taps - 1 - t : t;
        for (std::int64_t k = 0; k < conv_.k; ++k) {
          T sum = 0;
          for (std::int64_t lane = 0; lane < lanes; ++lane) sum += *partial++;
          dw[(k * conv_.c + c) * taps + tap] = sum;
        }
      }
    }
  }

  const Kernels<T>& kernels_;
  Convolution conv_;
  PlaneRows layout_;
  std::int64_t height_;  // rows of dy at a time
};

bool small_enough(const Convolution& conv, std::int64_t outputs) {
  return conv.groups == 1 && conv.taps() <= kMostTaps && conv.c > 0 && conv.k > 0 &&
         outputs <= kMostPlanes && conv.stride_h <= kMostStride && conv.stride_w <= kMostStride &&
         conv.h + conv.top + conv.bottom <= kMostExtent &&
         conv.w + conv.left + conv.right <= kMostExtent;
}

bool passes_fit(const std::vector<PlanePass>& passes, std::int64_t lanes, std::int64_t size) {
  double pixels = 0;
  double vectors = 0;
  for (const PlanePass& pass : passes) {
    if (pass.elements() > kThreadBytes / size) return false;
    pixels += static_cast<double>(pass.height * pass.columns.count);
    vectors += static_cast<double>(pass.vectors(lanes));
  }
  return !passes.empty() && fills_better(pixels, vectors, passes[0].outputs, lanes);
}

}  // namespace

std::unique_ptr<Instruction> make_plane_conv2d(DType dtype, const KernelTable& table,
                                               const Convolution& conv, Activation activation,
                                               bool packed) {
  if (!small_enough(conv, conv.k) || conv.stride_h != 1 || conv.stride_w != 1) return nullptr;
  const std::int64_t lanes = lanes_of(dtype, table);
  std::vector<PlanePass> passes = forward_passes(conv, lanes, size_of(dtype));
  if (!passes_fit(passes, lanes, size_of(dtype))) return nullptr;
  return make_floating<PlaneConv2d>(dtype, table, conv, std::move(passes), activation, packed);
}

std::unique_ptr<Instruction> make_plane_conv2d_input_gradient(DType dtype, const KernelTable& table,
                                                              const Convolution& conv) {
  if (!small_enough(conv, conv.c)) return nullptr;
  const std::int64_t lanes = lanes_of(dtype, table);
  std::vector<PlanePass> passes = gradient_passes(conv, lanes, size_of(dtype));
  if (!passes_fit(passes, lanes, size_of(dtype))) return nullptr;
  return make_floating<PlaneConv2dInputGradient>(dtype, table, conv, std::move(passes));
}

std::unique_ptr<Instruction> make_plane_conv2d_filter_gradient(DType dtype,
                                                               const KernelTable& table,
                                                               const Convolution& conv) {
  if (!small_enough(conv, conv.k) || conv.stride_h != 1 || conv.stride_w != 1) return nullptr;
  const std::int64_t lanes = lanes_of(dtype, table);
  const std::int64_t size = size_of(dtype);
  const PlanePass pass(forward_pass(conv.p, 1, conv.top, conv.r, conv.dilation_h),
                       forward_pass(conv.q, 1, conv.left, conv.s, conv.dilation_w), conv.w, conv.c,
                       conv.k, lanes, size);
  const auto columns = static_cast<double>(conv.q);
  const auto vectors = static_cast<double>((conv.q + lanes - 1) / lanes);
  if (conv.c > kMostPlanes || conv.patch() * conv.k * lanes * size > kMostSums ||
      conv.c * pass.layout.plane(pass.height) + conv.k * PlaneRows::pad(pass.height * conv.q) >
          kThreadBytes / size ||
      !fills_better(columns, vectors, conv.k, lanes)) {
    return nullptr;
  }
  return make_floating<PlaneConv2dFilterGradient>(dtype, table, conv, pass.layout, pass.height);
}

}  // namespace stridenet
