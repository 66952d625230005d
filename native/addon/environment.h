#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/tensor.h"
#include "runtime/memory.h"
#include "runtime/program.h"

namespace stridenet::addon {

/// A run on a thread of its own. The JavaScript thread makes it and settles it; in between the
/// runner touches nothing but `program`, `steps`, `batch`, `budget` and `outcome`.
class Job {
 public:
  virtual ~Job() = default;
  /// On the JavaScript thread, once the run has ended.
  virtual void settle(Napi::Env env) = 0;

  std::shared_ptr<Program> program;
  std::int64_t steps = 0;
  std::vector<std::int32_t> batch;
  double budget = -1;
  /// Whether its runner keeps the priority of the process: for short runs that somebody waits for.
  bool urgent = false;
  Outcome outcome;
};

/// What one JavaScript environment (the main thread, a worker) holds: its memory count, its runner
/// threads, and the runs that have not settled. Runners are kept for the next run, those of urgent
/// runs apart from those in the background, whose priority could not be raised again; libuv's
/// threads are never used. When the environment ends, runs end at the next instruction, the runners
/// are joined, and nothing settles.
class Environment {
 public:
  explicit Environment(Napi::Env env);

  static Environment& of(Napi::Env env);

  const std::shared_ptr<MemoryCounter>& counter() const { return counter_; }

  /// A new TypedArray. Throws Error("ERR_MEMORY") when JavaScript has no memory for it.
  Napi::Object new_typed_array(DType dtype, std::int64_t elements) const;

  /// Starts a run. Throws Error("ERR_MEMORY") when no thread can be had.
  void submit(std::unique_ptr<Job> job);

 private:
  /// Threads of one priority, and the runs that wait for one.
  struct Runners {
    static constexpr std::size_t kMost = 64;
    std::vector<std::thread> threads;
    std::size_t idle = 0;
    std::deque<Job*> queue;
    std::condition_variable wake;
  };

  static void on_completed(napi_env env, napi_value callback, void* context, void* data);
  static void on_cleanup(void* environment);
  void settle_completed(Napi::Env env);
  void start_runner_for(Job* job);
  void runner(bool urgent) noexcept;
  void shut_down() noexcept;

  std::shared_ptr<MemoryCounter> counter_ = std::make_shared<MemoryCounter>();
  Napi::FunctionReference constructors_[4];  // by DType
  napi_threadsafe_function completed_call_ = nullptr;
  std::list<std::unique_ptr<Job>> pending_;  // of the JavaScript thread alone

  std::mutex mutex_;    // guards what follows
  Runners runners_[2];  // in the background, urgent
  std::vector<Job*> completed_;
  bool closing_ = false;
};

}  // namespace stridenet::addon
