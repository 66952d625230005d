#pragma once

#include "core/tensor.h"
#include "kernels/table.h"

namespace stridenet {

/// GFLOP/s of fused multiply-adds from registers alone on `threads` threads of the pool (0: all),
/// measured for about `milliseconds`: the bound that a GEMM is compared with. float32 or float64.
/// Throws Error("ERR_DTYPE") for another dtype.
double measure_fma_peak(const KernelTable& table, DType dtype, int threads, double milliseconds);

}  // namespace stridenet
