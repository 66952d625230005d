#pragma once

#include <cstdint>

namespace stridenet {

/// `width` softmaxes side by side: element i of softmax j is at i · stride + j. One alone (width
/// and stride 1) is a row. `logarithm`: log softmax.
struct SoftmaxBlock {
  std::int64_t columns, stride, width;
  bool logarithm;
};

}  // namespace stridenet
