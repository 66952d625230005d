#include "core/arena.h"

#include <atomic>
#include <cstdlib>
#include <string>
#include <utility>

#if defined(_WIN32)
#include <malloc.h>
#endif

#include "core/error.h"
#include "core/pages.h"

namespace stridenet {

namespace {

constexpr std::size_t kCacheLine = 64;

std::atomic<std::int64_t> live{0};

void* allocate(std::size_t alignment, std::size_t bytes) {
#if defined(_WIN32)
  return _aligned_malloc(bytes, alignment);
#else
  return std::aligned_alloc(alignment, bytes);
#endif
}

}  // namespace

Arena::Arena(std::size_t bytes) {
  if (bytes == 0) return;
  if (bytes >= kHugePage) {
    const Pages pages = take_pages(bytes);
    data_ = pages.data;
    mapped_ = pages.bytes;
    zeroed_ = pages.zeroed;
  }
  if (data_ == nullptr) {
    const std::size_t alignment = bytes >= kHugePage ? kHugePage : kCacheLine;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    if (rounded >= bytes) data_ = static_cast<std::byte*>(allocate(alignment, rounded));
  }
  if (data_ == nullptr) {
    throw Error("ERR_MEMORY", "cannot allocate " + std::to_string(bytes) + " bytes");
  }
  bytes_ = bytes;
  live.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
}

Arena::~Arena() { release(); }

Arena::Arena(Arena&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      zeroed_(other.zeroed_) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
    mapped_ = std::exchange(other.mapped_, 0);
    zeroed_ = other.zeroed_;
  }
  return *this;
}

std::int64_t Arena::live_bytes() noexcept { return live.load(std::memory_order_relaxed); }

std::int64_t Arena::kept_bytes() noexcept { return kept_page_bytes(); }

void Arena::release() noexcept {
  if (data_ == nullptr) return;
  if (mapped_ > 0) {
    give_pages(data_, mapped_, kMostKeptBytes);
  } else {
#if defined(_WIN32)
    _aligned_free(data_);
#else
    std::free(data_);
#endif
  }
  live.fetch_sub(static_cast<std::int64_t>(bytes_), std::memory_order_relaxed);
}

}  // namespace stridenet
