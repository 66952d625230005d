#pragma once

#include "ops/gemm.h"

namespace stridenet {

// Products of patches without packing them. The rows of the images that some rows of the output
// grid meet are copied once, with the zeros around them, into a strip in thread memory. There the
// elements of a patch are a few runs, and patches of neighbouring pixels lie a constant step
// apart: the micro-kernel reads them where they are, so that overlapping patches share a cache.

/// Whether strips are better than packed patches for products with `columns` columns; depends on
/// shapes alone.
template <class T>
bool suits_strips(const Kernels<T>& kernels, const Patches<T>& patches, std::int64_t columns);

/// gemm of `problem`, whose A are the patches of `batch` images (problem.pack_a and problem.a are
/// not read): the same bits.
template <class T>
void strip_gemm(const Run& run, const Kernels<T>& kernels, const Gemm<T>& problem,
                const Patches<T>& patches, std::int64_t batch);

}  // namespace stridenet
