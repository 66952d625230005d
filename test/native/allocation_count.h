// Counts calls of operator new, which allocation_count.cpp replaces.

#pragma once

#include <optional>

namespace stridenet::test {

/// Counts the allocations of all threads while it lives. One at a time.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  /// Allocations since the beginning; absent where a sanitizer has the allocator.
  std::optional<long> value() const;
};

}  // namespace stridenet::test
