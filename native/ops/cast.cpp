#include <cmath>
#include <type_traits>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// x towards 0 and modulo 2^32, as ECMA-262's ToInt32; 0 for NaN and infinities.
template <class T>
std::int32_t integer_of(T x) {
  constexpr T kBound = 2147483648.0;
  if (x >= -kBound && x < kBound) return static_cast<std::int32_t>(x);
  if (!std::isfinite(x)) return 0;
  const double rest = std::fmod(std::trunc(static_cast<double>(x)), 4294967296.0);
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::int64_t>(rest)));
}

/// x as a typed array of To takes it: modulo for integers, else to the nearest.
template <class To, class From>
To converted(From x) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return static_cast<To>(integer_of(x));
  } else {
    return static_cast<To>(x);
  }
}

template <class To, class From>
class Cast final : public Instruction {
 public:
  void run(const Run& run) const override {
    const From* x = run.inputs[0].as<From>();
    To* y = run.outputs[0].as<To>();
    for_pieces(run, run.inputs[0].elements(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = converted<To>(x[i]);
    });
  }
};

template <class From>
struct CastFrom {
  template <class To>
  using Type = Cast<To, From>;
};

std::unique_ptr<Instruction> make_cast(DType from, DType to) {
  switch (from) {
    case DType::float32:
      return make_of_dtype<CastFrom<float>::Type>(to);
    case DType::float64:
      return make_of_dtype<CastFrom<double>::Type>(to);
    case DType::int32:
      return make_of_dtype<CastFrom<std::int32_t>::Type>(to);
    case DType::uint8:
      break;
  }
  return make_of_dtype<CastFrom<std::uint8_t>::Type>(to);
}

}  // namespace

std::unique_ptr<Instruction> prepare_cast(const Call& call, const KernelTable&) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  TensorSpec y = x;
  y.dtype = parse_dtype(call.attributes.text("dtype"));
  expect_like(required_output(call, 0, "y"), "y", y);
  return make_cast(x.dtype, y.dtype);
}

}  // namespace stridenet
