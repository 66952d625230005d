#pragma once

#include <cstddef>
#include <cstdint>

namespace stridenet {

/// One block of memory that it owns. At 2 MiB or more it is aligned to 2 MiB and its whole huge
/// pages are asked for as such, else it is aligned to 64 bytes. Contents are undefined at first.
///
/// On Linux the freed blocks of 2 MiB or more are kept for the next of about their size, up to
/// kMostKeptBytes in the process, because to be given memory anew takes the system longer than to
/// compute on it.
class Arena {
 public:
  Arena() noexcept = default;
  /// Throws Error("ERR_MEMORY") when the system refuses.
  explicit Arena(std::size_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  /// Null when bytes() is 0.
  std::byte* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Whether it is new from the system, which gives zeros.
  bool zeroed() const noexcept { return zeroed_; }

  /// Bytes of all arenas of the process that are alive.
  static std::int64_t live_bytes() noexcept;

  /// Bytes of freed blocks that the process keeps.
  static std::int64_t kept_bytes() noexcept;

  static constexpr std::int64_t kMostKeptBytes = std::int64_t{64} << 20;

 private:
  void release() noexcept;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t mapped_ = 0;  // bytes of pages of its own; 0: from the heap
  bool zeroed_ = false;
};

}  // namespace stridenet
