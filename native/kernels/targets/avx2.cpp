#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/table.h"

#define STRIDENET_TARGET avx2
#define STRIDENET_TARGET_FEATURES "avx2,fma"
#include "kernels/targets/target_begin.h"
// The region is open: only files that are written for it follow.
#include "kernels/simd/avx2.h"
//
#include "kernels/all.inl.h"
//
#include "kernels/targets/target_end.h"

#endif
