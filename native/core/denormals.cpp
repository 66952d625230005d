#include "core/denormals.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace stridenet {

#if defined(__x86_64__) || defined(_M_X64)

namespace {
constexpr unsigned kFlushToZero = 0x8000;
constexpr unsigned kDenormalsAreZero = 0x0040;
}  // namespace

FlushDenormals::FlushDenormals() noexcept : saved_(_mm_getcsr()) {
  _mm_setcsr(static_cast<unsigned>(saved_) | kFlushToZero | kDenormalsAreZero);
}

FlushDenormals::~FlushDenormals() { _mm_setcsr(static_cast<unsigned>(saved_)); }

#elif defined(__aarch64__)

namespace {
constexpr std::uint64_t kFlushToZero = std::uint64_t{1} << 24;
}

FlushDenormals::FlushDenormals() noexcept : saved_(0) {
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" : : "r"(saved_ | kFlushToZero) : "memory");
}

FlushDenormals::~FlushDenormals() { asm volatile("msr fpcr, %0" : : "r"(saved_) : "memory"); }

#else

FlushDenormals::FlushDenormals() noexcept : saved_(0) {}
FlushDenormals::~FlushDenormals() { (void)saved_; }

#endif

}  // namespace stridenet
