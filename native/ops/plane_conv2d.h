#pragma once

#include <memory>

#include "ops/conv2d_geometry.h"
#include "ops/parallel.h"

namespace stridenet {

// Convolutions in one group to at most kMostPlanes channels, whose vectors run over pixels, since
// channels would leave most lanes empty. Each returns null when another way is better; that
// depends on shapes alone.

/// With stride 1.
std::unique_ptr<Instruction> make_plane_conv2d(DType dtype, const KernelTable& table,
                                               const Convolution& conv, Activation activation,
                                               bool packed);

std::unique_ptr<Instruction> make_plane_conv2d_input_gradient(DType dtype, const KernelTable& table,
                                                              const Convolution& conv);

/// With stride 1 and as few input channels.
std::unique_ptr<Instruction> make_plane_conv2d_filter_gradient(DType dtype,
                                                               const KernelTable& table,
                                                               const Convolution& conv);

}  // namespace stridenet
