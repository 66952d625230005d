#pragma once

#include <cstdint>

#include "core/function_ref.h"

namespace stridenet {

/// The compute threads of the process: one pool, made at first use, never torn down. Its size is
/// the number of CPUs that the affinity mask and the cgroup quota allow, unless set_threads says
/// otherwise.
///
/// Several threads may call parallel_for at once. Callers and workers that compute are together at
/// most threads(), unless callers alone are more: a worker joins the job with the fewest helpers
/// while there is room, and goes after its task when there is none left. So Programs that run at
/// the same time share the CPUs evenly, each on its own thread at least.
class ThreadPool {
 public:
  static ThreadPool& instance();

  /// Threads that one parallel_for may use, the caller included; at least 1.
  int threads() const noexcept;

  /// Sets that number, 1 to 1024. Throws Error("ERR_ARGUMENT") outside of it.
  void set_threads(int threads);

  /// While one lives, its thread counts as computing, also between its jobs, and workers stay awake
  /// for the next of them. May be nested.
  class Running {
   public:
    Running() noexcept;
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
  };

  /// Runs body(task) once for every task in [0, tasks), on at most `limit` threads (0: no limit
  /// but threads()), the caller among them; returns when all are done. Tasks are claimed one by
  /// one in rising order by whichever thread is free, so what a task computes must not depend on
  /// the thread. Denormals are flushed while a body runs. From within a body the caller does all
  /// tasks itself. When bodies throw, tasks not yet claimed are dropped, and after all running
  /// bodies have ended the exception of the lowest task that threw is rethrown here: the same one
  /// on any number of threads, since every task below it has run.
  void parallel_for(std::int64_t tasks, int limit, function_ref<void(std::int64_t)> body);

 private:
  ThreadPool();
  struct State;
  State* state_;
};

}  // namespace stridenet
