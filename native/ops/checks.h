#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/activation.h"
#include "ops/operator.h"

namespace stridenet {

// Argument checks for the operators' prepare functions. All throw Error("ERR_PROGRAM"), those of
// dtypes Error("ERR_DTYPE"); prepare() puts the operator's name before the message.

/// Throws Error("ERR_PROGRAM") with this message.
[[noreturn]] void refuse(const std::string& message);

/// A tensor that may be: rank up to kMaxRank, rank ≥ 1 when batched, no negative size, and at
/// most 2^53 bytes even with its sizes of 0 taken as 1, so that no product of sizes overflows.
/// Absent operands pass.
void check_spec(const TensorSpec& spec);

/// The call has exactly that many operands, absent ones counted.
void expect_operands(const Call& call, std::size_t inputs, std::size_t outputs);

/// The operand of that index, which must be present.
const TensorSpec& required_input(const Call& call, std::size_t index, const char* name);
const TensorSpec& required_output(const Call& call, std::size_t index, const char* name);

/// "(2, 3, 4)".
std::string describe_shape(const std::vector<std::int64_t>& shape);

void expect_dtype(const TensorSpec& spec, const char* name, DType dtype);

/// float32 or float64.
void expect_floating(const TensorSpec& spec, const char* name);

void expect_rank(const TensorSpec& spec, const char* name, std::size_t low, std::size_t high);
inline void expect_rank(const TensorSpec& spec, const char* name, std::size_t rank) {
  expect_rank(spec, name, rank, rank);
}

void expect_shape(const TensorSpec& spec, const char* name, const std::vector<std::int64_t>& shape);

/// Whether shape[0] is the batch must be as expected: an operand that takes part in another's
/// batch is batched exactly when that one is; weights, scalars and states are not.
void expect_batched(const TensorSpec& spec, const char* name, bool batched);

/// All three at once.
void expect_tensor(const TensorSpec& spec, const char* name, DType dtype,
                   const std::vector<std::int64_t>& shape, bool batched);

/// `spec` has the dtype, shape and batch of `like`.
inline void expect_like(const TensorSpec& spec, const char* name, const TensorSpec& like) {
  expect_tensor(spec, name, like.dtype, like.shape, like.batched);
}

/// Input 1, or the weight of `rank` that it was packed from: with the attribute packedWeight, the
/// shape of that.
TensorSpec weight_spec(const Call& call, std::size_t rank);

/// Whether input 1 is packed; if so, throws unless it is what `instruction` packs.
bool has_packed_weight(const Call& call);
void expect_packed_weight(const Call& call, const Instruction& instruction);

/// The attribute 'activation'.
Activation parse_activation(const Call& call);

/// shape[first] · … · shape[last − 1] of a spec whose element count has been checked.
inline std::int64_t product(const TensorSpec& spec, std::size_t first, std::size_t last) {
  std::int64_t result = 1;
  for (std::size_t axis = first; axis < last; ++axis) result *= spec.shape[axis];
  return result;
}

}  // namespace stridenet
