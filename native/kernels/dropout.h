#pragma once

#include <cstdint>

namespace stridenet {

/// The mask of a dropout. The word of place i is word i mod 4 of Philox' block ⌊i/4⌋, with counter
/// (block, step low, step high, stream); a place is kept when its word is at least `threshold`.
/// Blocks are counted in 32 bits.
template <class T>
struct DropoutMask {
  std::uint32_t key[2];
  std::uint32_t step[2];
  std::uint32_t stream;
  std::uint32_t threshold;
  /// Of what is kept: 1 / (1 − rate).
  T factor;
};

// dropout_factors(mask, place, count, factors): factors[i] = the factor where place + i is kept,
//     else 0.
//
// scale_kept(factors, x, y, count): y[i] = factors[i] == 0 ? 0 : x[i] · factors[i].
//
// dropout_row(mask, place, x, y, count): both, y may be x.

}  // namespace stridenet
