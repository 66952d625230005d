#pragma once

#include <cstdint>

namespace stridenet {

/// While it lives, this thread flushes denormal results and operands to zero (FTZ and DAZ on
/// x86-64, FPCR.FZ on arm64); its destructor restores the thread's mode.
class FlushDenormals {
 public:
  FlushDenormals() noexcept;
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t saved_;
};

}  // namespace stridenet
