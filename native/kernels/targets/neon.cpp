#if defined(__aarch64__)

#include <arm_neon.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/table.h"

#define STRIDENET_TARGET neon
#include "kernels/targets/target_begin.h"
// The region is open: only files that are written for it follow.
#include "kernels/simd/neon.h"
//
#include "kernels/all.inl.h"
//
#include "kernels/targets/target_end.h"

#endif
