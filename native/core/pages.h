#pragma once

#include <cstddef>
#include <cstdint>

namespace stridenet {

inline constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Pages from the system, or kept from an earlier give_pages().
struct Pages {
  std::byte* data = nullptr;  // null: there are none
  std::size_t bytes = 0;      // at least those asked for
  bool zeroed = false;        // new from the system, which gives zeros
};

/// At least `bytes` of memory at a multiple of 2 MiB, huge pages but for what is beyond the last
/// whole one. Only where the system is Linux.
Pages take_pages(std::size_t bytes) noexcept;

/// Gives back what take_pages() gave: it is kept while all that is kept is at most `most` bytes,
/// the oldest going first.
void give_pages(std::byte* data, std::size_t bytes, std::int64_t most) noexcept;

/// Bytes that are kept now.
std::int64_t kept_page_bytes() noexcept;

}  // namespace stridenet
