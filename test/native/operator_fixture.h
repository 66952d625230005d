#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/arena.h"
#include "core/denormals.h"
#include "core/error.h"
#include "core/thread_pool.h"
#include "cpu/cpu.h"
#include "ops/operator.h"

namespace stridenet::test {

/// A tensor with guard bytes behind it; an output begins as 0xff bytes, which are NaN. Copies share
/// the memory.
class Operand {
 public:
  Operand() = default;
  Operand(DType dtype, std::vector<std::int64_t> shape, bool batched = false)
      : memory_(std::make_shared<Arena>(
            element_size(dtype) * static_cast<std::size_t>(element_count(shape)) + kGuard)) {
    spec.present = true;
    spec.dtype = dtype;
    spec.shape = std::move(shape);
    spec.batched = batched;
    std::memset(memory_->data(), 0xff, memory_->bytes());
  }
  template <class T>
  static Operand of(std::vector<std::int64_t> shape, const std::vector<T>& values,
                    bool batched = false) {
    Operand operand(dtype_of<T>::value, std::move(shape), batched);
    if (!values.empty()) {
      std::memcpy(operand.memory_->data(), values.data(), values.size() * sizeof(T));
    }
    return operand;
  }
  /// Integers within [−range, range].
  template <class T>
  static Operand random(std::vector<std::int64_t> shape, int range, unsigned seed) {
    std::mt19937 engine(seed);
    std::vector<T> values(static_cast<std::size_t>(element_count(shape)));
    for (T& value : values) {
      value = static_cast<T>(static_cast<int>(engine() % (2u * static_cast<unsigned>(range) + 1)) -
                             range);
    }
    return of(std::move(shape), values);
  }

  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(memory_->data());
  }
  template <class T>
  std::vector<T> values() const {
    return {data<T>(), data<T>() + spec.elements()};
  }
  std::vector<std::uint8_t> raw() const {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(memory_->data());
    return {begin, begin + spec.bytes()};
  }
  bool guard_intact() const {
    if (!spec.present) return true;
    for (std::size_t i = spec.bytes(); i < memory_->bytes(); ++i) {
      if (memory_->data()[i] != std::byte{0xff}) return false;
    }
    return true;
  }
  TensorView view() const {
    TensorView view;
    if (!spec.present) return view;
    view.data = memory_->data();
    view.dtype = spec.dtype;
    view.rank = static_cast<int>(spec.shape.size());
    for (std::size_t i = 0; i < spec.shape.size(); ++i) view.shape[i] = spec.shape[i];
    return view;
  }

  TensorSpec spec;

 private:
  static constexpr std::size_t kGuard = 128;
  std::shared_ptr<Arena> memory_;
};

/// A call on operands.
struct Trial {
  std::string name;
  Attributes attributes;
  std::vector<Operand> inputs;
  std::vector<TensorSpec> outputs;

  Call call() const {
    Call call{name, {}, outputs, attributes};
    for (const Operand& input : inputs) call.inputs.push_back(input.spec);
    return call;
  }

  std::vector<Operand> run(const KernelTable& table, int threads) const {
    const std::unique_ptr<Instruction> instruction = prepare(call(), table);
    std::vector<Operand> results;
    std::vector<TensorView> in;
    std::vector<TensorView> out;
    for (const Operand& input : inputs) in.push_back(input.view());
    for (const TensorSpec& spec : outputs) {
      results.push_back(spec.present ? Operand(spec.dtype, spec.shape, spec.batched) : Operand());
      out.push_back(results.back().view());
    }
    const Arena scratch(instruction->scratch_bytes() + 64);
    std::memset(scratch.data(), 0xff, scratch.bytes());
    const FlushDenormals flush;
    instruction->run({in, out, scratch.data(), threads});
    for (std::size_t i = instruction->scratch_bytes(); i < scratch.bytes(); ++i) {
      EXPECT_EQ(scratch.data()[i], std::byte{0xff}) << "scratch overrun";
    }
    for (const Operand& result : results) EXPECT_TRUE(result.guard_intact());
    return results;
  }

  /// Runs on 1, 2, 3 and 8 threads, which must give the same bits.
  std::vector<Operand> run_on_all_threads(const KernelTable& table) const {
    ThreadPool::instance().set_threads(8);
    std::vector<Operand> first = run(table, 1);
    for (const int threads : {2, 3, 8}) {
      const std::vector<Operand> again = run(table, threads);
      for (std::size_t i = 0; i < first.size(); ++i) {
        if (!first[i].spec.present) continue;
        EXPECT_EQ(first[i].raw(), again[i].raw()) << threads;
      }
    }
    return first;
  }
};

inline TensorSpec spec_of(DType dtype, std::vector<std::int64_t> shape, bool batched = false) {
  return {true, dtype, std::move(shape), batched};
}

template <class... Pairs>
Attributes attributes_of(Pairs... pairs) {
  Attributes attributes;
  (attributes.set(pairs.first, Attributes::Value(pairs.second)), ...);
  return attributes;
}
inline std::pair<std::string, std::vector<double>> list(const char* name,
                                                        std::vector<double> values) {
  return {name, std::move(values)};
}

/// The code of the Error that `body` throws, "" when it throws none.
template <class Body>
std::string code_of(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

/// Calls body.operator()<T>(table) for both floating types on every supported table.
template <class Body>
void on_every_table(Body&& body) {
  for (const KernelTable* table : supported_kernels()) {
    {
      SCOPED_TRACE(std::string(table->name) + " float32");
      body.template operator()<float>(*table);
    }
    {
      SCOPED_TRACE(std::string(table->name) + " float64");
      body.template operator()<double>(*table);
    }
  }
}

}  // namespace stridenet::test
