#pragma once

#include <memory>

#include "kernels/activation.h"
#include "ops/conv2d_geometry.h"
#include "ops/parallel.h"

namespace stridenet {

// Convolutions of groups of few channels (depthwise ones above all), or with few output channels,
// whose matrix products would be too small. Each returns null when the products are better; that
// depends on shapes alone.

std::unique_ptr<Instruction> make_direct_conv2d(DType dtype, const KernelTable& table,
                                                const Convolution& conv, Activation activation,
                                                bool packed);

std::unique_ptr<Instruction> make_direct_conv2d_input_gradient(DType dtype,
                                                               const KernelTable& table,
                                                               const Convolution& conv);

std::unique_ptr<Instruction> make_direct_conv2d_filter_gradient(DType dtype,
                                                                const KernelTable& table,
                                                                const Convolution& conv);

}  // namespace stridenet
