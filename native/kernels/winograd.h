#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

// Winograd's minimal filtering F(2x2, 3x3): 2x2 outputs of a 3x3 convolution of stride 1 from 4x4
// inputs by 16 products an input and output channel, where the definition takes 36. For a tile d of
// x, a filter g and the tile y of outputs, summed over the input channels:
//
//   y = Aᵀ [ Σ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// with the matrices of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015,
// §4.1. Sixteen matrix products do the sums, one for each place of the 4x4.

/// Inputs of a tile along an axis, and products of a tile.
inline constexpr int kWinogradTile = 4;
inline constexpr int kWinogradProducts = kWinogradTile * kWinogradTile;
/// Outputs of a tile along an axis.
inline constexpr int kWinogradOutputs = 2;
inline constexpr int kWinogradTaps = 3;

/// Bᵀ d B of `count` tiles side by side, each two pixels right of the last. Pixels outside of the
/// image are 0. Product m of tile t goes to to[m · matrix + t · pitch + c], whole vectors of
/// channels, 0 beyond the last.
template <class T>
struct WinogradInput {
  const T* image;  // pixel (0, 0) of the sample
  std::int64_t height, width, channels;
  std::int64_t h, w;  // of the first tile's first pixel; may lie outside
  std::int64_t count;
  T* to;
  std::int64_t matrix, pitch;
};

/// Aᵀ m A of `count` tiles side by side, + bias, + residual, then the activation: product m of tile
/// t is read from from[m · matrix + t · pitch + k]. Outputs beyond the image are left out.
template <class T>
struct WinogradOutput {
  const T* from;
  std::int64_t matrix, pitch;
  T* image;           // output (0, 0) of the sample
  const T* residual;  // laid out as the image, or null
  const T* bias;      // `channels` elements, or null
  Activation activation;
  std::int64_t height, width, channels;
  std::int64_t p, q;  // of the first tile's first output
  std::int64_t count;
};

/// G g Gᵀ for the columns of one B panel: tap t of input channel i and column j is
/// from[j · column_step + i · row_step + t], the taps turned by 180° when `turned`. Product m goes
/// to to[m · matrix + i · NR + j], 0 for j ≥ columns.
template <class T>
struct WinogradFilters {
  const T* from;
  std::int64_t column_step, row_step;
  bool turned;
  std::int64_t rows, columns;
  T* to;
  std::int64_t matrix;
};

}  // namespace stridenet
