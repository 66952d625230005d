#pragma once

#include <cstddef>
#include <cstdint>

namespace stridenet {

/// One block of memory that it owns, aligned to 2 MiB and asked to be of huge pages when it is at
/// least that large, else to 64 bytes. Contents are undefined at first.
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

  /// Bytes of all arenas of the process that are alive.
  static std::int64_t live_bytes() noexcept;

 private:
  void release() noexcept;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace stridenet
