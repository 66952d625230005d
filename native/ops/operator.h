#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/function_ref.h"
#include "core/tensor.h"

namespace stridenet {

struct KernelTable;

/// Attributes of an instruction by name, as JavaScript sent them. Every getter checks: a missing
/// name, another type, a fraction or a value out of range throws Error("ERR_PROGRAM") that names
/// the operator and the attribute.
class Attributes {
 public:
  using Value = std::variant<double, bool, std::string, std::vector<double>>;

  void set(const std::string& name, Value value) { values_[name] = std::move(value); }
  bool has(const std::string& name) const { return values_.count(name) != 0; }
  double number(const char* name) const;
  bool boolean(const char* name) const;
  std::string text(const char* name) const;
  /// An integer within [low, high].
  std::int64_t integer(const char* name, std::int64_t low, std::int64_t high) const;
  /// `count` integers, each within [low, high].
  std::vector<std::int64_t> integers(const char* name, std::size_t count, std::int64_t low,
                                     std::int64_t high) const;
  /// Any number of them.
  std::vector<std::int64_t> integers(const char* name, std::int64_t low, std::int64_t high) const;

 private:
  std::map<std::string, Value> values_;
};

/// What an instruction asks for: its operands as they are stored, at the bound of the batch.
struct Call {
  std::string name;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  Attributes attributes;
};

/// What an instruction gets when it runs: its operands at the sizes of this step, its scratch
/// memory (64-byte aligned, scratch_bytes() long, contents undefined), and its threads.
struct Run {
  std::span<const TensorView> inputs;
  std::span<const TensorView> outputs;
  std::byte* scratch;
  int threads;

  /// ThreadPool::parallel_for within this run's thread limit.
  void parallel_for(std::int64_t tasks, function_ref<void(std::int64_t)> body) const;
};

/// A prepared instruction: everything that could be checked or chosen from shapes and
/// attributes has been. Immutable, so it may be run again and again.
class Instruction {
 public:
  virtual ~Instruction() = default;
  virtual std::size_t scratch_bytes() const { return 0; }
  /// Whether output `output` may be the very memory of input `input`.
  virtual bool may_alias(int output, int input) const {
    (void)output;
    (void)input;
    return false;
  }
  /// Elements of the form that its weight, input 1, is packed into, which it may be given instead
  /// with the attribute packedWeight; 0: there is none.
  virtual std::int64_t packed_elements() const { return 0; }
  /// Packs `weight`, of input 1's dtype and size, into packed_elements() at `to`.
  virtual void pack_weight(const Run& run, const void* weight, void* to) const {
    (void)run;
    (void)weight;
    (void)to;
  }
  /// Computes the outputs. Allocates nothing. What is data (labels, indices, winners) is checked
  /// here: bad values throw Error("ERR_ARGUMENT") and touch nothing outside the operands.
  virtual void run(const Run& run) const = 0;
};

/// Checks a call wholly (number of operands, dtypes, shapes against each other, attribute ranges:
/// after this no run may leave its operands) and prepares it for the kernels of `table`.
/// Throws Error("ERR_PROGRAM" or "ERR_DTYPE") that names the operator, what was expected and
/// what was received.
using Prepare = std::unique_ptr<Instruction> (*)(const Call& call, const KernelTable& table);

/// Prepares a call by the operator of its name; the names are listed in ops/operators.inc.
/// Throws Error("ERR_PROGRAM") for an unknown one.
std::unique_ptr<Instruction> prepare(const Call& call, const KernelTable& table);

}  // namespace stridenet
