#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

#include "core/available_cpus.h"
#include "core/background.h"
#include "core/block_signals.h"
#include "core/denormals.h"
#include "core/error.h"

namespace stridenet {

namespace {

constexpr int kMaxThreads = 1024;
constexpr std::chrono::microseconds kSpin{30};

thread_local bool inside_body = false;

void pause_cpu() noexcept {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Polls `ready` for `duration`; whether it became true.
template <class Ready>
bool spin_until(std::chrono::microseconds duration, Ready ready) noexcept {
  if (ready()) return true;
  if (duration.count() == 0) return false;
  const auto end = std::chrono::steady_clock::now() + duration;
  do {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return ready();
}

// The gate packs the number of the job, whether workers may still join it, how many may, and how
// many are in it. A worker joins only through an open gate, so the caller never waits for one
// that is late.
constexpr int kHelpersShift = 15;
constexpr std::uint64_t kOpen = std::uint64_t{1} << 31;
constexpr std::uint64_t kCount = (std::uint64_t{1} << kHelpersShift) - 1;
constexpr std::uint64_t job_of(std::uint64_t gate) { return gate >> 32; }
constexpr std::uint64_t helpers_of(std::uint64_t gate) {
  return (gate & (kOpen - 1)) >> kHelpersShift;
}

/// Marks this thread as running bodies, so that a nested parallel_for stays on it.
class InsideBody {
 public:
  InsideBody() noexcept : before_(inside_body) { inside_body = true; }
  ~InsideBody() { inside_body = before_; }
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

  std::mutex busy;  // held by the caller whose job the workers have
  int workers = 0;  // guarded by busy

  // The job; written by the holder of `busy` while the gate is closed and empty.
  std::int64_t tasks = 0;
  const function_ref<void(std::int64_t)>* body = nullptr;
  std::mutex failing;  // guards the next two while bodies run
  std::exception_ptr error;
  std::int64_t failed_task = 0;
  alignas(64) std::atomic<std::int64_t> next{0};
  alignas(64) std::atomic<std::uint64_t> gate{0};

  std::mutex park;
  std::condition_variable wake;
  std::condition_variable done;
  std::atomic<int> parked{0};
  std::atomic<bool> caller_parked{false};

  std::chrono::microseconds spin() const noexcept {
    return threads.load(std::memory_order_relaxed) <= cpus ? kSpin : std::chrono::microseconds{0};
  }

  void claim_tasks() noexcept {
    const InsideBody inside;
    for (;;) {
      const std::int64_t task = next.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) break;
      try {
        (*body)(task);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(failing);
        if (!error || task < failed_task) {
          error = std::current_exception();
          failed_task = task;
        }
        next.store(tasks, std::memory_order_relaxed);
      }
    }
  }

  bool join(std::uint64_t job) noexcept {
    std::uint64_t seen = gate.load(std::memory_order_acquire);
    while (job_of(seen) == job && (seen & kOpen) != 0 && (seen & kCount) < helpers_of(seen)) {
      if (gate.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }

  void leave() noexcept {
    const std::uint64_t before = gate.fetch_sub(1);
    if ((before & (kOpen | kCount)) == 1 && caller_parked.load()) {
      const std::lock_guard<std::mutex> lock(park);
      done.notify_all();
    }
  }

  [[noreturn]] void work() {
    std::uint64_t job = 0;
    const auto changed = [&] { return job_of(gate.load()) != job; };
    for (;;) {
      if (!spin_until(spin(), changed)) {
        std::unique_lock<std::mutex> lock(park);
        parked.fetch_add(1);
        wake.wait(lock, changed);
        parked.fetch_sub(1);
      }
      job = job_of(gate.load(std::memory_order_acquire));
      if (join(job)) {
        claim_tasks();
        leave();
      }
    }
  }

  void start_workers(int wanted) {
    if (workers >= wanted) return;
    const BlockSignals block;
    try {
      for (; workers < wanted; ++workers)
        std::thread([this] {
          enter_background();
          work();
        }).detach();
    } catch (const std::system_error&) {
      // The system gives no more threads: those that run, and the caller, do the work.
    }
  }

  void open(std::uint64_t helpers) {
    gate.store(((job_of(gate.load()) + 1) << 32) | kOpen | (helpers << kHelpersShift));
    if (parked.load() > 0) {
      const std::lock_guard<std::mutex> lock(park);
      wake.notify_all();
    }
  }

  void close() {
    const auto empty = [&] { return (gate.load() & kCount) == 0; };
    gate.fetch_and(~kOpen);
    if (spin_until(spin(), empty)) return;
    std::unique_lock<std::mutex> lock(park);
    caller_parked.store(true);
    done.wait(lock, empty);
    caller_parked.store(false);
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

void ThreadPool::parallel_for(std::int64_t tasks, int limit,
                              function_ref<void(std::int64_t)> body) {
  if (tasks <= 0) return;
  const int allowed = limit > 0 ? std::min(limit, threads()) : threads();
  const int helpers = static_cast<int>(std::min<std::int64_t>(allowed, tasks)) - 1;
  std::unique_lock<std::mutex> lock(state_->busy, std::defer_lock);
  if (helpers < 1 || inside_body || !lock.try_lock()) {
    const InsideBody inside;
    for (std::int64_t task = 0; task < tasks; ++task) body(task);
    return;
  }
  State& state = *state_;
  state.tasks = tasks;
  state.body = &body;
  state.error = nullptr;
  state.next.store(0);
  state.start_workers(helpers);
  state.open(static_cast<std::uint64_t>(helpers));
  state.claim_tasks();
  state.close();
  state.body = nullptr;
  if (state.error) std::rethrow_exception(std::exchange(state.error, nullptr));
}

}  // namespace stridenet
