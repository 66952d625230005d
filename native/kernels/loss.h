#pragma once

#include <cstdint>

namespace stridenet {

/// Losses of two values a, b, element by element; d = a − b.
enum class ElementwiseLoss {
  squared,   // d²
  absolute,  // |d|
  huber,     // d²/2 where |d| ≤ parameter, else parameter · (|d| − parameter/2)
  logistic,  // max(a, 0) − a·b + log(1 + e^−|a|): of a logit and a target
};

/// Which loss, and its parameter if it has one.
template <class T>
struct LossTerm {
  ElementwiseLoss kind;
  T parameter;
};

/// Targets of a row of softmax cross-entropy: keep · t + share, times the class's weight. t is 1 at
/// `label`, else 0, or the row `targets` unless null; all weights are 1 when `weights` is null.
template <class T>
struct RowTargets {
  const T* targets;
  std::int64_t label;
  const T* weights;
  T keep, share;
};

}  // namespace stridenet
