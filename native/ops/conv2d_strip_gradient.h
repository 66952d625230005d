#pragma once

#include <memory>

#include "ops/conv2d_geometry.h"
#include "ops/parallel.h"

namespace stridenet {

/// The filter gradient over packed strips of x and dy (ops/filter_strips.h), or null when
/// products of patches are better; that depends on shapes alone.
std::unique_ptr<Instruction> make_strip_filter_gradient(DType dtype, const KernelTable& table,
                                                        const Convolution& conv);

}  // namespace stridenet
