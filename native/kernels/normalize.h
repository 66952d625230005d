#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace stridenet {

// Rows of `columns` elements, `pitch` apart, and values for each column.
//
// column_moments(x, origin, rows, pitch, columns, mean, squares): the mean of each column, less its
// origin, and the sum of (x − mean)². A rounded mean comes first; the sums of x − mean and of its
// square about it, in T, correct it (Chan, Golub and LeVeque 1983). For K rows the mean errs by at
// most 4·√K·u·(mean of |x − mean|), the squares by as much relative to themselves, whatever the
// mean, when the origin is one of the column's elements.
//
// column_products: Σ message and Σ message · (x − mean) of each column.
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

/// y = activation(((x − mean) − rest) · scale + shift + residual), with mean + rest the mean in
/// twice the digits of T; `rest`, `shift` and `residual`, which lies as x does, may be null: 0.
template <class T>
struct NormalizeRows {
  const T* x;
  std::int64_t rows, columns;
  const T *mean, *rest, *scale, *shift, *residual;
  Activation activation;
  T* y;
};

/// What comes to the result of a normalization: dy + more, but 0 where the activation is flat. That
/// its result y tells, or without y its operand ((x − mean) − rest) · scale + shift. `more` and
/// `shift` may be null: 0. The arrays of elements lie as x does, the others are of columns.
template <class T>
struct NormalizeMessage {
  const T *dy, *more;
  Activation activation;
  const T* y;
  const T *x, *mean;
  const T *rest, *scale, *shift;

  /// The same from element `at` on, in columns from `column` on.
  NormalizeMessage from(std::int64_t at, std::int64_t column) const {
    const auto moved = [](const T* array, std::int64_t by) {
      return array == nullptr ? nullptr : array + by;
    };
    return {moved(dy, at),       moved(more, at),      activation,
            moved(y, at),        moved(x, at),         moved(mean, column),
            moved(rest, column), moved(scale, column), moved(shift, column)};
  }
};

/// `masked` takes the message unless it is null; it may be any of the arrays of elements but x.
template <class T>
struct ColumnProducts {
  NormalizeMessage<T> message;
  std::int64_t rows, pitch, columns;
  T* masked;
  double *sum, *product;
};

/// dx = scale · ((message − offset) − (x − mean) · slope); scale · message when `slope` is null.
template <class T>
struct NormalizeGradientRows {
  NormalizeMessage<T> message;
  std::int64_t rows, columns;
  const T *scale, *offset, *slope;
  T* dx;
};

}  // namespace stridenet
