#include "core/pages.h"

#include <algorithm>
#include <mutex>

// AddressSanitizer sees the ends of what is from the heap alone.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDENET_SANITIZES_ADDRESSES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STRIDENET_SANITIZES_ADDRESSES 1
#endif
#endif

#if defined(__linux__) && !defined(STRIDENET_SANITIZES_ADDRESSES)
#define STRIDENET_MAPS_PAGES 1
#include <sys/mman.h>
#include <unistd.h>
#else
#define STRIDENET_MAPS_PAGES 0
#endif

namespace stridenet {

#if STRIDENET_MAPS_PAGES

namespace {

constexpr int kMostBlocks = 64;

struct Block {
  std::byte* data;
  std::size_t bytes;
};

/// The blocks that are kept, oldest first.
struct Kept {
  std::mutex mutex;
  Block blocks[kMostBlocks];
  int count = 0;
  std::int64_t bytes = 0;

  Block remove(int at) noexcept {
    const Block block = blocks[at];
    std::copy(blocks + at + 1, blocks + count, blocks + at);
    --count;
    bytes -= static_cast<std::int64_t>(block.bytes);
    return block;
  }
};

/// Never destroyed: threads may free arenas while the process ends.
Kept& kept() noexcept {
  static Kept* const all = new Kept;
  return *all;
}

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

Pages map_pages(std::size_t bytes) noexcept {
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t wanted = round_up(bytes, page);
  const std::size_t room = wanted + kHugePage;
  if (wanted < bytes || room < wanted) return {};
  void* const got = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return {};
  const auto address = reinterpret_cast<std::uintptr_t>(got);
  const std::size_t before = round_up(address, kHugePage) - address;
  auto* const data = static_cast<std::byte*>(got) + before;
  if (before > 0) munmap(got, before);
  munmap(data + wanted, room - before - wanted);
  // A huge page at the end would take more memory than was asked for.
  madvise(data, wanted / kHugePage * kHugePage, MADV_HUGEPAGE);
  return {data, wanted, true};
}

}  // namespace

Pages take_pages(std::size_t bytes) noexcept {
  {
    Kept& all = kept();
    const std::lock_guard<std::mutex> lock(all.mutex);
    int best = -1;
    for (int i = 0; i < all.count; ++i) {
      const std::size_t has = all.blocks[i].bytes;
      // One much larger would hold memory that nobody uses.
      if (has < bytes || has - bytes > bytes / 8) continue;
      if (best < 0 || has < all.blocks[best].bytes) best = i;
    }
    if (best >= 0) {
      const Block block = all.remove(best);
      return {block.data, block.bytes, false};
    }
  }
  return map_pages(bytes);
}

void give_pages(std::byte* data, std::size_t bytes, std::int64_t most) noexcept {
  Kept& all = kept();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto size = static_cast<std::int64_t>(bytes);
  if (size > most) {
    munmap(data, bytes);
    return;
  }
  while (all.count == kMostBlocks || all.bytes + size > most) {
    const Block oldest = all.remove(0);
    munmap(oldest.data, oldest.bytes);
  }
  all.blocks[all.count++] = {data, bytes};
  all.bytes += size;
}

std::int64_t kept_page_bytes() noexcept {
  Kept& all = kept();
  const std::lock_guard<std::mutex> lock(all.mutex);
  return all.bytes;
}

#else

Pages take_pages(std::size_t) noexcept { return {}; }
void give_pages(std::byte*, std::size_t, std::int64_t) noexcept {}
std::int64_t kept_page_bytes() noexcept { return 0; }

#endif

}  // namespace stridenet
