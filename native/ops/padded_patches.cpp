#include "ops/padded_patches.h"

#include <algorithm>
#include <cstring>

#include "ops/gemm.h"

namespace stridenet {

namespace {

constexpr std::int64_t kShortRunBytes = 128;
// The copy may be this much larger than the images: padding has no bound.
constexpr std::int64_t kMostGrowth = 3;
// Readable behind the copy, so that the gathering never needs to be careful.
constexpr std::int64_t kSlack = 64;

template <class T>
std::int64_t padded_height(const Patches<T>& x) {
  return (x.out_height - 1) * x.stride_h + (x.taps_h - 1) * x.dilation_h + 1;
}
template <class T>
std::int64_t padded_width(const Patches<T>& x) {
  return (x.out_width - 1) * x.stride_w + (x.taps_w - 1) * x.dilation_w + 1;
}

}  // namespace

template <class T>
void pad_row(const Patches<T>& x, const T* from, std::int64_t width, T* to) {
  const std::int64_t first = std::clamp<std::int64_t>(-x.origin_w, 0, width);
  const std::int64_t last = std::clamp<std::int64_t>(x.width - x.origin_w, first, width);
  if (from == nullptr || first == last) {
    std::fill_n(to, width * x.channels, T{0});
    return;
  }
  std::fill_n(to, first * x.channels, T{0});
  from += (x.origin_w + first) * x.pixel_size;
  if (x.pixel_size == x.channels) {
    std::memcpy(to + first * x.channels, from,
                static_cast<std::size_t>((last - first) * x.channels) * sizeof(T));
  } else {
    for (std::int64_t w = first; w < last; ++w, from += x.pixel_size) {
      std::copy_n(from, x.channels, to + w * x.channels);
    }
  }
  std::fill_n(to + last * x.channels, (width - last) * x.channels, T{0});
}

template <class T>
std::int64_t padded_elements(const Patches<T>& x, std::int64_t batch) {
  if (x.taps_h == 0 || x.taps_w == 0 || x.out_height == 0 || x.out_width == 0) return 0;
  const std::int64_t height = padded_height(x);
  const std::int64_t width = padded_width(x);
  const bool inside = x.origin_h >= 0 && x.origin_w >= 0 && x.origin_h + height <= x.height &&
                      x.origin_w + width <= x.width;
  const std::int64_t run = x.taps_w * x.channels * static_cast<std::int64_t>(sizeof(T));
  if (inside || run > kShortRunBytes || height > kMostGrowth * x.height ||
      width > kMostGrowth * x.width) {
    return 0;
  }
  return batch * height * width * x.channels + kSlack;
}

template <class T>
Patches<T> pad_patches(const Run& run, const Patches<T>& x, std::int64_t batch, T* to) {
  Patches<T> padded = x;
  padded.height = padded_height(x);
  padded.width = padded_width(x);
  padded.pixel_size = x.channels;
  padded.row_size = padded.width * x.channels;
  padded.image_size = padded.height * padded.row_size;
  padded.origin_h = 0;
  padded.origin_w = 0;
  padded.image = to;
  padded.end = to + batch * padded.image_size + kSlack;
  limit_threads(run, batch * padded.image_size * 8).parallel_for(batch, [&](std::int64_t n) {
    for (std::int64_t i = 0; i < padded.height; ++i) {
      const std::int64_t h = x.origin_h + i;
      const T* from =
          h < 0 || h >= x.height ? nullptr : x.image + n * x.image_size + h * x.row_size;
      pad_row(x, from, padded.width, to + n * padded.image_size + i * padded.row_size);
    }
  });
  return padded;
}

#define STRIDENET_INSTANTIATE(T)                                             \
  template void pad_row<T>(const Patches<T>&, const T*, std::int64_t, T*);   \
  template std::int64_t padded_elements<T>(const Patches<T>&, std::int64_t); \
  template Patches<T> pad_patches<T>(const Run&, const Patches<T>&, std::int64_t, T*);
STRIDENET_INSTANTIATE(float)
STRIDENET_INSTANTIATE(double)
#undef STRIDENET_INSTANTIATE

}  // namespace stridenet
