#pragma once

#include <chrono>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace stridenet {

inline void pause_cpu() noexcept {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Polls `ready` for `duration` while `allowed()`; whether it became true. Never yields: on a busy
/// machine that costs a whole slice of another thread's, and sleeping only a wake-up.
template <class Ready, class Allowed>
bool spin_until(std::chrono::microseconds duration, Ready ready, Allowed allowed) noexcept {
  using Clock = std::chrono::steady_clock;
  if (ready()) return true;
  if (duration.count() == 0) return false;
  const Clock::time_point start = Clock::now();
  for (;;) {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      pause_cpu();
    }
    if (Clock::now() - start >= duration || !allowed()) return ready();
  }
}

}  // namespace stridenet
