#include "cpu/features.h"

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace stridenet {

namespace {

#if defined(__x86_64__)

// XCR0: SSE and AVX registers; with AVX-512 also masks and both halves of the 512-bit registers.
constexpr std::uint32_t kYmmState = 0x06;
constexpr std::uint32_t kZmmState = 0xE6;

std::uint32_t extended_control() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool bit(unsigned word, int index) noexcept { return ((word >> index) & 1u) != 0; }

CpuFeatures detect() noexcept {
  CpuFeatures found;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || !bit(c, 27)) return found;  // OSXSAVE
  const bool fma = bit(c, 12);
  const std::uint32_t state = extended_control();
  if ((state & kYmmState) != kYmmState || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
    return found;
  }
  found.fma = fma;
  found.avx2 = bit(b, 5);
  if ((state & kZmmState) == kZmmState) {
    found.avx512f = bit(b, 16);
    found.avx512dq = bit(b, 17);
    found.avx512bw = bit(b, 30);
    found.avx512vl = bit(b, 31);
  }
  return found;
}

#elif defined(__aarch64__)

CpuFeatures detect() noexcept {
  CpuFeatures found;
  found.neon = true;  // part of the armv8-a baseline
  return found;
}

#else

CpuFeatures detect() noexcept { return {}; }

#endif

}  // namespace

const CpuFeatures& features() noexcept {
  static const CpuFeatures found = detect();
  return found;
}

}  // namespace stridenet
