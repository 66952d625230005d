#pragma once

namespace stridenet {

/// What the tables ask of a CPU; a bit is set only when the operating system saves its registers.
struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512dq = false;
  bool avx512vl = false;
  bool neon = false;
};

/// Asks the CPU once.
const CpuFeatures& features() noexcept;

}  // namespace stridenet
