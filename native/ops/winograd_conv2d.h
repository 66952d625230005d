#pragma once

#include <memory>

#include "ops/conv2d_geometry.h"
#include "ops/parallel.h"

namespace stridenet {

// 3x3 convolutions of stride 1 by Winograd's F(2x2, 3x3) (kernels/winograd.h), for calls with the
// attribute winograd: 2.25 times fewer multiply-adds, and an error that is bounded by the largest
// values of a sample instead of by those that an output sees. Each returns null for other calls and
// for convolutions that have another geometry, in several groups, or with fewer than 16 channels or
// filters, where the transforms cost more than they save.

std::unique_ptr<Instruction> make_winograd_conv2d(const Call& call, const KernelTable& table,
                                                  const Convolution& conv, Activation activation,
                                                  bool packed);

std::unique_ptr<Instruction> make_winograd_input_gradient(const Call& call,
                                                          const KernelTable& table,
                                                          const Convolution& conv);

}  // namespace stridenet
