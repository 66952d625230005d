#pragma once

#include <cstdint>

namespace stridenet {

/// Settings of a function of one element, rounded to T; what they are, the function says.
template <class T>
struct UnaryParameters {
  T a, b;
};

/// Scalars of an Adam update, rounded to T; docs/architecture.md, adamUpdate.
template <class T>
struct AdamScalars {
  T beta1, one_minus_beta1;
  T beta2, one_minus_beta2;
  T step_size;        // learningRate / (1 − β₁ᵗ)
  T root_correction;  // √(1 − β₂ᵗ)
  T epsilon;
  T weight_decay;  // added to the gradient: 0 when decoupled
  T keep;          // factor of the parameter: 1 − learningRate · weightDecay when decoupled
};

/// Memory of an Adam update; an output may be its input.
template <class T>
struct AdamArrays {
  const T *parameter, *gradient, *m, *v;
  T *new_parameter, *new_m, *new_v;
};

/// Scalars of an SGD update, rounded to T; docs/architecture.md, sgdUpdate.
template <class T>
struct SgdScalars {
  T learning_rate, momentum, one_minus_dampening, weight_decay;
  bool nesterov;
};

/// `velocity` and `new_velocity` are null together.
template <class T>
struct SgdArrays {
  const T *parameter, *gradient, *velocity;
  T *new_parameter, *new_velocity;
};

/// Scalars of an RMSprop update, rounded to T; docs/architecture.md, rmspropUpdate.
template <class T>
struct RmspropScalars {
  T learning_rate, alpha, one_minus_alpha, epsilon, momentum, weight_decay;
};

/// `average` and `new_average` are null together, `velocity` and `new_velocity` likewise.
template <class T>
struct RmspropArrays {
  const T *parameter, *gradient, *square, *average, *velocity;
  T *new_parameter, *new_square, *new_average, *new_velocity;
};

/// Scalars of an Adagrad update, rounded to T; docs/architecture.md, adagradUpdate.
template <class T>
struct AdagradScalars {
  T rate;  // learningRate / (1 + (t − 1) · learningRateDecay)
  T epsilon, weight_decay;
};

template <class T>
struct AdagradArrays {
  const T *parameter, *gradient, *sum;
  T *new_parameter, *new_sum;
};

}  // namespace stridenet
