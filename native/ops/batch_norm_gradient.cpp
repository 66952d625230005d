#include "ops/batch_norm.h"

namespace stridenet {
namespace {

struct GradientSettings {
  bool training;
  Activation activation;
};

/// Places of the operands.
enum Input { kDy, kX, kMean, kInverseDeviation, kWeight, kY, kNormalizer, kBias, kMore };
enum Output { kDx, kDweight, kDbias, kMessage };

template <class T>
class BatchNormGradient final : public Instruction {
 public:
  BatchNormGradient(const Kernels<T>& kernels, const ChannelCut& bound,
                    const GradientSettings& settings)
      : kernels_(kernels), settings_(settings) {
    ScratchArrays scratch(nullptr);
    Columns(scratch, bound);
    scratch_ = scratch.bytes();
  }

  std::size_t scratch_bytes() const override { return scratch_; }
  bool may_alias(int output, int input) const override {
    if (output == kDx) return input == kX || input == kDy || input == kY || input == kMore;
    return output == kMessage && (input == kDy || input == kY || input == kMore);
  }

  void run(const Run& run) const override {
    const ChannelCut cut = channel_cut(run.inputs[kDy]);
    ScratchArrays scratch(run.scratch);
    const Columns columns(scratch, cut);
    NormalizeMessage<T> message = message_of(run, columns, cut);
    T* masked = run.outputs[kMessage].as<T>();
    const bool summed = settings_.training || masked != nullptr ||
                        run.outputs[kDweight].present() || run.outputs[kDbias].present();
    if (summed) {
      cut.for_each_piece(run, [&](std::int64_t first, std::int64_t rows, std::int64_t pitch,
                                  std::int64_t count, std::int64_t result, std::int64_t column) {
        kernels_.column_products({message.from(first, column), rows, pitch, count,
                                  masked == nullptr ? nullptr : masked + first,
                                  columns.sums + result, columns.products + result});
      });
    }
    cut.for_channels(run, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) set_channel(run, columns, cut, c, summed);
    });
    T* dx = run.outputs[kDx].as<T>();
    if (dx == nullptr) return;
    if (masked != nullptr) {
      message.dy = masked;
      message.more = nullptr;
      message.activation = Activation::none;
    }
    cut.for_rows(run, [&](std::int64_t first, std::int64_t rows, std::int64_t count) {
      kernels_.normalize_gradient_rows({message.from(first, 0), rows, count, columns.scale,
                                        columns.offset,
                                        settings_.training ? columns.slope : nullptr, dx + first});
    });
  }

 private:
  /// Values for every column of a wide row, and the sums of every piece.
  struct Columns {
    Columns(ScratchArrays& scratch, const ChannelCut& cut)
        : mean(scratch.take<T>(cut.width)),
          scale(scratch.take<T>(cut.width)),
          offset(scratch.take<T>(cut.width)),
          slope(scratch.take<T>(cut.width)),
          rest(scratch.take<T>(cut.width)),
          forward_scale(scratch.take<T>(cut.width)),
          forward_shift(scratch.take<T>(cut.width)),
          sums(scratch.take<double>(cut.results())),
          products(scratch.take<double>(cut.results())) {}

    T *mean, *scale, *offset, *slope;
    T *rest, *forward_scale, *forward_shift;
    double *sums, *products;
  };

  NormalizeMessage<T> message_of(const Run& run, const Columns& columns,
                                 const ChannelCut& cut) const {
    const T* normalizer = run.inputs[kNormalizer].as<T>();
    for (std::int64_t c = 0; c < cut.channels; ++c) {
      cut.spread(columns.mean, c, run.inputs[kMean].as<T>()[c]);
      if (normalizer == nullptr) continue;
      cut.spread(columns.rest, c, normalizer[c]);
      cut.spread(columns.forward_scale, c, normalizer[cut.channels + c]);
      cut.spread(columns.forward_shift, c,
                 static_cast<T>(channel_value<T>(run.inputs[kBias], c, 0)));
    }
    return {run.inputs[kDy].as<T>(),
            run.inputs[kMore].as<T>(),
            settings_.activation,
            run.inputs[kY].as<T>(),
            run.inputs[kX].as<T>(),
            columns.mean,
            columns.rest,
            columns.forward_scale,
            run.inputs[kBias].present() ? columns.forward_shift : nullptr};
  }

  void set_channel(const Run& run, const Columns& columns, const ChannelCut& cut, std::int64_t c,
                   bool summed) const {
    double sum = 0;
    double product = 0;
    if (summed) {
      cut.for_each_result(c, [&](std::int64_t, std::int64_t i) {
        sum += columns.sums[i];
        product += columns.products[i];
      });
    }
    const auto inverse = static_cast<double>(run.inputs[kInverseDeviation].as<T>()[c]);
    const auto count = static_cast<double>(cut.rows);
    // No element has no deviation.
    const double scaled = cut.rows == 0 ? 0 : product * inverse;
    if (run.outputs[kDweight].present()) {
      run.outputs[kDweight].as<T>()[c] = static_cast<T>(scaled);
    }
    if (run.outputs[kDbias].present()) run.outputs[kDbias].as<T>()[c] = static_cast<T>(sum);
    const double weight = channel_value<T>(run.inputs[kWeight], c, 1);
    cut.spread(columns.scale, c, static_cast<T>(inverse * weight));
    cut.spread(columns.offset, c, static_cast<T>(sum / count));
    cut.spread(columns.slope, c, static_cast<T>(product * inverse * inverse / count));
  }

  const Kernels<T>& kernels_;
  GradientSettings settings_;
  std::size_t scratch_ = 0;
};

}  // namespace

std::unique_ptr<Instruction> prepare_batch_norm_gradient(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 9, 4);
  const TensorSpec& dy = expect_image(call, kDy, "dy");
  expect_like(required_input(call, kX, "x"), "x", dy);
  expect_channels(required_input(call, kMean, "mean"), "mean", dy);
  expect_channels(required_input(call, kInverseDeviation, "inverseDeviation"), "inverseDeviation",
                  dy);
  expect_channels(call.inputs[kWeight], "weight", dy);
  if (call.inputs[kY].present) expect_like(call.inputs[kY], "y", dy);
  expect_normalizer(call.inputs[kNormalizer], dy);
  expect_channels(call.inputs[kBias], "bias", dy);
  if (call.inputs[kMore].present) expect_like(call.inputs[kMore], "more", dy);
  if (call.outputs[kDx].present) expect_like(call.outputs[kDx], "dx", dy);
  expect_channels(call.outputs[kDweight], "dweight", dy);
  expect_channels(call.outputs[kDbias], "dbias", dy);
  if (call.outputs[kMessage].present) expect_like(call.outputs[kMessage], "message", dy);
  const Activation activation = parse_activation(call);
  const bool known = call.inputs[kY].present != call.inputs[kNormalizer].present;
  if (activation != Activation::none && !known) {
    refuse("expected either y or the normalizer to know where the activation is flat");
  }
  return make_floating<BatchNormGradient>(
      dy.dtype, table, channel_cut(dy),
      GradientSettings{call.attributes.boolean("training"), activation});
}

}  // namespace stridenet
