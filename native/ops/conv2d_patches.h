#pragma once

#include "core/divide.h"
#include "ops/conv2d_geometry.h"
#include "ops/gemm.h"
#include "ops/padded_patches.h"

namespace stridenet {

// What the products of convolutions share.

/// `patches`, or a padded copy in `scratch` when that is better.
template <class T>
Patches<T> best_patches(const Run& run, const Patches<T>& patches, std::int64_t batch, T* scratch) {
  return padded_elements(patches, batch) == 0 ? patches : pad_patches(run, patches, batch, scratch);
}

/// The patches as rows in memory when every pixel of the images is one, in order; else none.
template <class T>
MatrixRows<T> pixel_rows(const Patches<T>& patches) {
  const bool pixels = patches.taps_h == 1 && patches.taps_w == 1 && patches.stride_h == 1 &&
                      patches.stride_w == 1 && patches.origin_h == 0 && patches.origin_w == 0 &&
                      patches.out_height == patches.height && patches.out_width == patches.width &&
                      patches.row_size == patches.width * patches.pixel_size &&
                      patches.image_size == patches.height * patches.row_size;
  if (!pixels) return {};
  return {patches.image, patches.pixel_size, 1};
}

/// The patches of x that the outputs of one group see; x may be null for their geometry alone.
template <class T>
Patches<T> input_patches(const Convolution& conv, const T* x, std::int64_t batch,
                         std::int64_t group) {
  Patches<T> patches = {};
  patches.pixel_size = conv.c;
  patches.row_size = conv.w * conv.c;
  patches.image_size = conv.h * patches.row_size;
  if (x != nullptr) {
    patches.image = x + group * conv.group_channels();
    patches.end = x + batch * patches.image_size;
  }
  patches.height = conv.h;
  patches.width = conv.w;
  patches.channels = conv.group_channels();
  patches.out_height = conv.p;
  patches.out_width = conv.q;
  patches.stride_h = conv.stride_h;
  patches.stride_w = conv.stride_w;
  patches.origin_h = -conv.top;
  patches.origin_w = -conv.left;
  patches.dilation_h = conv.dilation_h;
  patches.dilation_w = conv.dilation_w;
  patches.taps_h = conv.r;
  patches.taps_w = conv.s;
  return patches;
}

}  // namespace stridenet
