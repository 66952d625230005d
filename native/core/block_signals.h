#pragma once

#if !defined(_WIN32)
#include <pthread.h>

#include <csignal>
#endif

namespace stridenet {

/// While it lives, this thread takes no signals, and neither do threads that it starts, for good:
/// signals are for the threads of the host program, which expect them.
class BlockSignals {
 public:
  BlockSignals(const BlockSignals&) = delete;
  BlockSignals& operator=(const BlockSignals&) = delete;
#if defined(_WIN32)
  BlockSignals() noexcept {}
  ~BlockSignals() {}
#else
  BlockSignals() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }

 private:
  sigset_t saved_;
#endif
};

}  // namespace stridenet
