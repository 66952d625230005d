#pragma once

#include <cstdint>

namespace stridenet {

// reduce_row_f(x, count): f over `count` elements. Element i goes to partial result i mod 4
// vectors; these are combined pairwise.
//
// reduce_columns_f(x, rows, pitch, columns, y): y[j] = f over x[i · pitch + j] for i < rows. Row i
// goes to partial result i mod 2 (of single vectors, 4); these are combined pairwise.
//
// Partial sums are float64, rounded to T once.
//
// find_row(x, count, value): the first i with x[i] == value, or the first NaN for a NaN; value is
// among them.
//
// find_columns(x, rows, pitch, columns, values, to): the same for the columns of reduce_columns_f.

}  // namespace stridenet
