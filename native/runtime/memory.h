#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/arena.h"

namespace stridenet {

/// What an environment holds in native memory. Counted exactly: after the last Program has gone,
/// both are 0.
struct MemoryCounter {
  std::atomic<std::int64_t> bytes{0};
  std::atomic<std::int64_t> programs{0};
};

/// Bytes that this process may use: the machine's memory, or its cgroup's limit when that is less.
std::int64_t memory_limit();

/// Throws Error("ERR_MEMORY") when `bytes` more than what `counter` holds pass memory_limit(),
/// which is asked for once, and again before anything is refused.
void check_memory(std::int64_t bytes, const MemoryCounter& counter);

/// An Arena whose bytes a MemoryCounter counts while it lives.
class CountedMemory {
 public:
  CountedMemory() = default;
  /// At least one byte, so that data() is never null. Throws Error("ERR_MEMORY") when the system
  /// refuses.
  CountedMemory(std::size_t bytes, std::shared_ptr<MemoryCounter> counter);
  ~CountedMemory();
  CountedMemory(CountedMemory&& other) noexcept = default;
  CountedMemory& operator=(CountedMemory&& other) noexcept;

  std::byte* data() const noexcept { return arena_.data(); }
  std::size_t bytes() const noexcept { return arena_.bytes(); }

  /// Makes it zeros.
  void clear() noexcept;

 private:
  Arena arena_;
  std::shared_ptr<MemoryCounter> counter_;
};

}  // namespace stridenet
