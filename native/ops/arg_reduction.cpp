#include <cmath>

#include "ops/reduction.h"

namespace stridenet {
namespace {

/// The kernels that give the largest (or smallest) elements.
template <class T>
struct ExtremeKernels {
  T (*row)(const T* x, std::int64_t count);
  void (*columns)(const T* x, std::int64_t rows, std::int64_t pitch, std::int64_t columns, T* y);
  bool rising;

  /// Whether a later element takes the place of an earlier one.
  bool beats(T later, T earlier) const {
    if (std::isnan(later) || std::isnan(earlier)) return !std::isnan(earlier);
    return rising ? later > earlier : later < earlier;
  }
};

/// Where the largest or smallest elements are along neighbouring axes, or all: each part finds its
/// extreme and its first place, then the first of the parts with the best one counts.
template <class T>
class ArgReduction final : public Instruction {
 public:
  ArgReduction(const ExtremeKernels<T>& extremes, const Kernels<T>& kernels,
               const ReductionPlan& plan, const Choice& choice, std::int64_t bound)
      : extremes_(extremes), kernels_(kernels), plan_(plan), choice_(choice) {
    const ReductionStep step = plan_.at(0, bound);
    results_ = step.outer * step.inner * ReductionCut(step).parts;
  }

  std::size_t scratch_bytes() const override {
    return values_bytes() + static_cast<std::size_t>(results_) * sizeof(std::int32_t);
  }

  void run(const Run& run) const override {
    choice_.check(run.inputs[0]);
    const std::int64_t samples = plan_.batched ? run.inputs[0].shape[0] : 1;
    const ReductionStep step = plan_.at(0, samples);
    const ReductionCut cut(step);
    T* values = reinterpret_cast<T*>(run.scratch);
    auto* places = reinterpret_cast<std::int32_t*>(run.scratch + values_bytes());
    find_parts(run, step, cut, values, places);
    auto* y = run.outputs[0].as<std::int32_t>();
    const std::int64_t results = step.outer * step.inner;
    for_pieces(run, results, rows_of_grain(cut.parts), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t first = i / step.inner * cut.parts * step.inner + i % step.inner;
        std::int64_t best = first;
        std::int64_t part = 0;
        for (std::int64_t p = 1; p < cut.parts; ++p) {
          const std::int64_t at = first + p * step.inner;
          if (!extremes_.beats(values[at], values[best])) continue;
          best = at;
          part = p;
        }
        y[i] = static_cast<std::int32_t>(part * cut.part) + places[best];
      }
    });
  }

 private:
  std::size_t values_bytes() const {
    return (static_cast<std::size_t>(results_) * sizeof(T) + 63) / 64 * 64;
  }

  void find_parts(const Run& run, const ReductionStep& step, const ReductionCut& cut, T* values,
                  std::int32_t* places) const {
    const T* x = run.inputs[0].as<T>();
    const std::int64_t units = step.outer * cut.parts * cut.blocks;
    const std::int64_t elements = cut.block * std::min(step.reduced, cut.part);
    for_pieces(run, units, rows_of_grain(elements), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t column = unit % cut.blocks * cut.block;
        const std::int64_t part = unit / cut.blocks % cut.parts;
        const std::int64_t outer = unit / cut.blocks / cut.parts;
        const std::int64_t first = part * cut.part;
        const std::int64_t rows = std::min(cut.part, step.reduced - first);
        const T* from = x + (outer * step.reduced + first) * step.inner + column;
        const std::int64_t target = (outer * cut.parts + part) * step.inner + column;
        if (step.inner == 1) {
          values[target] = extremes_.row(from, rows);
          places[target] = static_cast<std::int32_t>(kernels_.find_row(from, rows, values[target]));
        } else {
          const std::int64_t columns = std::min(cut.block, step.inner - column);
          extremes_.columns(from, rows, step.inner, columns, values + target);
          kernels_.find_columns(from, rows, step.inner, columns, values + target, places + target);
        }
      }
    });
  }

  ExtremeKernels<T> extremes_;
  const Kernels<T>& kernels_;
  ReductionPlan plan_;
  Choice choice_;
  std::int64_t results_;
};

std::unique_ptr<Instruction> prepare_arg_reduction(const Call& call, const KernelTable& table,
                                                   const ExtremeKernels<float>& float32,
                                                   const ExtremeKernels<double>& float64) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  const std::vector<std::int64_t> axes = parse_axes(call, x);
  if (axes.size() > 1 && axes.size() < x.shape.size()) {
    refuse("expected attribute 'axes' to be one axis or all");
  }
  for (const std::int64_t axis : axes) {
    if (x.shape[static_cast<std::size_t>(axis)] == 0)
      refuse("expected axes of at least one element");
  }
  if (x.elements() > INT32_MAX) refuse("expected fewer than 2^31 elements");
  TensorSpec y = reduced_spec(x, axes);
  y.dtype = DType::int32;
  expect_like(required_output(call, 0, "y"), "y", y);
  const ReductionPlan plan = plan_reduction(x, axes);
  const Choice choice{call.name, axes};
  const std::int64_t bound = x.batched ? x.shape[0] : 1;
  if (x.dtype == DType::float32) {
    return std::make_unique<ArgReduction<float>>(float32, table.float32, plan, choice, bound);
  }
  return std::make_unique<ArgReduction<double>>(float64, table.float64, plan, choice, bound);
}

}  // namespace

std::unique_ptr<Instruction> prepare_argmax(const Call& call, const KernelTable& table) {
  return prepare_arg_reduction(
      call, table, {table.float32.reduce_row_max, table.float32.reduce_columns_max, true},
      {table.float64.reduce_row_max, table.float64.reduce_columns_max, true});
}

std::unique_ptr<Instruction> prepare_argmin(const Call& call, const KernelTable& table) {
  return prepare_arg_reduction(
      call, table, {table.float32.reduce_row_min, table.float32.reduce_columns_min, false},
      {table.float64.reduce_row_min, table.float64.reduce_columns_min, false});
}

}  // namespace stridenet
