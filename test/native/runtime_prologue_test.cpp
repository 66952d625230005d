#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "runtime/program.h"
#include "runtime_fixture.h"

namespace stridenet::test {
namespace {

/// y = relu(feed + (constant + state)), the sum of constant and state by a prologue. Buffers: 0
/// feed, 1 constant, 2 state, 3 kept, 4 temporary, 5 fetch.
ProgramDescription with_prologue() {
  ProgramDescription description;
  description.arena_bytes = 64;
  description.prologue = 1;
  description.buffers = {buffer(BufferKind::feed, {3}),         buffer(BufferKind::constant, {3}),
                         buffer(BufferKind::state, {3}),        buffer(BufferKind::kept, {3}),
                         buffer(BufferKind::temporary, {3}, 0), buffer(BufferKind::fetch, {3})};
  description.instructions = {
      {"add", {1, 2}, {3}, {}, -1}, {"add", {0, 3}, {4}, {}, -1}, {"relu", {4}, {5}, {}, -1}};
  return description;
}

TEST(RuntimePrologue, RefusesWrongOnes) {
  using D = ProgramDescription;
  const Changes changes = {
      {"negative", [](D& d) { d.prologue = -1; }},
      {"more than there are", [](D& d) { d.prologue = 4; }},
      {"a step that writes what is kept", [](D& d) { d.prologue = 0; }},
      {"a feed in it", [](D& d) { d.prologue = 2; }},
      {"a fetch in it", [](D& d) { d.instructions[0].outputs[0] = 5; }},
      {"a state written in it", [](D& d) { d.instructions[0].outputs[0] = 2; }},
      {"a state that a step writes",
       [](D& d) { d.instructions.push_back({"relu", {0}, {2}, {}, -1}); }},
      {"kept but not written", [](D& d) { d.instructions[0].outputs[0] = 4; }},
      {"a temporary that must outlast it",
       [](D& d) {
         d.instructions[0].outputs[0] = 4;
         d.instructions[1].inputs[1] = 4;
       }},
      {"a batched operand",
       [](D& d) {
         d.batch = 3;
         for (std::size_t id = 1; id < 4; ++id) d.buffers[id].tensor.batched = true;
       }},
  };
  expect_refused(with_prologue(), changes);
}

TEST(RuntimePrologue, RunsAgainAfterAWrite) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(with_prologue(), kernels(), counter);
  const auto run = [&] {
    const float feed[] = {1, 2, 3, 4, 5, 6};
    program.reserve(2);
    program.load_feed(0, reinterpret_cast<const std::byte*>(feed), 2);
    EXPECT_EQ(program.run(2, {}, -1).steps, 2);
    std::vector<float> fetch(6);
    program.store_fetch(0, reinterpret_cast<std::byte*>(fetch.data()), 2);
    return fetch;
  };
  EXPECT_EQ(run(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  std::fill_n(reinterpret_cast<float*>(program.writable(2)), 3, 10.0f);
  EXPECT_EQ(run(), (std::vector<float>{11, 12, 13, 14, 15, 16}));
  EXPECT_EQ(run(), (std::vector<float>{11, 12, 13, 14, 15, 16}));
  std::fill_n(reinterpret_cast<float*>(program.writable(1)), 3, -10.0f);
  EXPECT_EQ(run(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(RuntimePrologue, RunsAgainWhenItWasStopped) {
  auto counter = std::make_shared<MemoryCounter>();
  Program program(with_prologue(), kernels(), counter);
  const float feed[] = {1, 2, 3};
  program.reserve(1);
  program.load_feed(0, reinterpret_cast<const std::byte*>(feed), 1);
  program.stop(Program::Stop::instruction);
  EXPECT_EQ(program.run(1, {}, -1).steps, 0);
  std::fill_n(reinterpret_cast<float*>(program.writable(1)), 3, 1.0f);
  program.reserve(1);
  EXPECT_EQ(program.run(1, {}, -1).steps, 1);
  float fetch[3] = {};
  program.store_fetch(0, reinterpret_cast<std::byte*>(fetch), 1);
  EXPECT_EQ(fetch[2], 4);
}

}  // namespace
}  // namespace stridenet::test
