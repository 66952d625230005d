#include "runtime/memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include "core/error.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <unistd.h>
#endif

namespace stridenet {
namespace {

std::int64_t machine_memory() {
#if defined(_WIN32)
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  if (GlobalMemoryStatusEx(&status)) return static_cast<std::int64_t>(status.ullTotalPhys);
#else
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page > 0) return static_cast<std::int64_t>(pages) * page;
#endif
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace

std::int64_t memory_limit() {
  std::int64_t limit = machine_memory();
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::int64_t group = 0;
    // "max" does not parse as a number, which leaves the machine's figure.
    if (file >> group && group > 0 && group < limit) limit = group;
  }
  return limit;
}

void check_memory(std::int64_t bytes, const MemoryCounter& counter) {
  // Asking the system takes longer than making a small Program.
  static std::atomic<std::int64_t> known{memory_limit()};
  const std::int64_t held = counter.bytes.load();
  const auto fits = [&](std::int64_t limit) { return bytes <= limit && held <= limit - bytes; };
  if (fits(known.load(std::memory_order_relaxed))) return;
  const std::int64_t limit = memory_limit();
  known.store(limit, std::memory_order_relaxed);
  if (!fits(limit)) {
    throw Error("ERR_MEMORY", "expected at most " + std::to_string(limit) +
                                  " bytes of memory but " + std::to_string(bytes) +
                                  " more are needed besides " + std::to_string(held));
  }
}

CountedMemory::CountedMemory(std::size_t bytes, std::shared_ptr<MemoryCounter> counter)
    : arena_(std::max<std::size_t>(bytes, 1)), counter_(std::move(counter)) {
  counter_->bytes += static_cast<std::int64_t>(arena_.bytes());
}

void CountedMemory::clear() noexcept {
  // Pages that hold zeros anyway are not touched before they are used.
  if (bytes() > 0 && !arena_.zeroed()) std::memset(data(), 0, bytes());
}

CountedMemory::~CountedMemory() {
  if (counter_ != nullptr) counter_->bytes -= static_cast<std::int64_t>(arena_.bytes());
}

CountedMemory& CountedMemory::operator=(CountedMemory&& other) noexcept {
  // The temporary takes what this held, and gives it back.
  CountedMemory taken(std::move(other));
  std::swap(arena_, taken.arena_);
  std::swap(counter_, taken.counter_);
  return *this;
}

}  // namespace stridenet
