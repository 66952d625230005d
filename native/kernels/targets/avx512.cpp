#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

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
