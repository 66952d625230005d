#pragma once

#include <cstdint>

namespace stridenet {

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

}  // namespace stridenet
