#include <memory>

#include "ops/checks.h"
#include "ops/gemm.h"

namespace stridenet {

namespace {

struct MatmulSizes {
  bool transpose_a, transpose_b;
};

template <class T>
class Matmul final : public Instruction {
 public:
  Matmul(const Kernels<T>& kernels, const MatmulSizes& sizes, std::int64_t depth,
         std::int64_t columns)
      : kernels_(kernels),
        sizes_(sizes),
        scratch_bytes_(
            static_cast<std::size_t>(packed_b_elements<T>(kernels.tile, depth, columns)) *
            sizeof(T)) {}

  std::size_t scratch_bytes() const override { return scratch_bytes_; }

  void run(const Run& run) const override {
    const TensorView& a = run.inputs[0];
    const TensorView& b = run.inputs[1];
    const TensorView& y = run.outputs[0];
    const std::int64_t rows = y.shape[0];
    const std::int64_t columns = y.shape[1];
    const std::int64_t depth = a.shape[sizes_.transpose_a ? 0 : 1];
    const GemmTile& tile = kernels_.tile;
    T* packed = reinterpret_cast<T*>(run.scratch);
    const T* from_b = b.as<T>();
    pack_b<T>(run, tile, depth, columns, packed,
              [&](std::int64_t first, std::int64_t count, T* panel) {
                if (sizes_.transpose_b) {
                  kernels_.pack_along({}, from_b + first * depth, depth, count, depth, panel);
                } else {
                  kernels_.pack_across(from_b + first, columns, count, depth, panel, tile.columns,
                                       tile.columns, depth * tile.columns);
                }
              });
    const T* from_a = a.as<T>();
    const auto pack = [&](const PackRange& range, const PanelTarget<T>& to) {
      if (sizes_.transpose_a) {
        kernels_.pack_across(from_a + range.k * rows + range.first, rows, range.count, range.depth,
                             to.data, to.panel_rows, to.step, to.stride);
      } else {
        copy_rows(tile, from_a, depth, range, to);
      }
    };
    const auto offsets = [&](std::int64_t first, std::int64_t count, std::int64_t* to) {
      row_starts(columns, first, count, to);
    };
    gemm<T>(run, kernels_,
            {rows, columns, depth, sizes_.transpose_a, pack, packed, y.as<T>(), offsets});
  }

 private:
  const Kernels<T>& kernels_;
  MatmulSizes sizes_;
  std::size_t scratch_bytes_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_matmul(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& a = required_input(call, 0, "a");
  const TensorSpec& b = required_input(call, 1, "b");
  const TensorSpec& y = required_output(call, 0, "y");
  expect_floating(a, "a");
  expect_rank(a, "a", 2);
  expect_rank(b, "b", 2);
  const MatmulSizes sizes = {call.attributes.boolean("transposeA"),
                             call.attributes.boolean("transposeB")};
  const std::int64_t rows = a.shape[sizes.transpose_a ? 1 : 0];
  const std::int64_t depth = a.shape[sizes.transpose_a ? 0 : 1];
  const std::int64_t columns = b.shape[sizes.transpose_b ? 0 : 1];
  expect_dtype(b, "b", a.dtype);
  if (b.shape[sizes.transpose_b ? 1 : 0] != depth) {
    refuse("expected a and b with the same inner size but received " + describe(a) + " and " +
           describe(b));
  }
  if (b.batched && sizes.transpose_b) refuse("b may not be batched when transposeB is set");
  if ((a.batched && sizes.transpose_a) != b.batched) {
    refuse("expected the inner size of a and b to be batched in both or in none");
  }
  expect_tensor(y, "y", a.dtype, {rows, columns}, a.batched && !sizes.transpose_a);
  if (a.dtype == DType::float32) {
    return std::make_unique<Matmul<float>>(table.float32, sizes, depth, columns);
  }
  return std::make_unique<Matmul<double>>(table.float64, sizes, depth, columns);
}

}  // namespace stridenet
