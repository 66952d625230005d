#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "ops/parallel.h"

namespace stridenet {

/// How (rows, channels) is cut for sums over the rows, by these two numbers alone: as many rows as
/// fit into 64 columns are seen as one wide row, wide rows are cut into pieces and blocks of
/// columns. What is left when `fold` does not divide the rows is a piece of `channels` columns.
struct ChannelCut {
  ChannelCut(std::int64_t row_count, std::int64_t channel_count)
      : rows(row_count),
        channels(channel_count),
        fold(std::max<std::int64_t>(1, 64 / std::max<std::int64_t>(1, channel_count))),
        width(channel_count * fold),
        wide_rows(row_count / fold),
        rest(row_count % fold),
        block(std::clamp<std::int64_t>(width, 1, 256)),
        blocks((width + block - 1) / block),
        piece(std::clamp<std::int64_t>(2 * kGrain / block, 64, 256)),
        pieces((wide_rows + piece - 1) / piece) {}

  std::int64_t rows, channels;
  std::int64_t fold, width;
  std::int64_t wide_rows, rest;
  std::int64_t block, blocks;
  std::int64_t piece, pieces;

  /// Results of all pieces, at most, for this many rows or fewer.
  std::int64_t results() const { return (pieces + 1) * width; }

  /// Calls body(first element, rows, pitch, columns, first result, first column) for every piece.
  template <class Body>
  void for_each_piece(const Run& run, Body&& body) const {
    for_pieces(run, pieces * blocks, rows_of_grain(piece * block),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t unit = begin; unit < end; ++unit) {
                   const std::int64_t column = unit % blocks * block;
                   const std::int64_t first = unit / blocks * piece;
                   body(first * width + column, std::min(piece, wide_rows - first), width,
                        std::min(block, width - column), unit / blocks * width + column, column);
                 }
               });
    if (rest > 0) body(wide_rows * width, rest, channels, channels, pieces * width, 0);
  }

  /// Calls body(rows, result) for the results of one channel, in their order.
  template <class Body>
  void for_each_result(std::int64_t channel, Body&& body) const {
    for (std::int64_t p = 0; p < pieces; ++p) {
      const std::int64_t count = std::min(piece, wide_rows - p * piece);
      for (std::int64_t f = 0; f < fold; ++f) body(count, p * width + f * channels + channel);
    }
    if (rest > 0) body(rest, pieces * width + channel);
  }

  /// Calls body(begin, end) for pieces of the channels.
  template <class Body>
  void for_channels(const Run& run, Body&& body) const {
    for_pieces(run, channels, rows_of_grain(8 * (pieces + 1) * fold), body);
  }

  /// Calls body(first element, rows, columns) for rows that are worked on by themselves, the last
  /// ones first: those that for_each_piece has left in the caches.
  template <class Body>
  void for_rows(const Run& run, Body&& body) const {
    if (rest > 0) body(wide_rows * width, rest, channels);
    for_pieces(run, wide_rows, rows_of_grain(width), [&](std::int64_t begin, std::int64_t end) {
      body((wide_rows - end) * width, end - begin, width);
    });
  }

  /// Writes a channel's value for each of the rows in a wide row.
  template <class T>
  void spread(T* values, std::int64_t channel, T value) const {
    for (std::int64_t f = 0; f < fold; ++f) values[f * channels + channel] = value;
  }
};

/// Arrays one behind the other in a run's scratch, each aligned to 64 bytes; without memory it only
/// counts their bytes.
class ScratchArrays {
 public:
  explicit ScratchArrays(std::byte* memory) : memory_(memory) {}

  template <class T>
  T* take(std::int64_t count) {
    T* array = memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + bytes_);
    bytes_ += (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return array;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* memory_;
  std::size_t bytes_ = 0;
};

}  // namespace stridenet
