#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "core/arena.h"
#include "cpu/cpu.h"
#include "ops/operator.h"

namespace stridenet::testing_support {

/// Numbers of threads whose results must have the same bits; fewer under sanitizers and emulators,
/// which are slow and look for other faults.
#ifdef STRIDENET_SLOW_TESTS
inline constexpr int kThreadCounts[] = {1, 3};
#else
inline constexpr int kThreadCounts[] = {1, 2, 3, 8};
#endif

/// Gives memory at multiples of 64 bytes, as operands have it.
template <class T>
struct AlignedAllocator {
  using value_type = T;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}  // NOLINT(google-explicit-constructor)
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64}));
  }
  void deallocate(T* memory, std::size_t) { ::operator delete(memory, std::align_val_t{64}); }
  bool operator==(const AlignedAllocator&) const { return true; }
};

/// An operand that owns exactly its elements, so that a sanitizer sees what reads beyond them.
template <class T>
struct Operand {
  std::vector<std::int64_t> shape;
  std::vector<T, AlignedAllocator<T>> values;
  bool present = true;

  Operand() : present(false) {}
  explicit Operand(std::vector<std::int64_t> sizes)
      : shape(std::move(sizes)), values(static_cast<std::size_t>(element_count(shape))) {}

  T& operator[](std::int64_t index) { return values[static_cast<std::size_t>(index)]; }
  const T& operator[](std::int64_t index) const { return values[static_cast<std::size_t>(index)]; }

  TensorSpec spec() const { return {present, dtype_of<T>::value, shape, false}; }

  /// Integers within ±range when it is positive, else uniform in [−1, 1).
  void fill(std::mt19937& random, int range) {
    for (T& value : values) {
      if (range > 0) {
        value = static_cast<T>(std::uniform_int_distribution<int>(-range, range)(random));
      } else {
        value = std::uniform_real_distribution<T>(-1, 1)(random);
      }
    }
  }
};

/// Prepares the call for `table` and runs it once; the outputs hold garbage before.
template <class T>
void run_operator(const std::string& name, const Attributes& attributes, const KernelTable& table,
                  const std::vector<const Operand<T>*>& inputs,
                  const std::vector<Operand<T>*>& outputs, int threads) {
  Call call{name, {}, {}, attributes};
  std::vector<TensorView> input_views;
  std::vector<TensorView> output_views;
  const auto view = [](const TensorSpec& spec, const T* data) {
    TensorView result;
    result.dtype = spec.dtype;
    result.rank = static_cast<int>(spec.shape.size());
    for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
      result.shape[axis] = spec.shape[axis];
    }
    static T nothing{};
    result.data = !spec.present ? nullptr : const_cast<T*>(data == nullptr ? &nothing : data);
    return result;
  };
  for (const Operand<T>* input : inputs) {
    call.inputs.push_back(input->spec());
    input_views.push_back(view(input->spec(), input->values.data()));
  }
  for (Operand<T>* output : outputs) {
    std::fill(output->values.begin(), output->values.end(), static_cast<T>(std::nan("")));
    call.outputs.push_back(output->spec());
    output_views.push_back(view(output->spec(), output->values.data()));
  }
  const std::unique_ptr<Instruction> instruction = prepare(call, table);
  Arena scratch(instruction->scratch_bytes());
  if (scratch.data() != nullptr) std::memset(scratch.data(), 0xff, scratch.bytes());
  instruction->run({input_views, output_views, scratch.data(), threads});
}

/// Counts elements of `got` that differ from `want` by more than a dot product of `terms` terms
/// may: 4·√terms·u·S + u·|want|, S the sum of the terms' magnitudes. `exact` allows none.
template <class T>
int count_wrong(const Operand<T>& got, const Operand<double>& want,
                const Operand<double>& magnitude, double terms, bool exact) {
  const double u = sizeof(T) == 4 ? std::ldexp(1.0, -24) : std::ldexp(1.0, -53);
  // The loops that compare sum in float64 themselves.
  const double slack = sizeof(T) == 4 ? 1.0 : 2.0;
  int wrong = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double bound = exact ? 0
                               : slack * (4 * std::sqrt(terms) * u * magnitude.values[i] +
                                          u * std::fabs(want.values[i]));
    if (!(std::fabs(static_cast<double>(got.values[i]) - want.values[i]) <= bound)) ++wrong;
  }
  return wrong;
}

}  // namespace stridenet::testing_support
