#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/broadcast.h"
#include "kernels/conv_pool.h"
#include "kernels/direct_conv.h"
#include "kernels/dropout.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/loss.h"
#include "kernels/move.h"
#include "kernels/normalize.h"
#include "kernels/outer_products.h"
#include "kernels/pack.h"
#include "kernels/plane_conv.h"
#include "kernels/pool.h"
#include "kernels/reduce.h"
#include "kernels/reduction.h"
#include "kernels/softmax.h"
#include "kernels/warp.h"
#include "kernels/winograd.h"

namespace stridenet {

/// The kernels of one ISA for elements of type T (float or double), and their block sizes.
template <class T>
struct Kernels {
  GemmTile tile;
  /// Elements of one vector.
  int lanes;
#define KERNEL(name, result, parameters) result(*name) parameters;
#include "kernels/kernels.inc"
#undef KERNEL
};

/// The kernels of one ISA. Constant, alive as long as the process.
struct KernelTable {
  /// "portable", "avx2", "avx512", "neon".
  const char* name;
  Kernels<float> float32;
  Kernels<double> float64;

  template <class T>
  const Kernels<T>& of() const noexcept {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    if constexpr (std::is_same_v<T, float>) {
      return float32;
    } else {
      return float64;
    }
  }
};

}  // namespace stridenet
