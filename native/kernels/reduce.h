#pragma once

#include <cstdint>

namespace stridenet {

// sum_rows(from, rows, columns, to): to[j] = Σ_i from[i · columns + j]. Row i is added to partial
// sum i mod 8; these are added pairwise.

}  // namespace stridenet
