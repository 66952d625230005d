#if defined(__GNUC__)

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/table.h"

#define STRIDENET_TARGET portable
#include "kernels/targets/target_begin.h"
// The region is open: only files that are written for it follow.
#include "kernels/simd/portable.h"
//
#include "kernels/all.inl.h"
//
#include "kernels/targets/target_end.h"

#endif
