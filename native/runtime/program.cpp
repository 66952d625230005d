#include "runtime/program.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "core/denormals.h"
#include "core/error.h"
#include "core/thread_pool.h"

namespace stridenet {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool is_stacked(BufferKind kind) { return kind == BufferKind::feed || kind == BufferKind::fetch; }

bool is_persistent(BufferKind kind) {
  return kind == BufferKind::state || kind == BufferKind::constant || kind == BufferKind::kept;
}

}  // namespace

Program::Program(ProgramDescription description, const KernelTable& table,
                 std::shared_ptr<MemoryCounter> counter)
    : description_(std::move(description)), counter_(std::move(counter)) {
  std::vector<std::unique_ptr<Instruction>> instructions = validate(description_, table);
  allocate();
  bind(std::move(instructions));
  ++counter_->programs;
}

Program::~Program() { --counter_->programs; }

void Program::allocate() {
  const std::size_t count = description_.buffers.size();
  memory_.resize(count);
  stride_.assign(count, 0);
  offset_.assign(count, 0);
  std::int64_t total = description_.arena_bytes;
  std::int64_t persistent_bytes = 0;
  for (std::size_t id = 0; id < count; ++id) {
    const BufferDescription& buffer = description_.buffers[id];
    const std::int64_t bytes = aligned(static_cast<std::int64_t>(buffer.tensor.bytes()));
    if (buffer.kind == BufferKind::feed) feeds_.push_back(id);
    if (buffer.kind == BufferKind::fetch) fetches_.push_back(id);
    if (is_stacked(buffer.kind)) stride_[id] = bytes;
    // At most 2^20 buffers of at most 2^53 bytes each: stop adding before it could wrap.
    const bool owns = buffer.kind != BufferKind::temporary && buffer.kind != BufferKind::view;
    if (owns && total <= kMaxBytes) total += bytes;
    if (is_persistent(buffer.kind) && persistent_bytes <= kMaxBytes) {
      offset_[id] = persistent_bytes;
      persistent_bytes += bytes;
    }
  }
  check_memory(total, *counter_);
  arena_ = CountedMemory(static_cast<std::size_t>(description_.arena_bytes), counter_);
  persistent_ = CountedMemory(static_cast<std::size_t>(persistent_bytes), counter_);
  persistent_.clear();
}

TensorView Program::view_of(std::int64_t id) const {
  TensorView view;
  if (id == -1) return view;
  const auto index = static_cast<std::size_t>(id);
  const BufferDescription& buffer = description_.buffers[index];
  view.dtype = buffer.tensor.dtype;
  const std::size_t root = description_.root(index);
  const BufferDescription& memory = description_.buffers[root];
  view.rank = static_cast<int>(buffer.tensor.shape.size());
  std::copy(buffer.tensor.shape.begin(), buffer.tensor.shape.end(), view.shape);
  // Stacked ones get their memory step by step.
  if (memory.kind == BufferKind::temporary) {
    view.data = arena_.data() + memory.offset;
  } else if (!is_stacked(memory.kind)) {
    view.data = persistent_.data() + offset_[root];
  }
  return view;
}

void Program::bind(std::vector<std::unique_ptr<Instruction>> instructions) {
  const auto bind_operands = [this](const std::vector<std::int64_t>& ids,
                                    std::vector<TensorView>& views) {
    // Patches point into `views`, which keep their place from here on.
    views.resize(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      views[i] = view_of(ids[i]);
      if (ids[i] == -1) continue;
      const auto id = static_cast<std::size_t>(ids[i]);
      const bool batched = description_.buffers[id].tensor.batched;
      const std::size_t root = description_.root(id);
      const bool stacked = is_stacked(description_.buffers[root].kind);
      if (batched || stacked) patches_.push_back({&views[i], root, batched, stacked});
    }
  };
  bound_.resize(instructions.size());
  if (description_.profile) seconds_.assign(instructions.size(), 0);
  for (std::size_t index = 0; index < instructions.size(); ++index) {
    const InstructionDescription& description = description_.instructions[index];
    Bound& bound = bound_[index];
    bound.instruction = std::move(instructions[index]);
    if (bound.instruction->scratch_bytes() > 0) {
      bound.scratch = arena_.data() + description.scratch;
    }
    bind_operands(description.inputs, bound.inputs);
    bind_operands(description.outputs, bound.outputs);
  }
  read_by_prologue_.assign(description_.buffers.size(), false);
  for (std::size_t i = 0; i < static_cast<std::size_t>(description_.prologue); ++i) {
    for (const std::int64_t id : description_.instructions[i].inputs) {
      if (id != -1) read_by_prologue_[description_.root(static_cast<std::size_t>(id))] = true;
    }
  }
}

std::int64_t Program::bytes() const {
  auto total = static_cast<std::int64_t>(arena_.bytes() + persistent_.bytes());
  for (const CountedMemory& memory : memory_) total += static_cast<std::int64_t>(memory.bytes());
  return total;
}

void Program::reserve(std::int64_t steps) {
  stop_.store(static_cast<int>(Stop::none), std::memory_order_relaxed);
  if (steps <= reserved_) return;
  std::int64_t total = 0;
  for (std::size_t id = 0; id < stride_.size(); ++id) {
    if (stride_[id] == 0) continue;
    if (steps > (kMaxBytes - total) / stride_[id]) {
      throw Error("ERR_MEMORY",
                  "the feeds and fetches of " + std::to_string(steps) + " steps pass 2^53 bytes");
    }
    total += steps * stride_[id];
  }
  check_memory(std::max<std::int64_t>(0, total - stack_bytes()), *counter_);
  // Until all are there, none counts as reserved: an allocation may fail on the way.
  free_stacks();
  for (std::size_t id = 0; id < stride_.size(); ++id) {
    if (!is_stacked(description_.buffers[id].kind)) continue;
    memory_[id] = CountedMemory(static_cast<std::size_t>(steps * stride_[id]), counter_);
  }
  reserved_ = steps;
}

std::int64_t Program::stack_bytes() const noexcept {
  std::size_t total = 0;
  for (const std::size_t id : feeds_) total += memory_[id].bytes();
  for (const std::size_t id : fetches_) total += memory_[id].bytes();
  return static_cast<std::int64_t>(total);
}

void Program::free_stacks() noexcept {
  reserved_ = 0;
  for (const std::size_t id : feeds_) memory_[id] = CountedMemory();
  for (const std::size_t id : fetches_) memory_[id] = CountedMemory();
}

void Program::release_large_stacks() noexcept {
  if (reserved_ > 1 && stack_bytes() > kKeptStackBytes) free_stacks();
}

void Program::load_feed(std::size_t feed, const std::byte* stacked, std::int64_t steps) {
  const std::size_t id = feeds_[feed];
  const std::size_t slice = description_.buffers[id].tensor.bytes();
  if (slice == 0 || steps == 0) return;
  if (static_cast<std::int64_t>(slice) == stride_[id]) {
    std::memcpy(memory_[id].data(), stacked, slice * static_cast<std::size_t>(steps));
    return;
  }
  for (std::int64_t step = 0; step < steps; ++step) {
    std::memcpy(memory_[id].data() + step * stride_[id],
                stacked + step * static_cast<std::int64_t>(slice), slice);
  }
}

void Program::store_fetch(std::size_t fetch, std::byte* stacked, std::int64_t steps) const {
  const std::size_t id = fetches_[fetch];
  const TensorSpec& tensor = description_.buffers[id].tensor;
  const std::size_t slice = tensor.bytes();
  if (slice == 0) return;
  for (std::int64_t step = 0; step < steps; ++step) {
    std::size_t written = slice;
    if (tensor.batched && !batches_.empty()) {
      const std::size_t row = slice / static_cast<std::size_t>(tensor.shape[0]);
      written = row * static_cast<std::size_t>(batches_[static_cast<std::size_t>(step)]);
    }
    std::byte* into = stacked + step * static_cast<std::int64_t>(slice);
    std::memcpy(into, memory_[id].data() + step * stride_[id], written);
    std::memset(into + written, 0, slice - written);
  }
}

void Program::stop(Stop at) noexcept {
  int seen = stop_.load();
  while (seen < static_cast<int>(at) && !stop_.compare_exchange_weak(seen, static_cast<int>(at))) {
  }
}

bool Program::step(std::int64_t index, std::int64_t batch) {
  for (const Patch& patch : patches_) {
    if (patch.batched) patch.view->shape[0] = batch;
    if (patch.stacked) {
      patch.view->data = memory_[patch.buffer].data() + index * stride_[patch.buffer];
    }
  }
  return run_instructions(static_cast<std::size_t>(description_.prologue), bound_.size());
}

bool Program::prologue() {
  if (!prologue_done_) {
    prologue_done_ = run_instructions(0, static_cast<std::size_t>(description_.prologue));
  }
  return prologue_done_;
}

bool Program::run_instructions(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (stopped(Stop::instruction)) return false;
    if (description_.profile) {
      run_measured(i);
    } else {
      const Bound& bound = bound_[i];
      bound.instruction->run({bound.inputs, bound.outputs, bound.scratch, threads_});
    }
  }
  return true;
}

void Program::run_measured(std::size_t index) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const Bound& bound = bound_[index];
  bound.instruction->run({bound.inputs, bound.outputs, bound.scratch, threads_});
  seconds_[index] += std::chrono::duration<double>(Clock::now() - start).count();
}

Outcome Program::run(std::int64_t steps, std::span<const std::int32_t> batch,
                     double budget) noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const FlushDenormals flush;
  const ThreadPool::Running running;
  Outcome outcome;
  const auto fail = [&outcome](const char* code, const char* message) {
    outcome.code = code;
    outcome.step = outcome.steps;
    // Without memory for the message the code must do.
    try {
      outcome.message = message;
    } catch (...) {
    }
  };
  try {
    batches_.assign(batch.begin(), batch.end());
    threads_ = ThreadPool::instance().threads();
    if (description_.threads > 0) threads_ = std::min(threads_, description_.threads);
    while (outcome.steps < steps && !stopped(Stop::step)) {
      const std::int64_t bound = description_.batch;
      const std::int64_t now =
          batches_.empty() ? bound : batches_[static_cast<std::size_t>(outcome.steps)];
      if (!prologue() || !step(outcome.steps, now)) break;
      ++outcome.steps;
      if (budget >= 0 &&
          std::chrono::duration<double, std::milli>(Clock::now() - start).count() >= budget) {
        break;
      }
    }
  } catch (const Error& error) {
    fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    fail("ERR_MEMORY", "out of memory");
  } catch (const std::exception& error) {
    fail("ERR_PROGRAM", error.what());
  } catch (...) {
    fail("ERR_PROGRAM", "an instruction failed");
  }
  return outcome;
}

}  // namespace stridenet
