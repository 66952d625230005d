#include <memory>

#include "ops/broadcast.h"
#include "ops/gemm.h"

namespace stridenet {

namespace {

/// Operations of a product up to which several products are shared out, and not the parts of each.
constexpr std::int64_t kOperationsOfSharedProduct = std::int64_t{1} << 24;
/// Operations of a task of several products.
constexpr std::int64_t kOperationsOfTask = std::int64_t{1} << 19;

struct MatmulPlan {
  bool transpose_a, transpose_b;
  /// All products have the one b and rows of a follow each other: they are one product.
  bool one_b;
  /// The axes before the last two; strides count matrices.
  Broadcast batch;
};

/// The sizes of one product in a step, and how many there are of each.
struct MatmulSizes {
  std::int64_t rows, columns, depth;
  std::int64_t products, right_sides;
};

template <class T>
class Matmul final : public Instruction {
 public:
  Matmul(const Kernels<T>& kernels, const MatmulPlan& plan, std::int64_t right_sides,
         std::int64_t depth, std::int64_t columns)
      : kernels_(kernels),
        plan_(plan),
        packed_elements_(packed_b_elements<T>(kernels.tile, depth, columns)),
        scratch_bytes_(static_cast<std::size_t>(right_sides * packed_elements_) * sizeof(T)) {}

  std::size_t scratch_bytes() const override { return scratch_bytes_; }

  void run(const Run& run) const override {
    const MatmulSizes sizes = sizes_of(run);
    const T* a = run.inputs[0].as<T>();
    const T* b = run.inputs[1].as<T>();
    T* y = run.outputs[0].as<T>();
    T* packed = reinterpret_cast<T*>(run.scratch);
    const bool packs =
        packs_before<T>(kernels_.tile, sizes.rows, rows_of(sizes, a), !plan_.transpose_b);
    if (packs) {
      for_products(run, sizes.right_sides, sizes, [&](std::int64_t i) {
        pack_right(run, sizes, b + i * sizes.depth * sizes.columns, packed + i * packed_elements_);
      });
    }
    for_products(run, sizes.products, sizes, [&](std::int64_t i) {
      const std::int64_t left = plan_.one_b ? i : matrix_of(0, i);
      const std::int64_t right = plan_.one_b ? 0 : matrix_of(1, i);
      multiply(
          run, sizes, a + left * sizes.rows * sizes.depth, b + right * sizes.depth * sizes.columns,
          packs ? packed + right * packed_elements_ : nullptr, y + i * sizes.rows * sizes.columns);
    });
  }

 private:
  MatmulSizes sizes_of(const Run& run) const {
    const TensorView& a = run.inputs[0];
    const TensorView& b = run.inputs[1];
    const TensorView& y = run.outputs[0];
    const int rank = y.rank;
    MatmulSizes sizes = {y.shape[rank - 2], y.shape[rank - 1],
                         a.shape[plan_.transpose_a ? rank - 2 : rank - 1], 1, 1};
    for (int axis = 0; axis < rank - 2; ++axis) {
      sizes.products *= y.shape[axis];
      sizes.right_sides *= b.shape[axis];
    }
    if (plan_.one_b) {
      sizes.rows *= sizes.products;
      sizes.products = 1;
    }
    return sizes;
  }

  /// body(i) for each of `count` products: on several threads when they are small, else in turn, as
  /// each then has threads of its own.
  template <class Body>
  static void for_products(const Run& run, std::int64_t count, const MatmulSizes& sizes,
                           Body&& body) {
    const double operations = 2.0 * static_cast<double>(sizes.rows) *
                              static_cast<double>(sizes.columns) * static_cast<double>(sizes.depth);
    if (count == 1 || operations > static_cast<double>(kOperationsOfSharedProduct)) {
      for (std::int64_t i = 0; i < count; ++i) body(i);
      return;
    }
    const std::int64_t grain =
        kOperationsOfTask / std::max<std::int64_t>(1, static_cast<std::int64_t>(operations));
    for_pieces(run, count, std::max<std::int64_t>(1, grain),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) body(i);
               });
  }

  /// Which matrix of operand o product i takes.
  std::int64_t matrix_of(int o, std::int64_t i) const {
    std::int64_t matrix = 0;
    for (int axis = plan_.batch.rank - 1; axis > 0; --axis) {
      matrix += i % plan_.batch.size[axis] * plan_.batch.stride[o][axis];
      i /= plan_.batch.size[axis];
    }
    return matrix + i * plan_.batch.stride[o][0];
  }

  MatrixRows<T> rows_of(const MatmulSizes& sizes, const T* a) const {
    return {a, plan_.transpose_a ? 1 : sizes.depth, plan_.transpose_a ? sizes.rows : 1};
  }

  void pack_panel(const MatmulSizes& sizes, const T* b, const PackRange& range, T* panel) const {
    if (plan_.transpose_b) {
      kernels_.pack_along({}, b + range.first * sizes.depth + range.k, sizes.depth, range.count,
                          range.depth, panel);
      return;
    }
    const int width = kernels_.tile.columns;
    kernels_.pack_across(b + range.k * sizes.columns + range.first, sizes.columns, range.count,
                         range.depth, panel, width, width, range.depth * width);
  }

  void pack_right(const Run& run, const MatmulSizes& sizes, const T* b, T* packed) const {
    pack_b<T>(run, kernels_.tile, sizes.depth, sizes.columns, packed,
              [&](std::int64_t first, std::int64_t count, T* panel) {
                pack_panel(sizes, b, {first, count, 0, sizes.depth}, panel);
              });
  }

  /// y = a · b, which is packed before or not: `packed` is null.
  void multiply(const Run& run, const MatmulSizes& sizes, const T* a, const T* b, const T* packed,
                T* y) const {
    const auto pack_a = [&](const PackRange& range, const PanelTarget<T>& to) {
      if (plan_.transpose_a) {
        kernels_.pack_across(a + range.k * sizes.rows + range.first, sizes.rows, range.count,
                             range.depth, to.data, to.panel_rows, to.step, to.stride);
      } else {
        copy_rows(kernels_.tile, a, sizes.depth, range, to);
      }
    };
    const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
      row_starts(sizes.columns, first, count, to);
    };
    const Gemm<T> problem = {.rows = sizes.rows,
                             .columns = sizes.columns,
                             .depth = sizes.depth,
                             .depth_major = plan_.transpose_a,
                             .pack_a = pack_a,
                             .b = packed,
                             .c = y,
                             .row_offsets = offsets,
                             .a = rows_of(sizes, a)};
    if (packed != nullptr) return gemm<T>(run, kernels_, problem);
    const auto pack_columns = [&](const PackRange& range, T* panel) {
      pack_panel(sizes, b, range, panel);
    };
    gemm<T>(run, kernels_, problem,
            {pack_columns, false, plan_.transpose_b ? nullptr : b, sizes.columns}, nullptr);
  }

  const Kernels<T>& kernels_;
  MatmulPlan plan_;
  std::int64_t packed_elements_;
  std::size_t scratch_bytes_;
};

/// The axes before the last two.
TensorSpec batch_of(const TensorSpec& spec) {
  TensorSpec batch = spec;
  batch.shape.resize(spec.shape.size() - 2);
  if (batch.shape.empty()) batch.batched = false;
  return batch;
}

/// The batch of a product of two matrices is rows of a and y, or what a and b are summed over.
bool rows_batched(const TensorSpec& a, const TensorSpec& b, bool transpose_a, bool transpose_b) {
  if (b.batched && transpose_b) refuse("b may not be batched when transposeB is set");
  if ((a.batched && transpose_a) != b.batched) {
    refuse("expected the inner size of a and b to be batched in both or in none");
  }
  return a.batched && !transpose_a;
}

}  // namespace

std::unique_ptr<Instruction> prepare_matmul(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& a = required_input(call, 0, "a");
  const TensorSpec& b = required_input(call, 1, "b");
  expect_floating(a, "a");
  expect_dtype(b, "b", a.dtype);
  expect_rank(a, "a", 2, kMaxRank);
  const std::size_t rank = a.shape.size();
  expect_rank(b, "b", rank);
  MatmulPlan plan = {};
  plan.transpose_a = call.attributes.boolean("transposeA");
  plan.transpose_b = call.attributes.boolean("transposeB");
  const std::int64_t rows = a.shape[rank - (plan.transpose_a ? 1 : 2)];
  const std::int64_t depth = a.shape[rank - (plan.transpose_a ? 2 : 1)];
  const std::int64_t columns = b.shape[rank - (plan.transpose_b ? 2 : 1)];
  if (b.shape[rank - (plan.transpose_b ? 1 : 2)] != depth) {
    refuse("expected a and b with the same inner size but received " + describe(a) + " and " +
           describe(b));
  }
  const TensorSpec left = batch_of(a);
  const TensorSpec right = batch_of(b);
  TensorSpec y =
      rank == 2 ? left : expect_broadcast({{left, "the batch of a"}, {right, "the batch of b"}});
  plan.batch = plan_broadcast(y, {{left, "a"}, {right, "b"}});
  plan.one_b =
      !plan.transpose_a && !right.batched && right.elements() == 1 && left.shape == y.shape;
  y.shape.push_back(rows);
  y.shape.push_back(columns);
  if (rank == 2) y.batched = rows_batched(a, b, plan.transpose_a, plan.transpose_b);
  expect_like(required_output(call, 0, "y"), "y", y);
  const std::int64_t right_sides = right.elements();
  if (a.dtype == DType::float32) {
    return std::make_unique<Matmul<float>>(table.float32, plan, right_sides, depth, columns);
  }
  return std::make_unique<Matmul<double>>(table.float64, plan, right_sides, depth, columns);
}

}  // namespace stridenet
