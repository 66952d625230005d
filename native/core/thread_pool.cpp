#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

#include "core/available_cpus.h"
#include "core/background.h"
#include "core/block_signals.h"
#include "core/denormals.h"
#include "core/error.h"
#include "core/job.h"
#include "core/spin.h"

namespace stridenet {

namespace {

constexpr int kMaxThreads = 1024;
constexpr int kSlots = 64;

// To wake a parked thread takes some 20 µs, and its waker about half of that.
constexpr std::chrono::microseconds kSpinForJobs{100};
constexpr std::chrono::microseconds kSpinForHelpers{50};

/// What the pool knows of a thread that calls it.
struct Caller {
  bool inside_body = false;
  int running = 0;  // Running objects that live
  int slot = -1;    // the job that it may open, while any does
};
thread_local Caller caller;

/// Marks this thread as running bodies, so that a nested parallel_for stays on it.
class InsideBody {
 public:
  InsideBody() noexcept : before_(caller.inside_body) { caller.inside_body = true; }
  ~InsideBody() { caller.inside_body = before_; }
  InsideBody(const InsideBody&) = delete;
  InsideBody& operator=(const InsideBody&) = delete;

 private:
  bool before_;
  FlushDenormals flush_;
};

}  // namespace

struct ThreadPool::State {
  const int cpus = available_cpus();
  std::atomic<int> threads{cpus};

  std::mutex starting;
  std::atomic<int> workers{0};  // written under `starting`

  alignas(64) Job jobs[kSlots];
  std::atomic<std::uint64_t> free_slots{~std::uint64_t{0}};

  // Polled by idle workers.
  alignas(64) std::atomic<std::uint64_t> open_jobs{0};  // bit by slot: there are tasks to claim
  // Threads that compute: Running ones, and workers in a job.
  alignas(64) std::atomic<int> active{0};
  std::atomic<int> running{0};

  std::mutex park;
  std::condition_variable wake;
  std::atomic<int> parked{0};

  int take_slot() noexcept {
    std::uint64_t free = free_slots.load();
    while (free != 0) {
      const int slot = std::countr_zero(free);
      if (free_slots.compare_exchange_weak(free, free & (free - 1))) return slot;
    }
    return -1;
  }

  void give_slot(int slot) noexcept {
    if (slot >= 0) free_slots.fetch_or(std::uint64_t{1} << slot);
  }

  bool crowded() const noexcept { return active.load() >= threads.load(); }

  /// Whether a worker that finds nothing to do may burn its CPU: not when another thread needs it.
  bool may_spin() const noexcept { return threads.load() <= cpus && !crowded(); }

  /// Counts a worker as computing when there is room for it.
  bool enter() noexcept {
    int seen = active.load();
    while (seen < threads.load()) {
      if (active.compare_exchange_weak(seen, seen + 1)) return true;
    }
    return false;
  }

  /// Takes a worker out when there are too many; whether it did.
  bool make_room() noexcept {
    int seen = active.load(std::memory_order_relaxed);
    while (seen > threads.load(std::memory_order_relaxed)) {
      if (active.compare_exchange_weak(seen, seen - 1)) return true;
    }
    return false;
  }

  /// The open job with the fewest helpers of those that want more, from slot `first` on; −1: none.
  int find_job(int first) const noexcept {
    int found = -1;
    int fewest = kMaxThreads;
    const std::uint64_t rotated = std::rotr(open_jobs.load(), first);
    for (std::uint64_t left = rotated; left != 0; left &= left - 1) {
      const int slot = (std::countr_zero(left) + first) % kSlots;
      const int helpers = jobs[slot].helpers_if_wanted();
      if (helpers < 0 || helpers >= fewest) continue;
      found = slot;
      fewest = helpers;
    }
    return found;
  }

  /// Helps in the job of `slot`; whether it could join.
  bool help(int slot) noexcept {
    if (!enter()) return false;
    Job& job = jobs[slot];
    // On the owner's CPU it could only take time from it.
    const int cpu = current_cpu();
    if (cpu >= 0 && cpu == job.cpu()) leave_cpu();
    if (!job.join()) {
      active.fetch_sub(1);
      return false;
    }
    bool left = false;
    {
      const InsideBody inside;
      while (job.do_task()) {
        left = make_room();
        if (left) break;
      }
    }
    // While this thread is in the job, the slot is not used again.
    if (!left) open_jobs.fetch_and(~(std::uint64_t{1} << slot));
    job.leave();
    if (!left) active.fetch_sub(1);
    return true;
  }

  [[noreturn]] void work() {
    int slot = 0;
    const auto wanted = [&] { return !crowded() && find_job(slot) >= 0; };
    for (;;) {
      const auto ready = [&] { return open_jobs.load() != 0 && wanted(); };
      if (!spin_until(kSpinForJobs, ready, [this] { return may_spin(); })) {
        std::unique_lock<std::mutex> lock(park);
        parked.fetch_add(1);
        wake.wait(lock, wanted);
        parked.fetch_sub(1);
      }
      const int found = find_job(slot);
      if (found >= 0 && help(found)) slot = (found + 1) % kSlots;
    }
  }

  void start_workers(int wanted) {
    if (workers.load() >= wanted) return;
    const std::lock_guard<std::mutex> lock(starting);
    const BlockSignals block;
    try {
      while (workers.load() < wanted) {
        std::thread([this] {
          enter_background("stridenet pool");
          work();
        }).detach();
        workers.fetch_add(1);
      }
    } catch (const std::system_error&) {
      // The system gives no more threads: those that run, and the caller, do the work.
    }
  }

  void wake_workers(int helpers) noexcept {
    if (parked.load() == 0 || crowded()) return;
    // A worker about to wait has seen the job, or holds the lock until it does.
    int sleeping = 0;
    {
      const std::lock_guard<std::mutex> lock(park);
      sleeping = parked.load();
    }
    if (sleeping <= helpers) {
      wake.notify_all();
    } else {
      for (int i = 0; i < helpers; ++i) wake.notify_one();
    }
  }

  void share(int slot, std::int64_t tasks, int helpers, function_ref<void(std::int64_t)> body) {
    const int callers = running.load();
    start_workers(std::min(helpers * callers, threads.load() - callers));
    Job& job = jobs[slot];
    const std::uint64_t bit = std::uint64_t{1} << slot;
    job.open(tasks, helpers, body);
    open_jobs.fetch_or(bit);
    wake_workers(helpers);
    {
      const InsideBody inside;
      while (job.do_task()) {
      }
    }
    open_jobs.fetch_and(~bit);
    job.close(threads.load() <= cpus ? kSpinForHelpers : std::chrono::microseconds{0});
  }
};

ThreadPool::ThreadPool() : state_(new State) {}

ThreadPool& ThreadPool::instance() {
  static ThreadPool* pool = new ThreadPool;
  return *pool;
}

int ThreadPool::threads() const noexcept { return state_->threads.load(); }

void ThreadPool::set_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw Error("ERR_ARGUMENT",
                "expected 1 to 1024 threads but received " + std::to_string(threads));
  }
  state_->threads.store(threads);
}

ThreadPool::Running::Running() noexcept {
  State& state = *instance().state_;
  // A body that runs Programs is computing already.
  if (caller.running++ > 0 || caller.inside_body) return;
  state.active.fetch_add(1);
  state.running.fetch_add(1);
}

ThreadPool::Running::~Running() {
  if (--caller.running > 0 || caller.inside_body) return;
  State& state = *instance().state_;
  state.give_slot(caller.slot);
  caller.slot = -1;
  state.running.fetch_sub(1);
  state.active.fetch_sub(1);
  if (state.open_jobs.load() != 0) state.wake_workers(1);
}

void ThreadPool::parallel_for(std::int64_t tasks, int limit,
                              function_ref<void(std::int64_t)> body) {
  if (tasks <= 0) return;
  const int allowed = limit > 0 ? std::min(limit, threads()) : threads();
  const int helpers = static_cast<int>(std::min<std::int64_t>(allowed, tasks)) - 1;
  if (helpers >= 1 && !caller.inside_body) {
    const Running running;
    if (caller.slot < 0) caller.slot = state_->take_slot();
    if (caller.slot >= 0) return state_->share(caller.slot, tasks, helpers, body);
  }
  const InsideBody inside;
  for (std::int64_t task = 0; task < tasks; ++task) body(task);
}

}  // namespace stridenet
