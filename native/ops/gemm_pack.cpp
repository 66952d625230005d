#include <algorithm>
#include <cstring>

#include "ops/gemm.h"

namespace stridenet {

template <class T>
std::int64_t packed_panel_stride(const GemmTile& tile, std::int64_t depth) {
  // Places in a second cache of 16 ways repeat after 64 KiB or a multiple.
  constexpr std::int64_t kPeriod = (64 << 10) / sizeof(T);
  constexpr std::int64_t kApart = (4 << 10) / sizeof(T);
  const std::int64_t elements = tile.columns * depth;
  if (elements < kPeriod - kApart) return elements;
  const std::int64_t rest = (elements + kApart) % kPeriod;
  return rest < 2 * kApart ? elements + 2 * kApart - rest : elements;
}

template <class T>
void pack_b(const Run& run, const GemmTile& tile, std::int64_t depth, std::int64_t columns, T* to,
            PackPanel<T> pack) {
  const std::int64_t stride = packed_panel_stride<T>(tile, depth);
  // Moving an element costs as much as a good number of operations.
  limit_threads(run, depth * columns * 16)
      .parallel_for((columns + tile.columns - 1) / tile.columns, [&](std::int64_t panel) {
        const std::int64_t first = panel * tile.columns;
        T* target = to + panel * stride;
        pack(first, std::min<std::int64_t>(tile.columns, columns - first), target);
        std::fill(target + tile.columns * depth, target + stride, T{0});
      });
}

template <class T>
void copy_rows(const GemmTile& tile, const T* from, std::int64_t pitch, const PackRange& range,
               const PanelTarget<T>& to) {
  const int row_step = to.layout == PanelLayout::short_rows ? kShortPitch : row_pitch(tile);
  for (std::int64_t i = 0; i < range.count; ++i) {
    std::memcpy(to.data + i / to.panel_rows * to.stride + i % to.panel_rows * row_step,
                from + (range.first + i) * pitch + range.k,
                static_cast<std::size_t>(range.depth) * sizeof(T));
  }
}

#define STRIDENET_INSTANTIATE(T)                                                        \
  template std::int64_t packed_panel_stride<T>(const GemmTile&, std::int64_t);          \
  template void pack_b<T>(const Run&, const GemmTile&, std::int64_t, std::int64_t, T*,  \
                          PackPanel<T>);                                                \
  template void copy_rows<T>(const GemmTile&, const T*, std::int64_t, const PackRange&, \
                             const PanelTarget<T>&);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
