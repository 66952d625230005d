#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/arena.h"
#include "core/divide.h"
#include "ops/gemm.h"

namespace stridenet {

// What the ways to multiply share.

inline constexpr std::int64_t kTasks = 32;  // wanted of a product that is large enough

// What a task holds in the second cache: the part of B that all its rows pass, and its part of C
// when that is added to again.
inline constexpr std::int64_t kSlabBytes = 512 << 10;
inline constexpr std::int64_t kResultBytes = 256 << 10;

/// What a thread packs into.
struct Buffers {
  static constexpr std::size_t kBytes = kThreadBytes;
  static constexpr std::size_t kABytes = std::size_t{640} << 10;
  static constexpr std::size_t kBBytes = std::size_t{1344} << 10;
  static constexpr std::int64_t kOffsets =
      static_cast<std::int64_t>((kBytes - kABytes - kBBytes) / sizeof(std::int64_t));
  Arena arena{kBytes};

  template <class T>
  T* a() {
    return reinterpret_cast<T*>(arena.data());
  }
  template <class T>
  T* b() {
    return reinterpret_cast<T*>(arena.data() + kABytes);
  }
  std::int64_t* offsets() {
    return reinterpret_cast<std::int64_t*>(arena.data() + kABytes + kBBytes);
  }
};

Buffers& thread_buffers();

/// A cut of `count` rows or columns into panels, and of the panels into blocks of which none has a
/// panel more than another.
struct Cut {
  std::int64_t count;
  std::int64_t panel;  // rows of a panel
  std::int64_t panels;
  std::int64_t blocks;

  /// The first row of a block, or the end of the last.
  std::int64_t first(std::int64_t block) const {
    return blocks == 0 ? count : std::min(count, block * panels / blocks * panel);
  }
  std::int64_t size(std::int64_t block) const { return first(block + 1) - first(block); }
  std::int64_t most_panels() const { return blocks == 0 ? 0 : ceil_divide(panels, blocks); }
};

inline Cut make_cut(std::int64_t count, std::int64_t panel, std::int64_t most_panels) {
  const std::int64_t panels = ceil_divide(count, panel);
  return {count, panel, panels, ceil_divide(panels, most_panels)};
}

/// Steps of packed panels.
inline void set_steps(const GemmTile& tile, PanelLayout layout, std::int64_t& row,
                      std::int64_t& depth) {
  row = layout == PanelLayout::depth_major  ? 1
        : layout == PanelLayout::short_rows ? kShortPitch
                                            : row_pitch(tile);
  depth = layout == PanelLayout::depth_major ? tile.rows : 1;
}

}  // namespace stridenet
