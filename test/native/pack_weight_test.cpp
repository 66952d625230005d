// Weights packed once give the same bits as weights packed in each run, on every table; no packed
// operand of another size is accepted.

#include <gtest/gtest.h>

#include "operator_fixture.h"

namespace stridenet::test {
namespace {

using Sizes = std::vector<std::int64_t>;

/// A product, its output's shape, and how its weight is packed.
struct Product {
  const char* name;
  const char* packer;
  Sizes x, weight, y;
  std::vector<std::pair<std::string, Attributes::Value>> attributes;
};

Product convolution(Sizes x, Sizes weight, Sizes y, double groups, bool flipped) {
  using Values = std::vector<double>;
  const Values input = {static_cast<double>(x[1]), static_cast<double>(x[2])};
  return {"conv2d",
          "packConv2dWeight",
          std::move(x),
          std::move(weight),
          std::move(y),
          {{"stride", Values{1, 1}},
           {"padding", Values{1, 1, 1, 1}},
           {"dilation", Values{1, 1}},
           {"groups", groups},
           {"flipKernel", flipped},
           {"inputSize", input}}};
}

std::vector<Product> products() {
  return {
      convolution({2, 5, 6, 3}, {67, 3, 3, 3}, {2, 5, 6, 67}, 1, false),
      convolution({2, 5, 6, 18}, {24, 9, 3, 3}, {2, 5, 6, 24}, 2, true),
      convolution({2, 5, 6, 21}, {21, 1, 3, 3}, {2, 5, 6, 21}, 21, true),
      convolution({2, 5, 6, 12}, {24, 2, 3, 3}, {2, 5, 6, 24}, 6, false),
      convolution({2, 5, 6, 9}, {2, 9, 3, 3}, {2, 5, 6, 2}, 1, false),
      {"linear", "packLinearWeight", {3, 30}, {70, 30}, {3, 70}, {{"channelsLast", 0.0}}},
      {"linear", "packLinearWeight", {3, 2, 3, 5}, {70, 30}, {3, 70}, {{"channelsLast", 5.0}}},
  };
}

template <class T>
Trial trial_of(const Product& product) {
  Trial trial{
      product.name,
      {},
      {Operand::random<T>(product.x, 9, 1), Operand::random<T>(product.weight, 9, 2), Operand()},
      {spec_of(dtype_of<T>::value, product.y)}};
  for (const auto& [name, value] : product.attributes) trial.attributes.set(name, value);
  trial.attributes.set("activation", std::string("relu"));
  return trial;
}

std::vector<double> packed_from(const Product& product) {
  return {product.weight.begin(), product.weight.end()};
}

TEST(PackWeight, GivesTheBitsOfProductsThatPack) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const Product& product : products()) {
      SCOPED_TRACE(product.name);
      Trial trial = trial_of<T>(product);
      const std::vector<Operand> expected = trial.run(table, 1);
      const std::int64_t elements = prepare(trial.call(), table)->packed_elements();
      ASSERT_GT(elements, 0);
      Trial pack{product.packer,
                 trial.attributes,
                 {trial.inputs[1]},
                 {spec_of(dtype_of<T>::value, {elements})}};
      trial.inputs[1] = pack.run_on_all_threads(table)[0];
      trial.attributes.set("packedWeight", packed_from(product));
      EXPECT_EQ(trial.run_on_all_threads(table)[0].raw(), expected[0].raw());
    }
  });
}

TEST(PackWeight, RefusesOtherSizes) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const Product& product : products()) {
      SCOPED_TRACE(product.name);
      Trial trial = trial_of<T>(product);
      const std::int64_t elements = prepare(trial.call(), table)->packed_elements();
      const auto code = [&](const Sizes& shape, std::vector<double> from) {
        Trial tried = trial;
        tried.inputs[1] = Operand(dtype_of<T>::value, shape);
        tried.attributes.set("packedWeight", std::move(from));
        return code_of([&] { prepare(tried.call(), table); });
      };
      EXPECT_EQ(code({elements}, packed_from(product)), "");
      for (const std::int64_t other : {elements - 1, elements + 1, std::int64_t{0}}) {
        EXPECT_EQ(code({other}, packed_from(product)), "ERR_PROGRAM") << other;
      }
      EXPECT_EQ(code({1, elements}, packed_from(product)), "ERR_PROGRAM");
      EXPECT_EQ(code(product.weight, packed_from(product)), "ERR_PROGRAM");
      std::vector<double> larger = packed_from(product);
      larger[0] *= 2;
      EXPECT_EQ(code({elements}, larger), "ERR_PROGRAM");
      larger.pop_back();
      EXPECT_EQ(code({elements}, larger), "ERR_PROGRAM");
      Trial pack{product.packer,
                 trial.attributes,
                 {trial.inputs[1]},
                 {spec_of(dtype_of<T>::value, {elements + 1})}};
      EXPECT_EQ(code_of([&] { prepare(pack.call(), table); }), "ERR_PROGRAM");
    }
  });
}

}  // namespace
}  // namespace stridenet::test
