#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

// Convolution with few channels, where the vector runs over pixels: images lie in
// planes, one a channel, so that a tap is a constant shift of the whole plane. Rows of a plane are
// a pitch apart that leaves room for the zeros around the image; what a vector reads from one row
// into the next lands in outputs that nobody takes.

/// Output channels of plane_conv and of planes_to_pixels at most.
inline constexpr int kMostPlanes = 8;
/// Elements behind a plane, and behind an output plane, that kernels may read and write.
inline constexpr std::int64_t kPlaneSlack = 128;

/// y[o][f] = (accumulate ? y[o][f] : 0) + Σ_{i,t} x[i][f + offsets[t]] · weight[i][t][o], and when
/// `last` then + bias[o], then the activation. The planes are added in blocks of `block`: each is
/// one chain of fused multiply-adds from 0 over (t, i), as in matrix products. f < count; more of y
/// may be written.
template <class T>
struct PlaneConv {
  const T* x;
  std::int64_t x_plane;  // elements from one plane to the next
  std::int64_t inner, block;
  const std::int64_t* offsets;
  std::int64_t taps;
  const T* weight;
  std::int64_t outputs;  // 1 to kMostPlanes
  const T* bias;         // or null
  Activation activation;
  bool accumulate, last;
  T* y;
  std::int64_t y_plane;
  std::int64_t count;
};

// pixels_to_planes(from, pitch, channels, count, to, plane): `count` pixels, `pitch` apart, of
// `channels` elements to to[c · plane + i]. Up to a vector behind each plane's part is set to 0.
//
// planes_to_pixels(from, plane, channels, count, to): the reverse, for pixels that are contiguous
// and have at most kMostPlanes channels. Writes the pixels alone.

/// Adds to sums[c][t][k][lane], for c < inner and k < outputs, the products
/// x[c][offsets[t] + row · x_pitch + q] · dy[k][row · dy_pitch + q] of the rows and columns, each
/// to the lane q mod lanes. What a call adds to an element is one chain from 0 over (row, q).
template <class T>
struct PlaneConvFilter {
  const T* x;
  std::int64_t x_plane, x_pitch;
  std::int64_t inner;
  const std::int64_t* offsets;
  std::int64_t taps;
  const T* dy;
  std::int64_t dy_plane, dy_pitch;
  std::int64_t outputs;  // 1 to kMostPlanes
  std::int64_t rows, columns;
  T* sums;
};

}  // namespace stridenet
