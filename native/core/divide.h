#pragma once

#include <cstdint>

namespace stridenet {

/// a / b rounded up, for a ≥ 0 and b > 0.
inline std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The size of pieces of at most `most` that `count` is cut into as evenly as may be, so that the
/// last is not a small one; `most` when there is nothing to cut.
inline std::int64_t even_piece(std::int64_t count, std::int64_t most) {
  return count == 0 ? most : ceil_divide(count, ceil_divide(count, most));
}

/// `elements` and those that fill up its last 64 bytes: what follows a part of scratch memory of so
/// many begins a cache line, when the part does.
template <class T>
std::int64_t whole_lines(std::int64_t elements) {
  constexpr std::int64_t line = 64 / static_cast<std::int64_t>(sizeof(T));
  return ceil_divide(elements, line) * line;
}

}  // namespace stridenet
