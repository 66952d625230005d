#include "ops/reduction.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

namespace stridenet {
namespace {

/// The kernels of a reduction.
template <class T>
struct ReductionKernels {
  T (*row)(const T* x, std::int64_t count);
  void (*columns)(const T* x, std::int64_t rows, std::int64_t pitch, std::int64_t columns, T* y);
};

/// How partial results of parts are combined, in float64.
struct Adding {
  static constexpr double kNone = 0;
  static double of(double a, double b) { return a + b; }
};
struct Rising {
  static constexpr double kNone = -std::numeric_limits<double>::infinity();
  static double of(double a, double b) {
    return std::isnan(a) ? a : std::isnan(b) ? b : a > b || (a == b && !std::signbit(a)) ? a : b;
  }
};
struct Falling {
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  static double of(double a, double b) { return -Rising::of(-a, -b); }
};

template <class T, class Combine>
class Reduction final : public Instruction {
 public:
  Reduction(const ReductionKernels<T>& kernels, const ReductionPlan& plan, const Choice& choice,
            bool mean, std::int64_t bound)
      : kernels_(kernels), plan_(plan), choice_(choice), mean_(mean) {
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
    choice_.check(run.inputs[0]);
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

  /// to[outer, part, inner] = the result of the part.
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

  /// y[outer, inner] = the results of the parts combined, in order and in float64, over the
  /// divisor.
  static void combine(const Run& run, const ReductionStep& step, std::int64_t parts,
                      const T* partial, T* y, double divisor) {
    constexpr std::int64_t kBlock = ReductionCut::kBlock;
    const std::int64_t blocks = (step.inner + kBlock - 1) / kBlock;
    const std::int64_t grain = rows_of_grain(std::min(step.inner, kBlock) * parts);
    for_pieces(run, step.outer * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
      std::array<double, kBlock> totals;
      for (std::int64_t unit = begin; unit < end; ++unit) {
        const std::int64_t column = unit % blocks * kBlock;
        const std::int64_t count = std::min(kBlock, step.inner - column);
        const std::int64_t outer = unit / blocks;
        std::fill_n(totals.begin(), count, Combine::kNone);
        const T* from = partial + outer * parts * step.inner + column;
        for (std::int64_t part = 0; part < parts; ++part, from += step.inner) {
          for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            totals[i] = Combine::of(totals[i], static_cast<double>(from[i]));
          }
        }
        T* to = y + outer * step.inner + column;
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
          to[i] = static_cast<T>(totals[i] / divisor);
        }
      }
    });
  }

  ReductionKernels<T> kernels_;
  ReductionPlan plan_;
  Choice choice_;
  bool mean_;
  std::size_t scratch_ = 0;
};

template <class Combine>
std::unique_ptr<Instruction> prepare_reduction(const Call& call,
                                               const ReductionKernels<float>& float32,
                                               const ReductionKernels<double>& float64, bool mean) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  const std::vector<std::int64_t> axes = parse_axes(call, x);
  expect_like(required_output(call, 0, "y"), "y", reduced_spec(x, axes));
  const ReductionPlan plan = plan_reduction(x, axes);
  // A sum of nothing is 0.
  const bool chooses = !std::is_same_v<Combine, Adding>;
  const Choice choice{call.name, chooses ? axes : std::vector<std::int64_t>{}};
  const std::int64_t bound = x.batched ? x.shape[0] : 1;
  if (x.dtype == DType::float32) {
    return std::make_unique<Reduction<float, Combine>>(float32, plan, choice, mean, bound);
  }
  return std::make_unique<Reduction<double, Combine>>(float64, plan, choice, mean, bound);
}

}  // namespace

#define STRIDENET_REDUCTION(name, kernel, combine, mean)                                    \
  std::unique_ptr<Instruction> prepare_##name(const Call& call, const KernelTable& table) { \
    return prepare_reduction<combine>(                                                      \
        call, {table.float32.reduce_row_##kernel, table.float32.reduce_columns_##kernel},   \
        {table.float64.reduce_row_##kernel, table.float64.reduce_columns_##kernel}, mean);  \
  }
STRIDENET_REDUCTION(sum, sum, Adding, false)
STRIDENET_REDUCTION(mean, sum, Adding, true)
STRIDENET_REDUCTION(max, max, Rising, false)
STRIDENET_REDUCTION(min, min, Falling, false)
#undef STRIDENET_REDUCTION

}  // namespace stridenet
