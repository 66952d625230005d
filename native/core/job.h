#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

#include "core/current_cpu.h"
#include "core/function_ref.h"
#include "core/spin.h"

namespace stridenet {

/// One parallel_for under way: its tasks, and the threads that are in it. Its owner opens and
/// closes it; workers join only through the open gate, so the owner never waits for one that is
/// late.
class alignas(64) Job {
 public:
  /// By the owner, while closed. `body` must live until close() returns.
  void open(std::int64_t tasks, int helpers,
            const function_ref<void(std::int64_t)>& body) noexcept {
    body_ = &body;
    cpu_.store(current_cpu(), std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    tasks_.store(tasks, std::memory_order_relaxed);
    const std::uint64_t number = (gate_.load(std::memory_order_relaxed) >> kNumberShift) + 1;
    gate_.store((number << kNumberShift) | kOpen |
                (static_cast<std::uint64_t>(helpers) << kWantedShift));
  }

  /// By the owner, when no task is left to claim: waits for the workers that are in the job, then
  /// rethrows the exception of the lowest task that threw.
  void close(std::chrono::microseconds spin) {
    const auto empty = [this] { return (gate_.load() & kCount) == 0; };
    gate_.fetch_and(~kOpen);
    if (!spin_until(spin, empty, [] { return true; })) {
      std::unique_lock<std::mutex> lock(mutex_);
      // In one word with the count: who leaves last sees that the owner waits, or has left before.
      if ((gate_.fetch_or(kWaiting) & kCount) != 0) done_.wait(lock, empty);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

  /// How many workers are in it, when it is open, has tasks to claim and wants more; else −1.
  int helpers_if_wanted() const noexcept {
    const std::uint64_t seen = gate_.load();
    if ((seen & kOpen) == 0 || (seen & kCount) >= wanted(seen)) return -1;
    if (next_.load(std::memory_order_relaxed) >= tasks_.load(std::memory_order_relaxed)) return -1;
    return static_cast<int>(seen & kCount);
  }

  /// The CPU that the owner was on when it opened the job; −1: unknown.
  int cpu() const noexcept { return cpu_.load(std::memory_order_relaxed); }

  /// By a worker; whether it is in now, and has to leave().
  bool join() noexcept {
    std::uint64_t seen = gate_.load(std::memory_order_acquire);
    while ((seen & kOpen) != 0 && (seen & kCount) < wanted(seen)) {
      if (gate_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }

  void leave() noexcept {
    const std::uint64_t before = gate_.fetch_sub(1);
    if ((before & (kWaiting | kCount)) == (kWaiting | 1)) {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_.notify_all();
    }
  }

  /// Claims a task and does it; false when none is left. By the owner, and workers that joined.
  bool do_task() noexcept {
    const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks_.load(std::memory_order_relaxed)) return false;
    try {
      (*body_)(task);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!error_ || task < failed_task_) {
        error_ = std::current_exception();
        failed_task_ = task;
      }
      next_.store(tasks_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    return true;
  }

 private:
  // The gate packs the number of the job, whether workers may join, whether the owner waits for
  // their end, how many it wants, and how many are in it.
  static constexpr int kNumberShift = 32;
  static constexpr int kWantedShift = 15;
  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kWaiting = std::uint64_t{1} << 30;
  static constexpr std::uint64_t kCount = (std::uint64_t{1} << kWantedShift) - 1;
  static constexpr std::uint64_t wanted(std::uint64_t gate) {
    return (gate & (kWaiting - 1)) >> kWantedShift;
  }

  std::atomic<std::uint64_t> gate_{0};
  std::atomic<std::int64_t> tasks_{0};
  std::atomic<int> cpu_{-1};
  const function_ref<void(std::int64_t)>* body_ = nullptr;
  std::exception_ptr error_;      // guarded by mutex_ while bodies run
  std::int64_t failed_task_ = 0;  // likewise
  std::mutex mutex_;
  std::condition_variable done_;
  alignas(64) std::atomic<std::int64_t> next_{0};
};

}  // namespace stridenet
