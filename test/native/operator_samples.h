#pragma once

#include <random>
#include <utility>
#include <vector>

#include "operator_fixture.h"

namespace stridenet::test {

/// A small call of every operator in floating type T, on uniform numbers from 0.1 to 0.9. Sizes
/// leave tails behind whole vectors.
template <class T>
class Samples {
 public:
  std::vector<Trial> make() {
    convolutions();
    products();
    pools();
    elements();
    reductions();
    normalizations();
    losses();
    updates();
    movements();
    return std::move(trials_);
  }

 private:
  using Sizes = std::vector<std::int64_t>;
  using Pairs = std::vector<std::pair<std::string, Attributes::Value>>;
  static constexpr DType kType = dtype_of<T>::value;

  Operand real(Sizes shape) {
    std::vector<T> values(static_cast<std::size_t>(element_count(shape)));
    for (T& value : values) {
      value = static_cast<T>(0.1 + 0.8 * (static_cast<double>(random_()) / 4294967296.0));
    }
    return Operand::of<T>(std::move(shape), values);
  }
  template <class Integer>
  Operand below(Sizes shape, unsigned bound) {
    std::vector<Integer> values(static_cast<std::size_t>(element_count(shape)));
    for (Integer& value : values) value = static_cast<Integer>(random_() % bound);
    return Operand::of<Integer>(std::move(shape), values);
  }
  static Operand scalar(double value) { return Operand::of<double>({}, {value}); }
  static TensorSpec like(Sizes shape, DType dtype = kType) {
    return spec_of(dtype, std::move(shape));
  }
  void add(const char* name, std::vector<Operand> inputs, std::vector<TensorSpec> outputs,
           const Pairs& attributes = {}) {
    Trial trial{name, {}, std::move(inputs), std::move(outputs)};
    for (const auto& [key, value] : attributes) trial.attributes.set(key, value);
    trials_.push_back(std::move(trial));
  }
  /// Each name with the same operands.
  void add_all(const std::vector<const char*>& names, const std::vector<Operand>& inputs,
               const std::vector<TensorSpec>& outputs, const Pairs& attributes = {}) {
    for (const char* name : names) add(name, inputs, outputs, attributes);
  }
  static Attributes::Value numbers(std::vector<double> values) { return values; }

  void convolutions() {
    const Pairs attributes = {{"stride", numbers({2, 1})},   {"padding", numbers({1, 2, 0, 1})},
                              {"dilation", numbers({1, 2})}, {"groups", 2.0},
                              {"flipKernel", false},         {"activation", std::string("relu")}};
    add("conv2d", {real({3, 9, 11, 6}), real({10, 3, 3, 2}), real({10})}, {like({3, 5, 10, 10})},
        attributes);
    add("conv2d", {real({3, 9, 11, 6}), real({10, 3, 3, 2}), {}, real({3, 5, 10, 10})},
        {like({3, 5, 10, 10})}, attributes);
    add("conv2dInputGradient", {real({3, 5, 10, 10}), real({10, 3, 3, 2})}, {like({3, 9, 11, 6})},
        attributes);
    add("conv2dFilterGradient", {real({3, 9, 11, 6}), real({3, 5, 10, 10})}, {like({10, 3, 3, 2})},
        attributes);
    const Pairs winograd = {{"stride", numbers({1, 1})},
                            {"padding", numbers({1, 1, 0, 1})},
                            {"dilation", numbers({1, 1})},
                            {"groups", 1.0},
                            {"flipKernel", true},
                            {"activation", std::string("relu6")},
                            {"winograd", true}};
    add("conv2d", {real({3, 9, 8, 17}), real({21, 17, 3, 3}), real({21}), real({3, 9, 7, 21})},
        {like({3, 9, 7, 21})}, winograd);
    add("conv2dInputGradient", {real({3, 9, 7, 21}), real({21, 17, 3, 3})}, {like({3, 9, 8, 17})},
        winograd);
    Pairs pooled = {{"stride", numbers({1, 1})},
                    {"padding", numbers({1, 1, 0, 1})},
                    {"dilation", numbers({1, 1})},
                    {"groups", 1.0},
                    {"flipKernel", true},
                    {"activation", std::string("relu")},
                    {"poolKernelSize", numbers({2, 2})},
                    {"poolStride", numbers({2, 2})},
                    {"poolPadding", numbers({0, 0, 0, 0})},
                    {"poolDilation", numbers({1, 1})},
                    {"ties", std::string("first")},
                    {"gated", true}};
    for (const char* ties : {"first", "all", "split"}) {
      pooled[pooled.size() - 2].second = std::string(ties);
      add("conv2dMaxPool", {real({3, 9, 11, 2}), real({21, 2, 3, 3}), real({21})},
          {like({3, 4, 5, 21}), like({3, 4, 5, 21}, DType::uint8)}, pooled);
      add("conv2dMaxPoolGradient",
          {real({3, 9, 11, 2}), real({3, 4, 5, 21}), below<std::uint8_t>({3, 4, 5, 21}, 5)},
          {like({21, 2, 3, 3}), like({21})}, pooled);
    }
    add("biasGradient", {real({3, 5, 7, 19})}, {like({19})});
  }

  void products() {
    const Pairs attributes = {{"activation", std::string("none")}, {"channelsLast", 0.0}};
    add("linear", {real({5, 37}), real({19, 37}), real({19})}, {like({5, 19})}, attributes);
    add("linearInputGradient", {real({5, 19}), real({19, 37})}, {like({5, 37})}, attributes);
    add("linearWeightGradient", {real({5, 37}), real({5, 19})}, {like({19, 37})}, attributes);
    add("matmul", {real({7, 33}), real({19, 33})}, {like({7, 19})},
        {{"transposeA", false}, {"transposeB", true}});
  }

  void pools() {
    const Pairs window = {{"kernelSize", numbers({3, 2})},    {"stride", numbers({2, 2})},
                          {"padding", numbers({1, 1, 0, 1})}, {"dilation", numbers({1, 1})},
                          {"countIncludePad", false},         {"ties", std::string("split")}};
    const Sizes x = {2, 8, 9, 19};
    const Sizes y = {2, 4, 5, 19};
    add("maxPool2d", {real(x)}, {like(y), like(y, DType::uint8)}, window);
    add("maxPool2dGradient", {real(y), below<std::uint8_t>(y, 6)}, {like(x)}, window);
    add("maxPool2dGather", {real(x), below<std::uint8_t>(y, 6)}, {like(y)}, window);
    add("maxPool2dTieGradient", {real(y), real(x), real(y)}, {like(x)}, window);
    add("maxPool2dMask", {real(x)}, {like(y), like(y, DType::uint8)}, window);
    add("maxPool2dMaskGradient", {real(y), below<std::uint8_t>(y, 64)}, {like(x)}, window);
    add("avgPool2d", {real(x)}, {like(y)}, window);
    add("avgPool2dGradient", {real(y)}, {like(x)}, window);
    add("adaptiveAvgPool2d", {real(x)}, {like({2, 3, 4, 19})});
    add("adaptiveAvgPool2dGradient", {real({2, 3, 4, 19})}, {like(x)});
  }

  void elements() {
    const Sizes shape = {3, 41};
    add("relu", {real(shape)}, {like(shape)});
    add("reluGradient", {real(shape), real(shape)}, {like(shape)});
    const Pairs settings = {{"min", 0.2},  {"max", 0.7},           {"alpha", 1.5},
                            {"beta", 2.0}, {"negativeSlope", 0.1}, {"threshold", 20.0}};
    add_all({"neg",  "abs",  "square",   "sqrt",    "exp",      "log",       "sin", "cos",
             "tanh", "erf",  "clip",     "sigmoid", "relu6",    "leakyRelu", "elu", "selu",
             "gelu", "mish", "geluTanh", "swish",   "softplus", "hardSwish"},
            {real(shape)}, {like(shape)}, settings);
    add_all({"absGradient", "clipGradient", "leakyReluGradient", "geluGradient", "geluTanhGradient",
             "softplusGradient", "mishGradient", "swishGradient", "hardSwishGradient",
             "tanhGradient", "sigmoidGradient", "relu6Gradient", "eluGradient", "seluGradient"},
            {real(shape), real(shape)}, {like(shape)}, settings);
    add_all({"add", "sub", "mul", "div", "maximum", "minimum", "pow", "prelu", "preluSlope"},
            {real(shape), real({1, 41})}, {like(shape)});
    add_all({"equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"},
            {real(shape), real({3, 1})}, {like(shape, DType::uint8)});
    add("where", {below<std::uint8_t>(shape, 2), real(shape), real({})}, {like(shape)});
  }

  void reductions() {
    const Pairs axes = {{"axes", numbers({1})}};
    add_all({"sum", "mean"}, {real({5, 41, 3})}, {like({5, 1, 3})}, axes);
    add("sumGradient", {real({5, 1, 3}), real({5, 41, 3})}, {like({5, 41, 3})},
        {{"axes", numbers({1})}, {"mean", true}});
    add_all({"max", "min"}, {real({5, 41, 3})}, {like({5, 1, 3})}, axes);
    add_all({"argmax", "argmin"}, {real({5, 41, 3})}, {like({5, 1, 3}, DType::int32)}, axes);
    const Pairs last = {{"axis", 1.0}};
    add_all({"softmax", "logSoftmax"}, {real({5, 41})}, {like({5, 41})}, last);
    add_all({"softmaxGradient", "logSoftmaxGradient"}, {real({5, 41}), real({5, 41})},
            {like({5, 41})}, last);
  }

  void normalizations() {
    const Pairs settings = {{"momentum", 0.1},
                            {"epsilon", 1e-5},
                            {"training", true},
                            {"axes", 1.0},
                            {"activation", std::string("relu6")}};
    const Sizes images = {3, 5, 7, 19};
    const TensorSpec image = like(images);
    const TensorSpec channels = like({19});
    const Operand statistic = real({19});
    add("batchNorm", {real(images), statistic, statistic, statistic, statistic, real(images)},
        {image, channels}, settings);
    add("batchNormTraining",
        {real(images), statistic, statistic, statistic, statistic, real(images)},
        {image, channels, channels, channels, channels, like({2, 19})}, settings);
    add("batchNormAgain", {real(images), statistic, real({2, 19}), statistic}, {image}, settings);
    add("batchNormGradient",
        {real(images), real(images), statistic, statistic, statistic, Operand{}, real({2, 19}),
         statistic, real(images)},
        {image, channels, channels, image}, settings);
    const Sizes rows = {7, 41};
    add("layerNorm", {real(rows), real({41}), real({41})}, {like(rows), like({7}), like({7})},
        settings);
    add("layerNormGradient", {real(rows), real(rows), real({7}), real({7}), real({41})},
        {like(rows), like({41}), like({41})}, settings);
  }

  void losses() {
    const Pairs mean = {
        {"reduction", std::string("mean")}, {"labelSmoothing", 0.1}, {"delta", 0.2}};
    const Sizes shape = {5, 19};
    add("softmaxCrossEntropy", {real(shape), below<std::int32_t>({5}, 19), real({19})}, {like({})},
        mean);
    add("softmaxCrossEntropyGradient",
        {real(shape), below<std::int32_t>({5}, 19), real({}), real({19})}, {like(shape)}, mean);
    add_all({"squaredError", "absoluteError", "huber", "binaryCrossEntropy"},
            {real(shape), real(shape)}, {like({})}, mean);
    add_all({"squaredErrorGradient", "absoluteErrorGradient", "huberGradient",
             "binaryCrossEntropyGradient"},
            {real(shape), real(shape), real({})}, {like(shape)}, mean);
    add("countCorrect", {real(shape), below<std::int32_t>({5}, 19)}, {like({}, DType::int32)});
    add("checkFinite", {real(shape)}, {});
  }

  void updates() {
    const Pairs settings = {
        {"momentum", 0.9}, {"dampening", 0.1}, {"weightDecay", 0.01},     {"nesterov", false},
        {"beta1", 0.9},    {"beta2", 0.999},   {"epsilon", 1e-8},         {"decoupled", true},
        {"alpha", 0.99},   {"centered", true}, {"learningRateDecay", 0.1}};
    const Sizes shape = {7, 9};
    const Operand p = real(shape);
    const TensorSpec out = like(shape);
    add("sgdUpdate", {p, real(shape), real(shape), scalar(0.1)}, {out, out}, settings);
    add("adamUpdate", {p, real(shape), real(shape), real(shape), scalar(3), scalar(0.1)},
        {out, out, out}, settings);
    // A mean of squares is above the square of the mean.
    add("rmspropUpdate",
        {p, real(shape), scalar(0.1), Operand::of<T>(shape, std::vector<T>(63, T{2})), real(shape),
         real(shape)},
        {out, out, out, out}, settings);
    add("adagradUpdate", {p, real(shape), real(shape), scalar(3), scalar(0.1)}, {out, out},
        settings);
  }

  void movements() {
    add("gatherRows", {real({7, 19}), below<std::int32_t>({5}, 7)}, {like({5, 19})},
        {{"scale", 2.0}, {"offset", 1.0}});
    const Sizes pixels = {3, 5, 70, 2};
    for (const char* mode : {"nearest", "bilinear"}) {
      const Pairs warp = {{"mode", std::string(mode)}, {"fill", 0.5}};
      for (const Sizes& x : {pixels, Sizes{3, 5, 70, 1}}) {
        add("warpAffine", {real(x), real({3, 6})}, {like(x)}, warp);
        add("warpAffineGradient", {real(x), real({3, 2, 3})}, {like(x)}, warp);
      }
    }
    add("erase", {real(pixels), below<std::int32_t>({3, 4}, 9)}, {like(pixels)}, {{"value", 0.5}});
    add("transpose", {real({3, 5, 19})}, {like({3, 19, 5})}, {{"axes", numbers({0, 2, 1})}});
    add("cast", {below<std::int32_t>({3, 19}, 1000)}, {like({3, 19})},
        {{"dtype", std::string(dtype_name(kType))}});
    add("copy", {real({3, 19})}, {like({57})});
    add("concat", {real({3, 7, 5}), real({3, 12, 5})}, {like({3, 19, 5})}, {{"axis", 1.0}});
    const Pairs part = {{"axes", numbers({1})},
                        {"starts", numbers({2})},
                        {"ends", numbers({17})},
                        {"steps", numbers({3})},
                        {"sizes", numbers({19})}};
    add("slice", {real({3, 19, 5})}, {like({3, 5, 5})}, part);
    add("sliceGradient", {real({3, 5, 5})}, {like({3, 19, 5})}, part);
    add("flip", {real({3, 19})}, {like({3, 19})}, {{"axes", numbers({1})}});
    const Pairs frame = {
        {"padding", numbers({0, 0, 2, 3})}, {"mode", std::string("reflect")}, {"value", 0.0}};
    add("pad", {real({3, 19})}, {like({3, 24})}, frame);
    add("padGradient", {real({3, 24})}, {like({3, 19})}, frame);
    const Pairs axis = {{"axis", 1.0}, {"size", 19.0}};
    add("gather", {real({3, 19}), below<std::int32_t>({4}, 19)}, {like({3, 4})}, axis);
    add("gatherGradient", {real({3, 4}), below<std::int32_t>({4}, 19)}, {like({3, 19})}, axis);
    Pairs mask = {
        {"rate", 0.3}, {"seed", numbers({5, 6})}, {"stream", 7.0}, {"channelsLast", false}};
    const Sizes images = {2, 9, 8, 70};
    add_all({"dropout", "spatialDropout"}, {real({3, 5, 41}), scalar(4)}, {like({3, 5, 41})}, mask);
    mask.back().second = true;
    add_all({"dropout", "spatialDropout"}, {real(images), scalar(4)}, {like(images)}, mask);
    const Pairs windows = {{"kernelSize", numbers({3, 2})},
                           {"stride", numbers({2, 1})},
                           {"padding", numbers({1, 1, 0, 1})},
                           {"dilation", numbers({1, 2})},
                           {"outputSize", numbers({7, 19})}};
    add("unfold", {real({2, 3, 7, 19})}, {like({2, 18, 72})}, windows);
    add("fold", {real({2, 18, 72})}, {like({2, 3, 7, 19})}, windows);
  }

  std::mt19937 random_{1};
  std::vector<Trial> trials_;
};

template <class T>
std::vector<Trial> samples() {
  return Samples<T>().make();
}

}  // namespace stridenet::test
