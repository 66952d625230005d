#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace stridenet {

enum class DType : std::uint8_t { float32, float64, int32, uint8 };

/// Bytes of one element.
std::size_t element_size(DType dtype) noexcept;

/// "float32", …
const char* dtype_name(DType dtype) noexcept;

/// The dtype of that name. Throws Error("ERR_DTYPE").
DType parse_dtype(const std::string& name);

template <class T>
struct dtype_of;
template <>
struct dtype_of<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct dtype_of<double> {
  static constexpr DType value = DType::float64;
};
template <>
struct dtype_of<std::int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct dtype_of<std::uint8_t> {
  static constexpr DType value = DType::uint8;
};

inline constexpr int kMaxRank = 8;

/// a · b of sizes that are ≥ 0. Throws Error("ERR_SHAPE") when it passes 2^53.
std::int64_t checked_multiply(std::int64_t a, std::int64_t b);

/// The number of elements of a shape: the product of its sizes, 1 for rank 0.
/// Throws Error("ERR_SHAPE") on a negative size or a product beyond 2^53.
std::int64_t element_count(const std::vector<std::int64_t>& shape);

/// A tensor as it is stored: row-major, in the physical order of its sizes (activations of
/// rank 4 are N, H, W, C inside a Program). `present` is false for an optional argument that is
/// left out. `batched` says that shape[0] is the batch, whose size may be smaller in a step.
struct TensorSpec {
  bool present = false;
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  bool batched = false;

  std::int64_t elements() const { return element_count(shape); }
  std::size_t bytes() const { return static_cast<std::size_t>(elements()) * element_size(dtype); }
};

/// "float32 (2, 3, 4)", for messages.
std::string describe(const TensorSpec& spec);

/// A tensor at run time: memory that someone else owns, aligned to 64 bytes, and the sizes of
/// this step. `data` is null exactly when the argument is absent; it may be any pointer when
/// the tensor has no element, and is then never read.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::float32;
  int rank = 0;
  std::int64_t shape[kMaxRank] = {};

  bool present() const noexcept { return data != nullptr; }
  std::int64_t elements() const noexcept {
    std::int64_t product = 1;
    for (int axis = 0; axis < rank; ++axis) product *= shape[axis];
    return product;
  }
  template <class T>
  T* as() const noexcept {
    return static_cast<T*>(data);
  }
};

}  // namespace stridenet
