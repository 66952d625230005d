// The kernels. Included inside an ISA's region, after its vectors: these files include nothing, and
// use no lambdas and no std algorithms, which would not be compiled for the ISA.

// clang-format off: each may use those before it
#include "kernels/gemm.inl.h"
#include "kernels/pack.inl.h"
#include "kernels/pack_turned.inl.h"
#include "kernels/outer_products.inl.h"
#include "kernels/reduce.inl.h"
#include "kernels/pool.inl.h"
#include "kernels/conv_pool.inl.h"
#include "kernels/direct_conv.inl.h"
#include "kernels/depthwise.inl.h"
#include "kernels/plane_conv.inl.h"
#include "kernels/winograd.inl.h"
#include "kernels/move.inl.h"
#include "kernels/dropout.inl.h"
#include "kernels/average_pool.inl.h"
#include "kernels/elementwise.inl.h"
#include "kernels/binary.inl.h"
#include "kernels/comparison.inl.h"
#include "kernels/reduction.inl.h"
#include "kernels/math.inl.h"
#include "kernels/unary.inl.h"
#include "kernels/softmax.inl.h"
#include "kernels/loss.inl.h"
#include "kernels/normalize.inl.h"
#include "kernels/layer_norm.inl.h"
// clang-format on
