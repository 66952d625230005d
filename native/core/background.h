#pragma once

#if defined(__linux__)
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace stridenet {

/// Lowers the priority of the calling thread a little (on Linux by a niceness of 5, where threads
/// have their own; elsewhere not at all): a compute thread must not keep the host program's event
/// loop waiting for a CPU. What it computes is not affected. Never fails.
inline void enter_background() noexcept {
#if defined(__linux__)
  constexpr int kNicer = 5;
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kNicer);
#endif
}

}  // namespace stridenet
