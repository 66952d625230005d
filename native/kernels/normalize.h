#pragma once

#include <cstdint>

namespace stridenet {

// Rows of `columns` elements, `pitch` apart, and values for each column.
//
// column_moments(x, origin, rows, pitch, columns, mean, squares): the mean of each column, less its
// origin, and the sum of (x − mean)². A rounded mean comes first; the sums of x − mean and of its
// square about it, in T, correct it (Chan, Golub and LeVeque 1983). For K rows the mean errs by at
// most 4·√K·u·(mean of |x − mean|), the squares by as much relative to themselves, whatever the
// mean, when the origin is one of the column's elements.
//
// column_products(dy, x, mean, rows, pitch, columns, sum, product): Σ dy and Σ dy · (x − mean).
//
// row_moments(x, count, moments), row_products(dy, x, weight, count, mean, sum, product): the same
// for one row of any length, of dy · weight for dy; parts of 4096 elements are summed in T, the
// parts in float64. `weight` and `bias` may be null: 1 and 0. normalize_row: y = ((x − center) −
// rest) · inverse · weight + bias. normalize_row_gradient: dx = inverse · ((dy · weight − offset) −
// (x − mean) · slope).
//
// normalized_column_sums(dy, x, mean, inverse, rows, pitch, columns, product, total): Σ over the
// rows, each with its own mean and inverse deviation, of dy · (x − mean) · inverse, and of dy.

/// The mean of a row is center + rest; squares is Σ (x − mean)².
template <class T>
struct RowMoments {
  T center;
  double rest, squares;
};

/// y = ((x − mean) − rest) · scale + shift, with mean + rest the mean in twice the digits of T;
/// `rest` and `shift` may be null: 0.
template <class T>
struct NormalizeRows {
  const T* x;
  std::int64_t rows, columns;
  const T *mean, *rest, *scale, *shift;
  T* y;
};

/// dx = scale · ((dy − offset) − (x − mean) · slope); scale · dy when `slope` is null.
template <class T>
struct NormalizeGradientRows {
  const T *dy, *x;
  std::int64_t rows, columns;
  const T *mean, *scale, *offset, *slope;
  T* dx;
};

}  // namespace stridenet
