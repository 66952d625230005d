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
class Conv2d final : public Instruction {
 public:
  Conv2d(const Kernels<T>& kernels, const Convolution& conv, Activation activation, bool packed)
      : kernels_(kernels),
        conv_(conv),
        activation_(activation),
        packed_(packed),
        strips_(suits_strips<T>(kernels, input_patches<T>(conv, nullptr, conv.n, 0),
                                conv.group_filters())) {}

  std::size_t scratch_bytes() const override {
    const Patches<T> patches = input_patches<T>(conv_, nullptr, conv_.n, 0);
    const std::int64_t padded = strips_ ? 0 : padded_elements(patches, conv_.n);
    return static_cast<std::size_t>(scratch_weight() + padded) * sizeof(T);
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
      Patches<T> patches = input_patches(conv_, run.inputs[0].as<T>(), batch, group);
      if (!strips_) patches = best_patches(run, patches, batch, scratch + scratch_weight());
      const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
        kernels_.pack_patch_rows(patches, {range.first, range.count, range.k, range.depth}, to);
      };
      const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
        row_starts(conv_.k, first, count, to);
      };
      const Gemm<T> problem = {
          .rows = batch * conv_.p * conv_.q,
          .columns = filters,
          .depth = patch,
          .depth_major = false,
          .pack_a = pack,
          .b = packed,
          .c = run.outputs[0].as<T>() + group * filters,
          .row_offsets = offsets,
          .bias = bias == nullptr ? nullptr : bias + group * filters,
          .activation = activation_,
          .aligned_rows =
              conv_.groups == 1 && conv_.k * static_cast<std::int64_t>(sizeof(T)) % 64 == 0,
          .residual = residual == nullptr ? nullptr : residual + group * filters,
          .a = pixel_rows(patches)};
      if (strips_) {
        strip_gemm(run, kernels_, problem, patches, batch);
      } else {
        gemm(run, kernels_, problem);
      }
    }
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
    return whole_lines<T>(
        packed_b_elements<T>(kernels_.tile, conv_.patch(), conv_.group_filters()));
  }

  const Kernels<T>& kernels_;
  Convolution conv_;
  Activation activation_;
  bool packed_;
  bool strips_;
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
  auto instruction = make_winograd_conv2d(call, table, conv, activation, packed);
  if (instruction == nullptr) {
    instruction = make_plane_conv2d(x.dtype, table, conv, activation, packed);
  }
  if (instruction == nullptr) {
    instruction = make_direct_conv2d(x.dtype, table, conv, activation, packed);
  }
  if (instruction == nullptr) {
    instruction = make_floating<Conv2d>(x.dtype, table, conv, activation, packed);
  }
  expect_packed_weight(call, *instruction);
  return instruction;
}

}  // namespace stridenet
