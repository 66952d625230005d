#include "ops/checks.h"

namespace stridenet {

void refuse(const std::string& message) { throw Error("ERR_PROGRAM", message); }

void check_spec(const TensorSpec& spec) {
  if (!spec.present) return;
  if (spec.shape.size() > static_cast<std::size_t>(kMaxRank)) {
    refuse("expected a rank of at most " + std::to_string(kMaxRank) + " but received " +
           std::to_string(spec.shape.size()));
  }
  if (spec.batched && spec.shape.empty()) refuse("a batched tensor needs rank 1 or more");
  constexpr std::int64_t kLimit = std::int64_t{1} << 53;
  auto bytes = static_cast<std::int64_t>(element_size(spec.dtype));
  for (const std::int64_t size : spec.shape) {
    if (size < 0) refuse("expected sizes of 0 or more but received " + describe_shape(spec.shape));
    if (size > kLimit / bytes) {
      refuse("a tensor of shape " + describe_shape(spec.shape) + " passes 2^53 bytes");
    }
    if (size > 0) bytes *= size;
  }
}

void expect_operands(const Call& call, std::size_t inputs, std::size_t outputs) {
  if (call.inputs.size() != inputs || call.outputs.size() != outputs) {
    refuse("expected " + std::to_string(inputs) + " inputs and " + std::to_string(outputs) +
           " outputs but received " + std::to_string(call.inputs.size()) + " and " +
           std::to_string(call.outputs.size()));
  }
}

namespace {

const TensorSpec& required(const std::vector<TensorSpec>& operands, std::size_t index,
                           const char* name) {
  if (index >= operands.size() || !operands[index].present) {
    refuse(std::string("expected ") + name + " but it is absent");
  }
  return operands[index];
}

}  // namespace

const TensorSpec& required_input(const Call& call, std::size_t index, const char* name) {
  return required(call.inputs, index, name);
}

const TensorSpec& required_output(const Call& call, std::size_t index, const char* name) {
  return required(call.outputs, index, name);
}

std::string describe_shape(const std::vector<std::int64_t>& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis != 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + ")";
}

void expect_dtype(const TensorSpec& spec, const char* name, DType dtype) {
  if (spec.dtype != dtype) {
    throw Error("ERR_DTYPE", std::string("expected ") + name + " of " + dtype_name(dtype) +
                                 " but received " + dtype_name(spec.dtype));
  }
}

void expect_floating(const TensorSpec& spec, const char* name) {
  if (spec.dtype != DType::float32 && spec.dtype != DType::float64) {
    throw Error("ERR_DTYPE", std::string("expected ") + name +
                                 " of float32 or float64 but received " + dtype_name(spec.dtype));
  }
}

void expect_rank(const TensorSpec& spec, const char* name, std::size_t low, std::size_t high) {
  if (spec.shape.size() < low || spec.shape.size() > high) {
    refuse(std::string("expected ") + name + " of rank " + std::to_string(low) +
           (low == high ? "" : " to " + std::to_string(high)) + " but received shape " +
           describe_shape(spec.shape));
  }
}

void expect_shape(const TensorSpec& spec, const char* name,
                  const std::vector<std::int64_t>& shape) {
  if (spec.shape != shape) {
    refuse(std::string("expected ") + name + " of shape " + describe_shape(shape) +
           " but received " + describe_shape(spec.shape));
  }
}

void expect_batched(const TensorSpec& spec, const char* name, bool batched) {
  if (spec.batched != batched) {
    refuse(std::string("expected ") + name + (batched ? "" : " not") + " to be batched");
  }
}

void expect_tensor(const TensorSpec& spec, const char* name, DType dtype,
                   const std::vector<std::int64_t>& shape, bool batched) {
  expect_dtype(spec, name, dtype);
  expect_shape(spec, name, shape);
  expect_batched(spec, name, batched);
}

bool has_packed_weight(const Call& call) { return call.attributes.has("packedWeight"); }

TensorSpec weight_spec(const Call& call, std::size_t rank) {
  TensorSpec weight = required_input(call, 1, "weight");
  if (!has_packed_weight(call)) return weight;
  expect_batched(weight, "weight", false);
  weight.shape = call.attributes.integers("packedWeight", rank, 0, std::int64_t{1} << 53);
  check_spec(weight);
  return weight;
}

void expect_packed_weight(const Call& call, const Instruction& instruction) {
  if (!has_packed_weight(call)) return;
  const std::int64_t elements = instruction.packed_elements();
  if (elements == 0) refuse("a weight of this shape is not packed");
  expect_shape(call.inputs[1], "packed weight", {elements});
}

Activation parse_activation(const Call& call) {
  const std::string name = call.attributes.text("activation");
  if (name == "none") return Activation::none;
  if (name == "relu") return Activation::relu;
  if (name == "relu6") return Activation::relu6;
  refuse("expected activation 'none', 'relu' or 'relu6' but received '" + name + "'");
}

}  // namespace stridenet
