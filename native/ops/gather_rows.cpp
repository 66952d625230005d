#include <cmath>
#include <cstring>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// Throws Error("ERR_ARGUMENT") unless all indices are within [0, rows).
void check_indices(const TensorView& indices, std::int64_t rows) {
  const std::int32_t* index = indices.as<std::int32_t>();
  for (std::int64_t i = 0; i < indices.shape[0]; ++i) {
    if (index[i] < 0 || index[i] >= rows) {
      throw Error("ERR_ARGUMENT", "[gatherRows] expected the index of sample " + std::to_string(i) +
                                      " within [0, " + std::to_string(rows) + ") but received " +
                                      std::to_string(index[i]));
    }
  }
}

/// Rows of `bytes` bytes as they are.
class GatherBytes : public Instruction {
 public:
  explicit GatherBytes(std::int64_t bytes) : bytes_(bytes) {}

  void run(const Run& run) const override {
    check_indices(run.inputs[1], run.inputs[0].shape[0]);
    if (bytes_ == 0) return;
    const std::int32_t* index = run.inputs[1].as<std::int32_t>();
    for_pieces(run, run.inputs[1].shape[0], rows_of_grain(bytes_ / 4),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   std::memcpy(run.outputs[0].as<std::byte>() + i * bytes_,
                               run.inputs[0].as<std::byte>() + index[i] * bytes_,
                               static_cast<std::size_t>(bytes_));
                 }
               });
  }

 private:
  std::int64_t bytes_;
};

/// Rows converted to T.
template <class T>
class GatherConverted : public Instruction {
 public:
  GatherConverted(const Kernels<T>& kernels, std::int64_t width, double scale, double offset)
      : kernels_(kernels),
        width_(width),
        affine_(scale != 1 || offset != 0),
        scale_(scale),
        offset_(offset) {}

  void run(const Run& run) const override {
    check_indices(run.inputs[1], run.inputs[0].shape[0]);
    if (width_ == 0) return;
    const std::int32_t* index = run.inputs[1].as<std::int32_t>();
    for_pieces(run, run.inputs[1].shape[0], rows_of_grain(width_),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   convert(run.inputs[0], index[i] * width_, run.outputs[0].as<T>() + i * width_);
                 }
               });
  }

 private:
  void convert(const TensorView& data, std::int64_t at, T* to) const {
    switch (data.dtype) {
      case DType::uint8:
        kernels_.convert_uint8(data.as<std::uint8_t>() + at, to, width_, affine_, scale_, offset_);
        break;
      case DType::int32:
        kernels_.convert_int32(data.as<std::int32_t>() + at, to, width_, affine_, scale_, offset_);
        break;
      case DType::float32:
        kernels_.convert_float32(data.as<float>() + at, to, width_, affine_, scale_, offset_);
        break;
      case DType::float64:
        kernels_.convert_float64(data.as<double>() + at, to, width_, affine_, scale_, offset_);
        break;
    }
  }

  const Kernels<T>& kernels_;
  std::int64_t width_;
  bool affine_;
  double scale_;
  double offset_;
};

double optional_number(const Call& call, const char* name, double otherwise) {
  if (!call.attributes.has(name)) return otherwise;
  const double value = call.attributes.number(name);
  if (!std::isfinite(value)) refuse(std::string("expected attribute '") + name + "' to be finite");
  return value;
}

}  // namespace

std::unique_ptr<Instruction> prepare_gather_rows(const Call& call, const KernelTable& table) {
  expect_operands(call, 2, 1);
  const TensorSpec& data = required_input(call, 0, "data");
  const TensorSpec& indices = required_input(call, 1, "indices");
  const TensorSpec& rows = required_output(call, 0, "rows");
  expect_rank(data, "data", 1, static_cast<std::size_t>(kMaxRank));
  expect_dtype(indices, "indices", DType::int32);
  expect_rank(indices, "indices", 1);
  std::vector<std::int64_t> shape = data.shape;
  shape[0] = indices.shape[0];
  expect_shape(rows, "rows", shape);
  expect_batched(rows, "rows", indices.batched);
  const double scale = optional_number(call, "scale", 1);
  const double offset = optional_number(call, "offset", 0);
  const std::int64_t width = product(data, 1, data.shape.size());
  if (rows.dtype == data.dtype && scale == 1 && offset == 0) {
    return std::make_unique<GatherBytes>(width *
                                         static_cast<std::int64_t>(element_size(data.dtype)));
  }
  expect_floating(rows, "rows");
  return make_floating<GatherConverted>(rows.dtype, table, width, scale, offset);
}

}  // namespace stridenet
