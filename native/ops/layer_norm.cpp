#include <algorithm>
#include <cmath>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// x as rows of the elements that are normalized together: its last axes.
struct RowSizes {
  std::int64_t rows, columns;
};

RowSizes sizes_of(const TensorView& x, int axes) {
  RowSizes sizes = {1, 1};
  for (int axis = 0; axis < x.rank; ++axis) {
    (axis < x.rank - axes ? sizes.rows : sizes.columns) *= x.shape[axis];
  }
  return sizes;
}

struct LayerNormSettings {
  int axes;
  double epsilon;
};

template <class T>
class LayerNorm final : public Instruction {
 public:
  LayerNorm(const Kernels<T>& kernels, const LayerNormSettings& settings)
      : kernels_(kernels), settings_(settings) {}

  bool may_alias(int output, int input) const override { return output == 0 && input == 0; }

  void run(const Run& run) const override {
    const auto [rows, columns] = sizes_of(run.inputs[0], settings_.axes);
    const std::int64_t width = columns;
    for_pieces(run, rows, rows_of_grain(2 * columns), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) normalize(run, row, width);
    });
  }

 private:
  void normalize(const Run& run, std::int64_t row, std::int64_t columns) const {
    const T* x = run.inputs[0].as<T>() + row * columns;
    RowMoments<T> moments;
    kernels_.row_moments(x, columns, &moments);
    const double variance = moments.squares / static_cast<double>(columns);
    const T inverse = static_cast<T>(1 / std::sqrt(variance + settings_.epsilon));
    if (run.outputs[1].present()) {
      run.outputs[1].as<T>()[row] =
          static_cast<T>(static_cast<double>(moments.center) + moments.rest);
    }
    if (run.outputs[2].present()) run.outputs[2].as<T>()[row] = inverse;
    kernels_.normalize_row(x, run.inputs[1].as<T>(), run.inputs[2].as<T>(), columns, moments.center,
                           static_cast<T>(moments.rest), inverse,
                           run.outputs[0].as<T>() + row * columns);
  }

  const Kernels<T>& kernels_;
  LayerNormSettings settings_;
};

/// Rows are cut into at most 16 parts, by their number alone, for the sums over them.
struct RowParts {
  explicit RowParts(std::int64_t rows)
      : size(std::max<std::int64_t>(64, (rows + 15) / 16)), count((rows + size - 1) / size) {}
  std::int64_t size, count;
};

template <class T>
class LayerNormGradient final : public Instruction {
 public:
  LayerNormGradient(const Kernels<T>& kernels, int axes, const RowSizes& bound)
      : kernels_(kernels), axes_(axes), bound_(bound) {}

  /// Partial sums of dweight and dbias.
  std::size_t scratch_bytes() const override {
    // Fewer rows may make as many parts.
    const std::int64_t parts = std::min<std::int64_t>(16, (bound_.rows + 63) / 64);
    return static_cast<std::size_t>(2 * parts * bound_.columns) * sizeof(T);
  }
  bool may_alias(int output, int input) const override { return output == 0 && input < 2; }

  void run(const Run& run) const override {
    const RowSizes sizes = sizes_of(run.inputs[0], axes_);
    if (run.outputs[1].present() || run.outputs[2].present()) sum_over_rows(run, sizes);
    if (!run.outputs[0].present()) return;
    for_pieces(run, sizes.rows, rows_of_grain(2 * sizes.columns),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t row = begin; row < end; ++row) {
                   input_gradient(run, row, sizes.columns);
                 }
               });
  }

 private:
  void input_gradient(const Run& run, std::int64_t row, std::int64_t columns) const {
    const T* dy = run.inputs[0].as<T>() + row * columns;
    const T* x = run.inputs[1].as<T>() + row * columns;
    const T* weight = run.inputs[4].as<T>();
    const T mean = run.inputs[2].as<T>()[row];
    const T inverse = run.inputs[3].as<T>()[row];
    double sum = 0;
    double product = 0;
    kernels_.row_products(dy, x, weight, columns, mean, &sum, &product);
    const auto count = static_cast<double>(columns);
    const double square = static_cast<double>(inverse) * static_cast<double>(inverse);
    kernels_.normalize_row_gradient(
        dy, x, weight, columns, mean, inverse, static_cast<T>(sum / count),
        static_cast<T>(product * square / count), run.outputs[0].as<T>() + row * columns);
  }

  void sum_over_rows(const Run& run, const RowSizes& sizes) const {
    constexpr std::int64_t kBlock = 256;
    const RowParts parts(sizes.rows);
    const std::int64_t blocks = (sizes.columns + kBlock - 1) / kBlock;
    T* products = reinterpret_cast<T*>(run.scratch);
    T* sums = products + parts.count * sizes.columns;
    const T* dy = run.inputs[0].as<T>();
    const T* x = run.inputs[1].as<T>();
    for_pieces(run, parts.count * blocks, rows_of_grain(parts.size * kBlock),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t unit = begin; unit < end; ++unit) {
                   const std::int64_t part = unit / blocks;
                   const std::int64_t column = unit % blocks * kBlock;
                   const std::int64_t row = part * parts.size;
                   const std::int64_t from = row * sizes.columns + column;
                   const std::int64_t to = part * sizes.columns + column;
                   kernels_.normalized_column_sums(
                       dy + from, x + from, run.inputs[2].as<T>() + row,
                       run.inputs[3].as<T>() + row, std::min(parts.size, sizes.rows - row),
                       sizes.columns, std::min(kBlock, sizes.columns - column), products + to,
                       sums + to);
                 }
               });
    for_pieces(run, sizes.columns, rows_of_grain(2 * parts.count),
               [&](std::int64_t begin, std::int64_t end) {
                 add_parts(run.outputs[1].as<T>(), products, parts.count, sizes.columns, begin,
                           end);
                 add_parts(run.outputs[2].as<T>(), sums, parts.count, sizes.columns, begin, end);
               });
  }

  /// to[c] = Σ over the parts, in order and in float64.
  static void add_parts(T* to, const T* from, std::int64_t parts, std::int64_t columns,
                        std::int64_t begin, std::int64_t end) {
    if (to == nullptr) return;
    for (std::int64_t c = begin; c < end; ++c) {
      double sum = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        sum += static_cast<double>(from[part * columns + c]);
      }
      to[c] = static_cast<T>(sum);
    }
  }

  const Kernels<T>& kernels_;
  int axes_;
  RowSizes bound_;
};

/// The operand is absent, or of the shape of the last axes of x.
void expect_parameter(const TensorSpec& spec, const char* name, const TensorSpec& x, int axes) {
  if (!spec.present) return;
  expect_tensor(spec, name, x.dtype, {x.shape.end() - axes, x.shape.end()}, false);
}

/// The operand is absent, or of the shape of the other axes of x.
void expect_statistic(const TensorSpec& spec, const char* name, const TensorSpec& x, int axes) {
  if (!spec.present) return;
  expect_tensor(spec, name, x.dtype, {x.shape.begin(), x.shape.end() - axes}, x.batched);
}

int parse_last_axes(const Call& call, const TensorSpec& x) {
  const auto rank = static_cast<std::int64_t>(x.shape.size());
  return static_cast<int>(call.attributes.integer("axes", 1, x.batched ? rank - 1 : rank));
}

}  // namespace

std::unique_ptr<Instruction> prepare_layer_norm(const Call& call, const KernelTable& table) {
  expect_operands(call, 3, 3);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  const int axes = parse_last_axes(call, x);
  expect_parameter(call.inputs[1], "weight", x, axes);
  expect_parameter(call.inputs[2], "bias", x, axes);
  expect_like(required_output(call, 0, "y"), "y", x);
  expect_statistic(call.outputs[1], "mean", x, axes);
  expect_statistic(call.outputs[2], "inverseDeviation", x, axes);
  const double epsilon = call.attributes.number("epsilon");
  if (!(epsilon >= 0 && epsilon <= 1e300)) {
    refuse("expected attribute 'epsilon' of 0 or more but received " + std::to_string(epsilon));
  }
  return make_floating<LayerNorm>(x.dtype, table, LayerNormSettings{axes, epsilon});
}

std::unique_ptr<Instruction> prepare_layer_norm_gradient(const Call& call,
                                                         const KernelTable& table) {
  expect_operands(call, 5, 3);
  const TensorSpec& dy = required_input(call, 0, "dy");
  expect_floating(dy, "dy");
  const int axes = parse_last_axes(call, dy);
  expect_like(required_input(call, 1, "x"), "x", dy);
  expect_statistic(required_input(call, 2, "mean"), "mean", dy, axes);
  expect_statistic(required_input(call, 3, "inverseDeviation"), "inverseDeviation", dy, axes);
  expect_parameter(call.inputs[4], "weight", dy, axes);
  if (call.outputs[0].present) expect_like(call.outputs[0], "dx", dy);
  expect_parameter(call.outputs[1], "dweight", dy, axes);
  expect_parameter(call.outputs[2], "dbias", dy, axes);
  const auto first = dy.shape.size() - static_cast<std::size_t>(axes);
  const RowSizes bound = {product(dy, 0, first), product(dy, first, dy.shape.size())};
  return make_floating<LayerNormGradient>(dy.dtype, table, axes, bound);
}

}  // namespace stridenet
