#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own intrinsics pass values that they leave undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/table.h"

#define STRIDENET_TARGET avx512
#define STRIDENET_TARGET_FEATURES "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"
#include "kernels/targets/target_begin.h"
// The region is open: only files that are written for it follow.
#include "kernels/simd/avx512.h"
//
#include "kernels/all.inl.h"
//
#include "kernels/targets/target_end.h"

#endif
