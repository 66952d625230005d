#pragma once

#include <cstdint>
#include <string>

#include "core/error.h"
#include "ops/checks.h"

namespace stridenet {

/// What a loss makes of its samples' values.
enum class Reduction { mean, sum, none };

/// The attribute 'reduction'. Throws Error("ERR_PROGRAM").
inline Reduction parse_reduction(const Call& call) {
  const std::string name = call.attributes.text("reduction");
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  if (name == "none") return Reduction::none;
  refuse("expected attribute 'reduction' to be 'mean', 'sum' or 'none' but received '" + name +
         "'");
}

/// Logits T (N, C) and labels: class numbers, int32 or uint8 (N), or targets T (N, C).
inline void check_labels(const TensorSpec& logits, const TensorSpec& labels) {
  expect_floating(logits, "logits");
  expect_rank(logits, "logits", 2);
  expect_batched(labels, "labels", logits.batched);
  if (labels.shape.size() == 2) {
    expect_like(labels, "labels", logits);
    return;
  }
  if (labels.dtype != DType::int32) expect_dtype(labels, "labels of rank 1", DType::uint8);
  expect_shape(labels, "labels", {logits.shape[0]});
}

/// The class number of a sample, of labels of rank 1.
/// Throws Error("ERR_ARGUMENT") when it is not in [0, classes).
inline std::int64_t label_of(const char* where, const TensorView& labels, std::int64_t sample,
                             std::int64_t classes) {
  const std::int64_t label = labels.dtype == DType::uint8
                                 ? std::int64_t{labels.as<std::uint8_t>()[sample]}
                                 : std::int64_t{labels.as<std::int32_t>()[sample]};
  if (label < 0 || label >= classes) {
    throw Error("ERR_ARGUMENT", std::string("[") + where + "] expected the label of sample " +
                                    std::to_string(sample) + " within [0, " +
                                    std::to_string(classes) + ") but received " +
                                    std::to_string(label));
  }
  return label;
}

}  // namespace stridenet
