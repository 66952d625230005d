#pragma once

#include <cstdint>

namespace stridenet {

/// What a product does to each element before it writes it: nothing, max(·, 0), or that and
/// min(·, 6). NaN stays, −0 becomes 0.
enum class Activation : std::uint8_t { none, relu, relu6 };

}  // namespace stridenet
