#pragma once

#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace stridenet {

/// Names the calling thread, by at most 15 characters (on Linux; elsewhere it stays without). Never
/// fails.
inline void name_thread([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__)
  prctl(PR_SET_NAME, name);
#endif
}

/// Names the calling thread and lowers its priority (on Linux by a niceness of 10, where threads
/// have their own; elsewhere neither): a compute thread must not keep the host program's event loop
/// waiting for a CPU. What it computes is not affected. Never fails.
inline void enter_background([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__)
  name_thread(name);
  constexpr int kNicer = 10;
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kNicer);
#endif
}

}  // namespace stridenet
