#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "runtime/description.h"
#include "runtime/memory.h"

namespace stridenet {

/// How a run ended. `code` is null when it did not fail; else it is the Error's, `message` says
/// what failed, and `step` in which step.
struct Outcome {
  std::int64_t steps = 0;  // completed
  const char* code = nullptr;
  std::string message;
  std::int64_t step = 0;
};

/// A validated description and its memory: the pure step function that a run scans over steps.
///
/// States, constants and kept buffers share one block of memory, the stacks of feeds and fetches
/// have their own; the arena holds the temporaries and scratch. All operands are aligned to 64
/// bytes. Not for concurrent use: the owner sees to it that nothing but stop() is called while
/// run() is under way.
class Program {
 public:
  /// Validates, then allocates. Throws what validate() throws, and Error("ERR_MEMORY") before
  /// allocating when the whole cannot fit.
  Program(ProgramDescription description, const KernelTable& table,
          std::shared_ptr<MemoryCounter> counter);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  const std::vector<BufferDescription>& buffers() const { return description_.buffers; }
  std::int64_t batch() const { return description_.batch; }

  /// Buffer ids of the feeds and fetches, rising.
  const std::vector<std::size_t>& feeds() const { return feeds_; }
  const std::vector<std::size_t>& fetches() const { return fetches_; }

  /// The memory of a state or constant: buffers()[id].tensor.bytes() of it.
  const std::byte* persistent(std::size_t id) const { return persistent_.data() + offset_[id]; }

  /// The same to write to, before the next run: the prologue runs again when it reads it.
  std::byte* writable(std::size_t id) {
    if (read_by_prologue_[id]) prologue_done_ = false;
    return persistent_.data() + offset_[id];
  }

  /// Bytes that it holds now.
  std::int64_t bytes() const;

  /// Seconds that each instruction has taken in all runs so far, when the description asks for it;
  /// else empty.
  const std::vector<double>& seconds() const { return seconds_; }

  /// Makes the stacks of feeds and fetches large enough for a run of `steps` steps.
  /// Throws Error("ERR_MEMORY").
  void reserve(std::int64_t steps);

  /// Frees the stacks of a run of several steps when they pass kKeptStackBytes. Smaller ones, and
  /// those of one step, which are of the order of the arena, are kept for the next run.
  void release_large_stacks() noexcept;

  static constexpr std::int64_t kKeptStackBytes = std::int64_t{16} << 20;

  /// Copies feed number `feed` in: `steps` slices without gaps. After reserve().
  void load_feed(std::size_t feed, const std::byte* stacked, std::int64_t steps);

  /// Copies fetch number `fetch` of the first `steps` steps out, slices without gaps. What a batch
  /// below the bound left unwritten is zeros.
  void store_fetch(std::size_t fetch, std::byte* stacked, std::int64_t steps) const;

  /// Runs up to `steps` steps. `batch` holds each step's batch, or is empty for the bound. With
  /// `budget` ≥ 0 it ends at the first step boundary after that many milliseconds, but does at
  /// least one step.
  Outcome run(std::int64_t steps, std::span<const std::int32_t> batch, double budget) noexcept;

  enum class Stop : int { none, step, instruction };
  /// Ends the run under way at the next boundary of that kind; any thread may ask. reserve()
  /// forgets earlier requests.
  void stop(Stop at) noexcept;

 private:
  /// One instruction with its operands bound to this Program's memory.
  struct Bound {
    std::unique_ptr<Instruction> instruction;
    std::vector<TensorView> inputs;
    std::vector<TensorView> outputs;
    std::byte* scratch = nullptr;
  };
  /// An operand that changes from step to step.
  struct Patch {
    TensorView* view;
    std::size_t buffer;
    bool batched;
    bool stacked;  // a feed or fetch: its memory moves on by stride_[buffer] each step
  };

  void allocate();
  std::int64_t stack_bytes() const noexcept;
  void free_stacks() noexcept;
  void bind(std::vector<std::unique_ptr<Instruction>> instructions);
  TensorView view_of(std::int64_t id) const;
  /// Both return false when stop() ended them.
  bool prologue();
  bool step(std::int64_t index, std::int64_t batch);
  bool run_instructions(std::size_t begin, std::size_t end);
  void run_measured(std::size_t index);
  bool stopped(Stop at) const noexcept {
    return stop_.load(std::memory_order_relaxed) >= static_cast<int>(at);
  }

  ProgramDescription description_;
  std::shared_ptr<MemoryCounter> counter_;
  std::vector<std::size_t> feeds_;
  std::vector<std::size_t> fetches_;
  std::vector<CountedMemory> memory_;  // by buffer, of stacked ones
  std::vector<std::int64_t> stride_;   // by buffer: bytes from slice to slice, of stacked ones
  std::vector<std::int64_t>
      offset_;  // by buffer: bytes into persistent_, of states, constants and kept ones
  CountedMemory persistent_;
  CountedMemory arena_;
  std::vector<Bound> bound_;
  std::vector<Patch> patches_;
  std::vector<double> seconds_;
  std::vector<bool> read_by_prologue_;  // by buffer
  bool prologue_done_ = false;
  std::int64_t reserved_ = 0;
  std::vector<std::int32_t> batches_;  // of the last run; empty: the bound
  int threads_ = 1;
  std::atomic<int> stop_{0};
};

}  // namespace stridenet
