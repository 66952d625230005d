#include "runtime/peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "core/error.h"
#include "core/thread_pool.h"

namespace stridenet {
namespace {

constexpr std::int64_t kRounds = 1 << 16;
constexpr std::int64_t kTasks = 64;

template <class T>
double measure(const Kernels<T>& kernels, int threads, double milliseconds) {
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::atomic<double> sink{0};
  const double operations = 2.0 * kFmaChains * kernels.lanes * kRounds * kTasks;
  double best = 0;
  const Clock::time_point end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(Milliseconds(milliseconds));
  do {
    const Clock::time_point start = Clock::now();
    ThreadPool::instance().parallel_for(kTasks, threads, [&](std::int64_t) {
      sink.store(static_cast<double>(kernels.fma_peak(kRounds)), std::memory_order_relaxed);
    });
    const double spent = Milliseconds(Clock::now() - start).count();
    best = std::max(best, operations / spent / 1e6);
  } while (Clock::now() < end);
  return best;
}

}  // namespace

double measure_fma_peak(const KernelTable& table, DType dtype, int threads, double milliseconds) {
  if (dtype == DType::float32) return measure(table.float32, threads, milliseconds);
  if (dtype == DType::float64) return measure(table.float64, threads, milliseconds);
  throw Error("ERR_DTYPE", "[fmaPeak] expected float32 or float64");
}

}  // namespace stridenet
