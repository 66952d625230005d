// What holds for every operator, on one call of each: the tables agree, the threads do not matter,
// nothing is allocated in a run, and what may be computed in place may.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "allocation_count.h"
#include "operator_fixture.h"
#include "operator_samples.h"

namespace stridenet::test {
namespace {

/// Every name of operators.inc.
const std::set<std::string>& operator_names() {
  static const std::set<std::string> names = {
#define OPERATOR(name, function) #name,
#include "ops/operators.inc"
#undef OPERATOR
  };
  return names;
}

/// Runs a prepared call on these operands.
void run_on(const Instruction& instruction, const std::vector<Operand>& inputs,
            const std::vector<Operand>& outputs) {
  std::vector<TensorView> in;
  std::vector<TensorView> out;
  for (const Operand& input : inputs) in.push_back(input.view());
  for (const Operand& output : outputs) out.push_back(output.view());
  const Arena scratch(instruction.scratch_bytes() + 64);
  const FlushDenormals flush;
  instruction.run({in, out, scratch.data(), 2});
}

std::vector<Operand> outputs_of(const Trial& trial) {
  std::vector<Operand> outputs;
  for (const TensorSpec& spec : trial.outputs) {
    outputs.push_back(spec.present ? Operand(spec.dtype, spec.shape) : Operand());
  }
  return outputs;
}

template <class T>
void expect_near(const Operand& got, const Operand& want, const std::string& name) {
  if (!got.spec.present) return;
  if (got.spec.dtype != dtype_of<T>::value) {
    EXPECT_EQ(got.raw(), want.raw()) << name;
    return;
  }
  // Whether the tables compute the same thing; how well is a matter of the operators' own tests.
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-12;
  const std::vector<T> a = got.values<T>();
  const std::vector<T> b = want.values<T>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) && std::isnan(a[i])) continue;
    if (a[i] == b[i]) continue;
    ASSERT_NEAR(static_cast<double>(a[i]), static_cast<double>(b[i]),
                tolerance * (1 + std::fabs(static_cast<double>(b[i]))))
        << name << ", element " << i;
  }
}

TEST(EveryOperator, HasASample) {
  std::set<std::string> sampled;
  for (const Trial& trial : samples<float>()) sampled.insert(trial.name);
  for (const std::string& name : operator_names()) {
    // What these give is the tables' own: pack_weight_test.cpp.
    if (name == "packConv2dWeight" || name == "packLinearWeight") continue;
    EXPECT_EQ(sampled.count(name), 1u) << name << ": give it one in operator_samples.h";
  }
}

TEST(EveryOperator, GivesTheSameOnEveryTableAndAnyThreads) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const Trial& trial : samples<T>()) {
      SCOPED_TRACE(trial.name);
      const std::vector<Operand> expected = trial.run(kernels_by_name("portable"), 1);
      const std::vector<Operand> got = trial.run_on_all_threads(table);
      for (std::size_t i = 0; i < got.size(); ++i) expect_near<T>(got[i], expected[i], trial.name);
    }
  });
}

TEST(EveryOperator, AllocatesNothingWhenItRuns) {
  if (!AllocationCount().value()) GTEST_SKIP() << "a sanitizer has the allocator";
  on_every_table([]<class T>(const KernelTable& table) {
    for (const Trial& trial : samples<T>()) {
      const std::unique_ptr<Instruction> instruction = prepare(trial.call(), table);
      const std::vector<Operand> outputs = outputs_of(trial);
      std::vector<TensorView> in;
      std::vector<TensorView> out;
      for (const Operand& input : trial.inputs) in.push_back(input.view());
      for (const Operand& output : outputs) out.push_back(output.view());
      const Arena scratch(instruction->scratch_bytes() + 64);
      const stridenet::Run run = {in, out, scratch.data(), 2};
      // A thread's own buffers come into being at its first use of them.
      for (int warm = 0; warm < 20; ++warm) instruction->run(run);
      const AllocationCount allocations;
      instruction->run(run);
      EXPECT_EQ(allocations.value(), 0) << trial.name;
    }
  });
}

TEST(EveryOperator, ComputesInPlaceWhereItSaysSo) {
  on_every_table([]<class T>(const KernelTable& table) {
    for (const Trial& trial : samples<T>()) {
      const std::unique_ptr<Instruction> instruction = prepare(trial.call(), table);
      const std::vector<Operand> expected = trial.run(table, 2);
      for (std::size_t o = 0; o < trial.outputs.size(); ++o) {
        for (std::size_t i = 0; i < trial.inputs.size(); ++i) {
          const TensorSpec& input = trial.inputs[i].spec;
          const TensorSpec& output = trial.outputs[o];
          if (!input.present || !output.present || input.dtype != output.dtype) continue;
          if (input.shape != output.shape) continue;
          if (!instruction->may_alias(static_cast<int>(o), static_cast<int>(i))) continue;
          std::vector<Operand> inputs = trial.inputs;
          inputs[i] = Operand(input.dtype, input.shape);
          std::memcpy(inputs[i].template data<std::byte>(),
                      trial.inputs[i].template data<std::byte>(), input.bytes());
          std::vector<Operand> outputs = outputs_of(trial);
          outputs[o] = inputs[i];
          run_on(*instruction, inputs, outputs);
          for (std::size_t k = 0; k < outputs.size(); ++k) {
            if (!outputs[k].spec.present) continue;
            EXPECT_EQ(outputs[k].raw(), expected[k].raw())
                << trial.name << ": output " << o << " in the memory of input " << i;
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace stridenet::test
