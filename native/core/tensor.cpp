#include "core/tensor.h"

#include "core/error.h"

namespace stridenet {

namespace {
constexpr std::int64_t kMaxElements = std::int64_t{1} << 53;
}

std::size_t element_size(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::float64:
      return 8;
    case DType::uint8:
      break;
  }
  return 1;
}

const char* dtype_name(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::int32:
      return "int32";
    case DType::uint8:
      break;
  }
  return "uint8";
}

DType parse_dtype(const std::string& name) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
    if (name == dtype_name(dtype)) return dtype;
  }
  throw Error("ERR_DTYPE",
              "expected dtype float32, float64, int32 or uint8 but received '" + name + "'");
}

std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  if (b != 0 && a > kMaxElements / b) {
    throw Error("ERR_SHAPE", "size " + std::to_string(a) + " x " + std::to_string(b) +
                                 " is more than 2^53 elements");
  }
  return a * b;
}

std::int64_t element_count(const std::vector<std::int64_t>& shape) {
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) {
      throw Error("ERR_SHAPE", "expected sizes of at least 0 but received " + std::to_string(size));
    }
    empty = empty || size == 0;
  }
  if (empty) return 0;
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product = checked_multiply(product, size);
  return product;
}

std::string describe(const TensorSpec& spec) {
  if (!spec.present) return "nothing";
  std::string text = std::string(dtype_name(spec.dtype)) + " (";
  for (std::size_t axis = 0; axis < spec.shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(spec.shape[axis]);
  }
  return text + ")";
}

}  // namespace stridenet
