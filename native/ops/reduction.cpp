#include "ops/reduction.h"

#include <array>

#include "ops/broadcast.h"

namespace stridenet {
namespace {

/// The kernels of a reduction.
template <class T>
struct ReductionKernels {
  T (*row)(const T* x, std::int64_t count);
  void (*columns)(const T* x, std::int64_t rows, std::int64_t pitch, std::int64_t columns, T* y);
};

template <class T>
class SumReduction final : public Instruction {
 public:
  SumReduction(const ReductionKernels<T>& kernels, const ReductionPlan& plan, bool mean,
               std::int64_t bound)
      : kernels_(kernels), plan_(plan), mean_(mean) {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      const ReductionStep step = plan_.at(i, bound);
      const ReductionCut cut(step);
      const std::int64_t results = step.outer * step.inner;
      if (cut.parts > 1) scratch_ += aligned(results * cut.parts);
      if (i + 1 < plan_.steps.size()) scratch_ += aligned(results);
    }
  }

  std::size_t scratch_bytes() const override { return scratch_; }

  void run(const Run& run) const override {
    const std::int64_t samples = plan_.batched ? run.inputs[0].shape[0] : 1;
    const std::int64_t results = run.outputs[0].elements();
    const T* x = run.inputs[0].as<T>();
    const double divisor = mean_ && results > 0 ? static_cast<double>(run.inputs[0].elements()) /
                                                      static_cast<double>(results)
                                                : 1.0;
    std::byte* scratch = run.scratch;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      const ReductionStep step = plan_.at(i, samples);
      const bool last = i + 1 == plan_.steps.size();
      const ReductionCut cut(step);
      T* y = run.outputs[0].as<T>();
      if (!last) {
        y = reinterpret_cast<T*>(scratch);
        scratch += aligned(step.outer * step.inner);
      }
      T* partial = y;
      if (cut.parts > 1) {
        partial = reinterpret_cast<T*>(scratch);
        scratch += aligned(step.outer * step.inner * cut.parts);
      }
      reduce_parts(run, step, cut, x, partial);
      if (cut.parts > 1 || (last && mean_)) {
        combine(run, step, cut.parts, partial, y, last ? divisor : 1.0);
      }
      x = y;
    }
  }

 private:
  static std::size_t aligned(std::int64_t elements) {
    return (static_cast<std::size_t>(elements) * sizeof(T) + 63) / 64 * 64;
  }

  /// to[outer, part, inner] = the sum of the part.
  void reduce_parts(const Run& run, const ReductionStep& step, const ReductionCut& cut, const T* x,
                    T* to) const {
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
        T* target = to + (outer * cut.parts + part) * step.inner + column;
        if (step.inner == 1) {
          *target = kernels_.row(from, rows);
        } else {
          kernels_.columns(from, rows, step.inner, std::min(cut.block, step.inner - column),
                           target);
        }
      }
    });
  }

  /// y[outer, inner] = Σ over parts, in order and in float64, over the divisor.
  static void combine(const Run& run, const ReductionStep& step, std::int64_t parts,
                      const T* partial, T* y, double divisor) {
    constexpr std::int64_t kBlock = ReductionCut::kBlock;
    const std::int64_t blocks = (step.inner + kBlock - 1) / kBlock;
    const std::int64_t grain = rows_of_grain(std::min(step.inner, kBlock) * parts);
    for_pieces(run, step.outer * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      std::array<double, kBlock> sums;
      for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t column = unit % blocks * kBlock;
        const std::int64_t count = std::min(kBlock, step.inner - column);
        const std::int64_t outer = unit / blocks;
        std::fill_n(sums.begin(), count, 0.0);
        const T* from = partial + outer * parts * step.inner + column;
        for (std::int64_t part = 0; part < parts; ++part, from += step.inner) {
          for (std::int64_t i = 0; i < count; ++i) sums[static_cast<std::size_t>(i)] += from[i];
        }
        T* to = y + outer * step.inner + column;
        for (std::int64_t i = 0; i < count; ++i) {
          to[i] = static_cast<T>(sums[static_cast<std::size_t>(i)] / divisor);
        }
      }
    });
  }

  ReductionKernels<T> kernels_;
  ReductionPlan plan_;
  bool mean_;
  std::size_t scratch_ = 0;
};

std::int64_t batch_bound(const TensorSpec& spec) { return spec.batched ? spec.shape[0] : 1; }

std::unique_ptr<Instruction> prepare_sums(const Call& call, const KernelTable& table, bool mean) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  const std::vector<std::int64_t> axes = parse_axes(call, x);
  expect_like(required_output(call, 0, "y"), "y", reduced_spec(x, axes));
  const ReductionPlan plan = plan_reduction(x, axes);
  if (x.dtype == DType::float32) {
    const Kernels<float>& kernels = table.float32;
    return std::make_unique<SumReduction<float>>(
        ReductionKernels<float>{kernels.reduce_row_sum, kernels.reduce_columns_sum}, plan, mean,
        batch_bound(x));
  }
  const Kernels<double>& kernels = table.float64;
  return std::make_unique<SumReduction<double>>(
      ReductionKernels<double>{kernels.reduce_row_sum, kernels.reduce_columns_sum}, plan, mean,
      batch_bound(x));
}

/// dx = dy, broadcast to x (over the number of elements that dy's stands for).
template <class T>
class SumGradient final : public Instruction {
 public:
  SumGradient(const Kernels<T>& kernels, const Broadcast& plan, bool mean, bool whole)
      : kernels_(kernels), plan_(plan), mean_(mean), whole_(whole) {}

  bool may_alias(int, int input) const override { return input == 1 || whole_; }

  void run(const Run& run) const override {
    const T* dy = run.inputs[0].as<T>();
    const TensorView& dx = run.outputs[0];
    const std::int64_t samples = plan_.batched ? dx.shape[0] : 1;
    const std::int64_t results = std::max<std::int64_t>(1, run.inputs[0].elements());
    const T divisor = static_cast<T>(mean_ ? dx.elements() / results : 1);
    const auto kernel = mean_ ? kernels_.binary_div : kernels_.binary_mul;
    for_broadcast<Unrolled<T>>(run, plan_, samples, [&](Unrolled<T>& rows, const RowBlock& block) {
      const T* from = rows.place(dy, block, 0);
      RowSteps steps = placed(block);
      steps.pitch[1] = steps.step[1] = 0;
      kernel(steps, from, &divisor, dx.as<T>() + block.y);
    });
  }

 private:
  const Kernels<T>& kernels_;
  Broadcast plan_;
  bool mean_;
  bool whole_;
};

}  // namespace

std::unique_ptr<Instruction> prepare_sum(const Call& call, const KernelTable& table) {
  return prepare_sums(call, table, false);
}

std::unique_ptr<Instruction> prepare_mean(const Call& call, const KernelTable& table) {
  return prepare_sums(call, table, true);
}

std::unique_ptr<Instruction> prepare_sum_gradient(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& dy = required_input(call, 0, "dy");
  const TensorSpec& x = required_input(call, 1, "x");
  expect_floating(x, "x");
  expect_like(dy, "dy", reduced_spec(x, parse_axes(call, x)));
  expect_like(required_output(call, 0, "dx"), "dx", x);
  return make_floating<SumGradient>(x.dtype, table, plan_broadcast(x, {{dy, "dy"}}),
                                    call.attributes.boolean("mean"), dy.shape == x.shape);
}

}  // namespace stridenet
