#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "runtime/program.h"
#include "runtime_fixture.h"

namespace stridenet::test {
namespace {

/// y = relu(feed + constant), state = state + state. Buffers: 0 feed, 1 constant, 2 temporary,
/// 3 fetch, 4 state.
ProgramDescription small() {
  ProgramDescription description;
  description.batch = 4;
  description.arena_bytes = 256;
  description.buffers = {
      batched(buffer(BufferKind::feed, {4, 3})), batched(buffer(BufferKind::constant, {4, 3})),
      batched(buffer(BufferKind::temporary, {4, 3}, 0)), batched(buffer(BufferKind::fetch, {4, 3})),
      buffer(BufferKind::state, {5})};
  description.instructions = {
      {"add", {0, 1}, {2}, {}, -1}, {"relu", {2}, {3}, {}, -1}, {"add", {4, 4}, {4}, {}, -1}};
  return description;
}

TEST(Runtime, RefusesWrongDescriptions) {
  using D = ProgramDescription;
  const Changes changes = {
      {"negative batch", [](D& d) { d.batch = -1; }},
      {"batch beyond int32", [](D& d) { d.batch = std::int64_t{1} << 40; }},
      {"batched without a batch", [](D& d) { d.batch = 0; }},
      {"another first size", [](D& d) { d.buffers[0].tensor.shape[0] = 5; }},
      {"batched of rank 0", [](D& d) { d.buffers[0].tensor.shape.clear(); }},
      {"negative size", [](D& d) { d.buffers[4].tensor.shape[0] = -1; }},
      {"product beyond 2^53",
       [](D& d) { d.buffers[4].tensor.shape = {std::int64_t{1} << 40, std::int64_t{1} << 40}; }},
      {"wrapping product beside a 0",
       [](D& d) { d.buffers[4].tensor.shape = {0, std::int64_t{1} << 50, std::int64_t{1} << 50}; }},
      {"rank 9", [](D& d) { d.buffers[4].tensor.shape.assign(9, 1); }},
      {"temporary without an offset", [](D& d) { d.buffers[2].offset = -1; }},
      {"offset that is no multiple of 64", [](D& d) { d.buffers[2].offset = 32; }},
      {"temporary beyond the arena", [](D& d) { d.buffers[2].offset = 256; }},
      {"offset that wraps",
       [](D& d) { d.buffers[2].offset = std::numeric_limits<std::int64_t>::max() - 63; }},
      {"negative arena", [](D& d) { d.arena_bytes = -1; }},
      {"id too large", [](D& d) { d.instructions[0].inputs[0] = 5; }},
      {"id below -1", [](D& d) { d.instructions[0].inputs[0] = -2; }},
      {"absent operand that is needed", [](D& d) { d.instructions[0].inputs[0] = -1; }},
      {"too few operands", [](D& d) { d.instructions[0].inputs.pop_back(); }},
      {"too many operands", [](D& d) { d.instructions[0].inputs.push_back(1); }},
      {"unknown operator", [](D& d) { d.instructions[0].op = "launch"; }},
      {"write to a feed", [](D& d) { d.instructions[1].outputs[0] = 0; }},
      {"write to a constant", [](D& d) { d.instructions[1].outputs[0] = 1; }},
      {"read of a fetch", [](D& d) { d.instructions.push_back({"relu", {3}, {2}, {}, -1}); }},
      {"read before a write", [](D& d) { std::swap(d.instructions[0], d.instructions[1]); }},
      {"fetch that nothing writes", [](D& d) { d.instructions[1].outputs[0] = 2; }},
      {"batched with not batched", [](D& d) { d.buffers[2].tensor.batched = false; }},
      {"shapes that differ", [](D& d) { d.buffers[2].tensor.shape = {4, 4}; }},
  };
  expect_refused(small(), changes);
  EXPECT_EQ(code_after(small(), [](D& d) { d.buffers[2].tensor.dtype = DType::float64; }),
            "ERR_DTYPE");
}

TEST(Runtime, RefusesOverlaps) {
  using D = ProgramDescription;
  const Changes changes = {
      {"temporary overwritten before it is read",
       [](D& d) {
         d.buffers.push_back(batched(buffer(BufferKind::temporary, {4, 3}, 0)));
         d.instructions.insert(d.instructions.begin() + 1, {"relu", {0}, {5}, {}, -1});
       }},
      {"output over half an input",
       [](D& d) {
         d.arena_bytes = 1024;
         d.buffers.push_back(buffer(BufferKind::temporary, {32}, 0));
         d.buffers.push_back(buffer(BufferKind::temporary, {32}, 64));
         d.buffers.push_back(buffer(BufferKind::state, {32}));
         d.instructions.push_back({"relu", {7}, {5}, {}, -1});
         d.instructions.push_back({"relu", {5}, {6}, {}, -1});
       }},
      {"in place where the operator does not",
       [](D& d) {
         Attributes axes = attributes_of(list("axes", {1, 0}));
         d.buffers.push_back(buffer(BufferKind::state, {5, 5}));
         d.instructions.push_back({"transpose", {5}, {5}, axes, -1});
       }},
      {"outputs in the same memory",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::state, {}, -1, DType::float64));
         d.buffers.push_back(buffer(BufferKind::state, {5}));
         d.buffers.push_back(buffer(BufferKind::state, {5}));
         d.instructions.push_back(
             {"sgdUpdate",
              {4, 6, 7, 5},
              {4, 4},
              attributes_of(std::pair{"momentum", 0.0}, std::pair{"dampening", 0.0},
                            std::pair{"weightDecay", 0.0}, std::pair{"nesterov", false}),
              -1});
       }},
  };
  expect_refused(small(), changes);
}

TEST(Runtime, RefusesWrongViews) {
  using D = ProgramDescription;
  const Changes changes = {
      {"view of a later buffer",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::view, {5}));
         d.buffers.back().of = 5;
       }},
      {"view of a view",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::view, {5}));
         d.buffers.back().of = 4;
         d.buffers.push_back(buffer(BufferKind::view, {5}));
         d.buffers.back().of = 5;
       }},
      {"view with more elements",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::view, {6}));
         d.buffers.back().of = 4;
       }},
      {"batched view of what is not",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::state, {4}));
         d.buffers.push_back(batched(buffer(BufferKind::view, {4})));
         d.buffers.back().of = 5;
       }},
      {"write to a constant through a view",
       [](D& d) {
         d.buffers.push_back(batched(buffer(BufferKind::view, {4, 3})));
         d.buffers.back().of = 1;
         d.instructions.push_back({"relu", {0}, {5}, {}, -1});
       }},
      {"in place through a view where the operator does not",
       [](D& d) {
         d.buffers.push_back(buffer(BufferKind::view, {1, 5}));
         d.buffers.back().of = 4;
         d.buffers.push_back(buffer(BufferKind::view, {5, 1}));
         d.buffers.back().of = 4;
         d.instructions.push_back({"transpose", {5}, {6}, attributes_of(list("axes", {1, 0})), -1});
       }},
  };
  expect_refused(small(), changes);
}

/// A loss with scratch: buffers 5 logits, 6 labels, 7 loss.
ProgramDescription with_scratch(std::int64_t scratch) {
  ProgramDescription description = small();
  description.arena_bytes = 1024;
  description.buffers.push_back(batched(buffer(BufferKind::temporary, {4, 3}, 128)));
  description.buffers.push_back(batched(buffer(BufferKind::feed, {4}, -1, DType::int32)));
  description.buffers.push_back(buffer(BufferKind::temporary, {}, 64));
  description.instructions.push_back({"relu", {0}, {5}, {}, -1});
  description.instructions.push_back(
      {"softmaxCrossEntropy",
       {5, 6, -1},
       {7},
       attributes_of(std::pair{"reduction", std::string("mean")}, std::pair{"labelSmoothing", 0.0}),
       scratch});
  return description;
}

TEST(Runtime, RefusesWrongScratch) {
  const auto code = [](std::int64_t scratch) {
    return code_of([&] { validate(with_scratch(scratch), kernels()); });
  };
  EXPECT_EQ(code(192), "");
  EXPECT_EQ(code(-1), "ERR_PROGRAM");
  EXPECT_EQ(code(200), "ERR_PROGRAM");   // no multiple of 64
  EXPECT_EQ(code(1024), "ERR_PROGRAM");  // beyond the arena
  EXPECT_EQ(code(128), "ERR_PROGRAM");   // over an input
  EXPECT_EQ(code(64), "ERR_PROGRAM");    // over the output
}

TEST(Runtime, RunsStepsWithTheirOwnBatches) {
  auto counter = std::make_shared<MemoryCounter>();
  {
    Program program(small(), kernels(), counter);
    EXPECT_EQ(counter->programs, 1);
    EXPECT_GT(counter->bytes, 0);
    float* state = reinterpret_cast<float*>(program.writable(4));
    EXPECT_EQ(state[0], 0);
    std::fill_n(state, 5, 1.0f);
    std::fill_n(reinterpret_cast<float*>(program.writable(1)), 12, -1.0f);
    std::vector<float> feed(36);
    for (std::size_t i = 0; i < feed.size(); ++i) feed[i] = static_cast<float>(i % 4);
    program.reserve(3);
    program.load_feed(0, reinterpret_cast<const std::byte*>(feed.data()), 3);
    const std::int32_t batch[] = {4, 2, 0};
    const Outcome outcome = program.run(3, batch, -1);
    EXPECT_EQ(outcome.code, nullptr);
    EXPECT_EQ(outcome.steps, 3);
    EXPECT_EQ(state[4], 8);
    std::vector<float> fetch(36, -7.0f);
    program.store_fetch(0, reinterpret_cast<std::byte*>(fetch.data()), 3);
    for (std::size_t i = 0; i < fetch.size(); ++i) {
      EXPECT_EQ(fetch[i], i < 18 ? std::max(feed[i] - 1, 0.0f) : 0.0f) << i;
    }
  }
  EXPECT_EQ(counter->programs, 0);
  EXPECT_EQ(counter->bytes, 0);
}

TEST(Runtime, RunsNoSteps) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(small(), kernels(), counter);
  program.reserve(0);
  program.load_feed(0, nullptr, 0);
  EXPECT_EQ(program.run(0, {}, -1).steps, 0);
  program.store_fetch(0, nullptr, 0);
}

TEST(Runtime, AFailedStepIsNamedAndLaterOnesDoNotRun) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(with_scratch(192), kernels(), counter);
  const std::vector<float> feed(36, 1.0f);
  const std::vector<std::int32_t> labels = {0, 1, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0};
  reinterpret_cast<float*>(program.writable(4))[0] = 1.0f;
  program.reserve(3);
  program.load_feed(0, reinterpret_cast<const std::byte*>(feed.data()), 3);
  program.load_feed(1, reinterpret_cast<const std::byte*>(labels.data()), 3);
  const Outcome outcome = program.run(3, {}, -1);
  ASSERT_NE(outcome.code, nullptr);
  EXPECT_STREQ(outcome.code, "ERR_ARGUMENT");
  EXPECT_EQ(outcome.step, 1);
  // Doubled in steps 0 and 1, before the loss.
  EXPECT_EQ(reinterpret_cast<float*>(program.writable(4))[0], 4.0f);
}

TEST(Runtime, StopsAtBoundaries) {
  auto counter = std::make_shared<MemoryCounter>();
  ProgramDescription description = small();
  description.instructions.erase(description.instructions.begin() + 2);
  Program program(description, kernels(), counter);
  constexpr std::int64_t kSteps = 1000000;
  program.reserve(kSteps);
  EXPECT_EQ(program.run(kSteps, {}, 0).steps, 1);
  for (const Program::Stop at : {Program::Stop::step, Program::Stop::instruction}) {
    program.reserve(kSteps);
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      program.stop(at);
    });
    const Outcome outcome = program.run(kSteps, {}, -1);
    other.join();
    EXPECT_EQ(outcome.code, nullptr);
    EXPECT_LT(outcome.steps, kSteps);
    EXPECT_EQ(program.run(kSteps, {}, -1).steps, 0);
  }
}

TEST(Runtime, RefusesMoreMemoryThanThereIs) {
  auto counter = std::make_shared<MemoryCounter>();
  ProgramDescription description = small();
  description.arena_bytes = std::int64_t{1} << 52;
  EXPECT_EQ(code_of([&] { Program(description, kernels(), counter); }), "ERR_MEMORY");
  Program program(small(), kernels(), counter);
  EXPECT_EQ(code_of([&] { program.reserve(std::int64_t{1} << 46); }), "ERR_MEMORY");
  EXPECT_EQ(code_of([&] { program.reserve(std::numeric_limits<std::int64_t>::max()); }),
            "ERR_MEMORY");
}

TEST(Runtime, KeepsSmallStacksAndFreesLargeOnes) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(small(), kernels(), counter);
  const std::int64_t without = program.bytes();
  program.reserve(4);
  const std::int64_t small_run = program.bytes();
  EXPECT_EQ(small_run, without + 4 * 2 * 64);
  program.release_large_stacks();
  EXPECT_EQ(program.bytes(), small_run);
  const std::int64_t steps = Program::kKeptStackBytes / (2 * 64);
  program.reserve(steps);
  program.release_large_stacks();
  EXPECT_EQ(program.bytes(), without + Program::kKeptStackBytes);
  program.reserve(steps + 1);
  EXPECT_GT(program.bytes(), without + Program::kKeptStackBytes);
  program.release_large_stacks();
  EXPECT_EQ(program.bytes(), without);
  EXPECT_EQ(counter->bytes, without);
  // The next run has stacks again.
  const std::vector<float> feed(12, 2.0f);
  program.reserve(1);
  program.load_feed(0, reinterpret_cast<const std::byte*>(feed.data()), 1);
  EXPECT_EQ(program.run(1, {}, -1).steps, 1);
  std::vector<float> fetch(12);
  program.store_fetch(0, reinterpret_cast<std::byte*>(fetch.data()), 1);
  EXPECT_EQ(fetch, feed);
}

TEST(Runtime, CountsWhatItFreesWhenItReservesMore) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(small(), kernels(), counter);
  program.reserve(1000);
  // Room for the larger stacks only in place of the smaller ones.
  const std::int64_t more = 1001 * 2 * 64;
  counter->bytes += memory_limit() - more - (program.bytes() - 1000 * 2 * 64) - 1000 * 64;
  const std::int64_t pretended = counter->bytes - program.bytes();
  EXPECT_EQ(code_of([&] { program.reserve(1001); }), "");
  EXPECT_EQ(code_of([&] { program.reserve(3000); }), "ERR_MEMORY");
  counter->bytes -= pretended;
}

TEST(Runtime, ViewsShareTheirMemory) {
  auto counter = std::make_shared<MemoryCounter>();
  ProgramDescription description;
  description.arena_bytes = 128;
  description.buffers = {buffer(BufferKind::state, {2, 3}), buffer(BufferKind::view, {6}),
                         buffer(BufferKind::temporary, {6}, 0), buffer(BufferKind::view, {3, 2}),
                         buffer(BufferKind::fetch, {3, 2})};
  description.buffers[1].of = 0;
  description.buffers[3].of = 2;
  description.instructions = {{"add", {1, 1}, {2}, {}, -1}, {"relu", {3}, {4}, {}, -1}};
  Program program(description, kernels(), counter);
  for (int i = 0; i < 6; ++i) {
    reinterpret_cast<float*>(program.writable(0))[i] = static_cast<float>(i);
  }
  program.reserve(1);
  EXPECT_EQ(program.run(1, {}, -1).steps, 1);
  float fetched[6];
  program.store_fetch(0, reinterpret_cast<std::byte*>(fetched), 1);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(fetched[i], 2.0f * static_cast<float>(i));
}

}  // namespace
}  // namespace stridenet::test
