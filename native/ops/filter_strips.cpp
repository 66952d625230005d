#include "ops/filter_strips.h"

#include <algorithm>

#include "core/divide.h"

namespace stridenet {

namespace {

/// Inputs that `outputs` neighbouring outputs of an axis meet at most.
std::int64_t span(std::int64_t outputs, std::int64_t stride, std::int64_t taps,
                  std::int64_t dilation, std::int64_t size) {
  return std::min((outputs - 1) * stride + (taps - 1) * dilation + 1, size);
}

}  // namespace

FilterStrips::FilterStrips(const Convolution& conv, std::int64_t most) : conv_(conv) {
  columns_ = even_piece(conv.q, most);
  rows_ = columns_ < conv.q ? 1 : even_piece(conv.p, std::max<std::int64_t>(1, most / conv.q));
  images_ =
      rows_ < conv.p || columns_ < conv.q ? 1 : std::max<std::int64_t>(1, most / (conv.p * conv.q));
}

std::int64_t FilterStrips::count(std::int64_t images) const {
  return ceil_divide(images, images_) * ceil_divide(conv_.p, rows_) *
         ceil_divide(conv_.q, columns_);
}

Strip FilterStrips::at(std::int64_t index, std::int64_t images) const {
  const std::int64_t column_pieces = ceil_divide(conv_.q, columns_);
  const std::int64_t row_pieces = ceil_divide(conv_.p, rows_);
  Strip strip = {};
  strip.q0 = index % column_pieces * columns_;
  strip.q1 = std::min(strip.q0 + columns_, conv_.q);
  index /= column_pieces;
  strip.p0 = index % row_pieces * rows_;
  strip.p1 = std::min(strip.p0 + rows_, conv_.p);
  strip.n0 = index / row_pieces * images_;
  strip.n1 = std::min(strip.n0 + images_, images);
  const auto clip = [](std::int64_t value, std::int64_t size) {
    return std::clamp<std::int64_t>(value, 0, size);
  };
  strip.h0 = clip(strip.p0 * conv_.stride_h - conv_.top, conv_.h);
  strip.h1 = clip(
      (strip.p1 - 1) * conv_.stride_h - conv_.top + (conv_.r - 1) * conv_.dilation_h + 1, conv_.h);
  strip.w0 = clip(strip.q0 * conv_.stride_w - conv_.left, conv_.w);
  strip.w1 = clip(
      (strip.q1 - 1) * conv_.stride_w - conv_.left + (conv_.s - 1) * conv_.dilation_w + 1, conv_.w);
  return strip;
}

std::int64_t FilterStrips::most_places() const {
  // More fit nowhere.
  constexpr std::int64_t most = std::int64_t{1} << 24;
  return std::min(most, images_ * span(rows_, conv_.stride_h, conv_.r, conv_.dilation_h, conv_.h) *
                            span(columns_, conv_.stride_w, conv_.s, conv_.dilation_w, conv_.w));
}

std::int64_t FilterStrips::place(const Strip& strip, std::int64_t w) const {
  const std::int64_t width = strip.w1 - strip.w0;
  const std::int64_t residue = (w - strip.w0) % conv_.stride_w;
  const std::int64_t longer = std::min(residue, width % conv_.stride_w);
  return residue * (width / conv_.stride_w) + longer + (w - strip.w0) / conv_.stride_w;
}

Met meet(std::int64_t begin, std::int64_t end, std::int64_t stride, std::int64_t offset,
         std::int64_t size) {
  const std::int64_t first = offset >= 0 ? begin : std::max(begin, ceil_divide(-offset, stride));
  const std::int64_t last = size <= offset ? begin : (size - 1 - offset) / stride + 1;
  return {first, std::max(first, std::min(last, end))};
}

}  // namespace stridenet
