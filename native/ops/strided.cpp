#include "ops/strided.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

// Elements are moved as what they are as long as that is: no dtype is looked at.
using Byte = std::uint8_t;
typedef std::uint32_t __attribute__((may_alias)) Word;
typedef std::uint64_t __attribute__((may_alias)) LongWord;

constexpr std::int64_t kTile = 16;
/// Rows shorter than this are not worth a call of memcpy.
constexpr std::int64_t kShortRow = 8;
/// Results of so many bytes leave the caches before anyone reads them.
constexpr std::int64_t kPastCaches = std::int64_t{1} << 24;

typedef Byte Bytes __attribute__((vector_size(kTile)));

/// A tile of kTile × kTile bytes: interleaving each row with the one half a tile below moves every
/// index bit one place on, so that after four times rows and columns have changed places.
void transpose_tile(const Byte* from, std::int64_t from_pitch, Byte* to, std::int64_t to_pitch) {
  Bytes rows[kTile];
  for (std::int64_t j = 0; j < kTile; ++j) std::memcpy(&rows[j], from + j * from_pitch, kTile);
  for (int turn = 0; turn < 4; ++turn) {
    Bytes next[kTile];
    for (int j = 0; j < kTile / 2; ++j) {
      next[2 * j] = __builtin_shufflevector(rows[j], rows[j + kTile / 2], 0, 16, 1, 17, 2, 18, 3,
                                            19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * j + 1] = __builtin_shufflevector(rows[j], rows[j + kTile / 2], 8, 24, 9, 25, 10, 26,
                                                11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    std::copy_n(next, kTile, rows);
  }
  for (std::int64_t i = 0; i < kTile; ++i) std::memcpy(to + i * to_pitch, &rows[i], kTile);
}

/// transpose_plane of bytes.
void transpose_bytes(const Byte* x, std::int64_t from_pitch, Byte* y, std::int64_t to_pitch,
                     std::int64_t rows, std::int64_t columns) {
  for (std::int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const std::int64_t i1 = std::min(rows, i0 + kTile);
    for (std::int64_t j0 = 0; j0 < columns; j0 += kTile) {
      const std::int64_t j1 = std::min(columns, j0 + kTile);
      if (i1 - i0 == kTile && j1 - j0 == kTile) {
        transpose_tile(x + i0 + j0 * from_pitch, from_pitch, y + i0 * to_pitch + j0, to_pitch);
        continue;
      }
      for (std::int64_t i = i0; i < i1; ++i) {
        for (std::int64_t j = j0; j < j1; ++j) y[i * to_pitch + j] = x[i + j * from_pitch];
      }
    }
  }
}

/// to[i · to_pitch + j] = from[i + j · from_pitch] for i < rows, j < columns.
void transpose_plane(const Kernels<float>* words, const Kernels<double>* long_words,
                     const void* from, std::int64_t from_pitch, void* to, std::int64_t to_pitch,
                     std::int64_t rows, std::int64_t columns, bool past_caches) {
  if (words != nullptr) {
    words->transpose_plane(static_cast<const float*>(from), from_pitch, static_cast<float*>(to),
                           to_pitch, rows, columns, past_caches);
  } else if (long_words != nullptr) {
    long_words->transpose_plane(static_cast<const double*>(from), from_pitch,
                                static_cast<double*>(to), to_pitch, rows, columns, past_caches);
  } else {
    transpose_bytes(static_cast<const Byte*>(from), from_pitch, static_cast<Byte*>(to), to_pitch,
                    rows, columns);
  }
}

void reverse(const KernelTable& table, const void* last, void* to, std::int64_t count,
             std::size_t bytes) {
  if (bytes == sizeof(float)) {
    table.float32.reverse(static_cast<const float*>(last), static_cast<float*>(to), count);
  } else if (bytes == sizeof(double)) {
    table.float64.reverse(static_cast<const double*>(last), static_cast<double*>(to), count);
  } else {
    const auto* x = static_cast<const Byte*>(last);
    auto* y = static_cast<Byte*>(to);
    for (std::int64_t j = 0; j < count; ++j) y[j] = x[-j];
  }
}

bool runs_on(const StridedAxis& outer, const StridedAxis& inner) {
  return outer.from == inner.size * inner.from && outer.to == inner.size * inner.to;
}

}  // namespace

StridedCopy::StridedCopy(DType dtype, std::vector<StridedAxis> axes, bool batched,
                         const KernelTable& table, std::int64_t from_offset, std::int64_t to_offset)
    : dtype_(dtype), table_(table), from_offset_(from_offset), to_offset_(to_offset) {
  for (std::size_t axis = batched ? 1 : 0; axis < axes.size(); ++axis) {
    empty_ = empty_ || axes[axis].size == 0;
  }
  if (empty_) return;
  if (batched) {
    // The size of the batch axis counts in batches.
    axes[0].size = 1;
    batch_axis_ = 0;
  }
  const auto first = axes.begin() + (batched ? 1 : 0);
  std::stable_sort(first, axes.end(),
                   [](const StridedAxis& a, const StridedAxis& b) { return a.to > b.to; });
  simplify(std::move(axes));
  choose_rows();
}

void StridedCopy::simplify(std::vector<StridedAxis> axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const bool batch = axis == 0 && batch_axis_ == 0;
    if (axes[axis].size == 1 && !batch) continue;
    if (!axes_.empty() && runs_on(axes_.back(), axes[axis])) {
      axes_.back() = {axes_.back().size * axes[axis].size, axes[axis].from, axes[axis].to};
    } else {
      axes_.push_back(axes[axis]);
    }
  }
  while (axes_.size() < 2) {
    axes_.insert(axes_.begin(), {1, 0, 0});
    if (batch_axis_ != kNone) ++batch_axis_;
  }
}

bool StridedCopy::transposes() const {
  const StridedAxis& rows = axes_[axes_.size() - 2];
  const StridedAxis& columns = axes_.back();
  return rows.from == 1 && columns.to == 1 && columns.from > 1;
}

void StridedCopy::choose_rows() {
  const StridedAxis columns = axes_.back();
  if (columns.from > 1 && columns.to == 1) {
    // A plane whose rows run on in `from` is transposed tile by tile.
    for (std::size_t axis = 0; axis + 2 < axes_.size(); ++axis) {
      if (axes_[axis].from != 1) continue;
      const auto first = axes_.begin() + static_cast<std::ptrdiff_t>(axis);
      std::rotate(first, first + 1, axes_.end() - 1);
      if (batch_axis_ == axis) {
        batch_axis_ = axes_.size() - 2;
      } else if (batch_axis_ != kNone && batch_axis_ > axis) {
        --batch_axis_;
      }
      return;
    }
  }
  // Long rows are cut; then each is a plane of its own.
  if (!transposes() && columns.size >= kGrain && axes_[axes_.size() - 2].size != 1) {
    axes_.insert(axes_.end() - 1, {1, 0, 0});
  }
}

template <class Element>
void StridedCopy::move(const Element* from, Element* to, const Plane& plane,
                       bool past_caches) const {
  const StridedAxis& rows = plane.rows;
  const StridedAxis& columns = plane.columns;
  const bool single = columns.size < kShortRow || columns.to != 1;
  if (transposes()) {
    transpose_plane(sizeof(Element) == sizeof(float) ? &table_.float32 : nullptr,
                    sizeof(Element) == sizeof(double) ? &table_.float64 : nullptr, from,
                    columns.from, to, rows.to, rows.size, columns.size, past_caches);
    return;
  }
  for (std::int64_t i = 0; i < rows.size; ++i, from += rows.from, to += rows.to) {
    if (single || std::abs(columns.from) != 1) {
      for (std::int64_t j = 0; j < columns.size; ++j) to[j * columns.to] = from[j * columns.from];
    } else if (columns.from == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(columns.size) * sizeof(Element));
    } else {
      reverse(table_, from, to, columns.size, sizeof(Element));
    }
  }
}

template <class Element>
void StridedCopy::run_as(const Run& run, const Element* from, Element* to,
                         std::int64_t batch) const {
  const std::size_t last = axes_.size() - 1;
  Plane whole{axes_[last - 1], axes_[last]};
  whole.rows.size = size_of(last - 1, batch);
  whole.columns.size = size_of(last, batch);
  std::int64_t planes = 1;
  for (std::size_t axis = 0; axis + 1 < last; ++axis) planes *= size_of(axis, batch);
  const std::int64_t count = planes * whole.rows.size * whole.columns.size;
  if (count == 0) return;
  const bool past_caches = count * static_cast<std::int64_t>(sizeof(Element)) >= kPastCaches;
  // Large planes are cut into bands: transpositions along the longer axis and in whole tiles.
  const bool tall = transposes() ? whole.rows.size >= whole.columns.size : whole.rows.size > 1;
  const std::int64_t along = tall ? whole.rows.size : whole.columns.size;
  const std::int64_t across = tall ? whole.columns.size : whole.rows.size;
  const std::int64_t share = rows_of_grain(across);
  const std::int64_t band =
      std::min(along, transposes() ? std::max(4 * kTile, share / kTile * kTile) : share);
  const std::int64_t bands = (along + band - 1) / band;
  for_pieces(
      run, planes * bands, rows_of_grain(band * across), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
          std::int64_t rest = task / bands;
          const std::int64_t first = task % bands * band;
          std::int64_t at_from = from_offset_;
          std::int64_t at_to = to_offset_;
          for (std::size_t axis = last - 1; axis-- > 0;) {
            const std::int64_t size = size_of(axis, batch);
            at_from += rest % size * axes_[axis].from;
            at_to += rest % size * axes_[axis].to;
            rest /= size;
          }
          Plane plane = whole;
          StridedAxis& cut = tall ? plane.rows : plane.columns;
          cut.size = std::min(band, along - first);
          move(from + at_from + first * cut.from, to + at_to + first * cut.to, plane, past_caches);
        }
      });
}

void StridedCopy::run(const Run& run, const void* from, void* to, std::int64_t batch) const {
  if (empty_) return;
  switch (element_size(dtype_)) {
    case sizeof(Word):
      run_as(run, static_cast<const Word*>(from), static_cast<Word*>(to), batch);
      break;
    case sizeof(LongWord):
      run_as(run, static_cast<const LongWord*>(from), static_cast<LongWord*>(to), batch);
      break;
    default:
      run_as(run, static_cast<const Byte*>(from), static_cast<Byte*>(to), batch);
      break;
  }
}

namespace {

class MakeCopy : public Instruction {
 public:
  explicit MakeCopy(StridedCopy copy) : copy_(std::move(copy)) {}
  void run(const Run& run) const override {
    const TensorView& y = run.outputs[0];
    copy_.run(run, run.inputs[0].data, y.data, y.rank > 0 ? y.shape[0] : 0);
  }

 private:
  StridedCopy copy_;
};

}  // namespace

std::unique_ptr<Instruction> make_copy(StridedCopy copy) {
  return std::make_unique<MakeCopy>(std::move(copy));
}

std::vector<std::int64_t> strides_of(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

}  // namespace stridenet
