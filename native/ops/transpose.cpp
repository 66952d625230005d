#include <algorithm>
#include <cstring>

#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// A transposition with sizes of 1 left out and axes that stay neighbours merged. The sizes are
/// those of y, `stride` the elements of x that an axis of y steps over. Axis 0 is the batch when
/// the operand is batched: its size then comes with the step.
struct Moves {
  int rank = 0;
  std::int64_t size[kMaxRank] = {};
  std::int64_t stride[kMaxRank] = {};
};

constexpr std::int64_t kTile = 16;

/// y[i, j] = x[i + j · pitch] for i < rows, j < columns, in tiles that stay in the cache.
template <class T>
void transpose_plane(const T* x, std::int64_t pitch, T* y, std::int64_t rows,
                     std::int64_t columns) {
  for (std::int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const std::int64_t i1 = std::min(rows, i0 + kTile);
    for (std::int64_t j0 = 0; j0 < columns; j0 += kTile) {
      const std::int64_t j1 = std::min(columns, j0 + kTile);
      for (std::int64_t i = i0; i < i1; ++i) {
        for (std::int64_t j = j0; j < j1; ++j) y[i * columns + j] = x[i + j * pitch];
      }
    }
  }
}

/// The last two axes of y from x.
template <class T>
void move_plane(const T* x, T* y, std::int64_t rows, std::int64_t row_stride, std::int64_t columns,
                std::int64_t column_stride) {
  if (row_stride == 1) {
    transpose_plane(x, column_stride, y, rows, columns);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* from = x + i * row_stride;
    T* to = y + i * columns;
    if (column_stride == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(columns) * sizeof(T));
    } else {
      for (std::int64_t j = 0; j < columns; ++j) to[j] = from[j * column_stride];
    }
  }
}

template <class T>
class Transpose : public Instruction {
 public:
  explicit Transpose(const Moves& moves) : moves_(moves) {}

  void run(const Run& run) const override {
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    const Moves& m = moves_;
    const std::int64_t count = run.outputs[0].elements();
    if (count == 0) return;
    if (m.rank < 2) {
      for_pieces(run, count, 4 * kGrain, [&](std::int64_t begin, std::int64_t end) {
        std::memcpy(y + begin, x + begin, static_cast<std::size_t>(end - begin) * sizeof(T));
      });
      return;
    }
    const std::int64_t rows = m.size[m.rank - 2];
    const std::int64_t columns = m.size[m.rank - 1];
    const std::int64_t row_stride = m.stride[m.rank - 2];
    const std::int64_t column_stride = m.stride[m.rank - 1];
    // Bands of a plane, so that one large plane is shared out too.
    const std::int64_t band =
        std::min(rows, std::max(kTile, rows_of_grain(columns) / kTile * kTile));
    const std::int64_t bands = (rows + band - 1) / band;
    const std::int64_t planes = count / (rows * columns);
    for_pieces(run, planes * bands, rows_of_grain(band * columns),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t task = begin; task < end; ++task) {
                   const std::int64_t plane = task / bands;
                   const std::int64_t first = task % bands * band;
                   move_plane(x + plane_offset(plane) + first * row_stride,
                              y + (plane * rows + first) * columns, std::min(band, rows - first),
                              row_stride, columns, column_stride);
                 }
               });
  }

 private:
  /// Where plane number `plane` of y begins in x.
  std::int64_t plane_offset(std::int64_t plane) const {
    std::int64_t offset = 0;
    for (int axis = moves_.rank - 3; axis > 0; --axis) {
      offset += plane % moves_.size[axis] * moves_.stride[axis];
      plane /= moves_.size[axis];
    }
    return moves_.rank > 2 ? offset + plane * moves_.stride[0] : 0;
  }

  Moves moves_;
};

Moves moves_of(const TensorSpec& x, const std::vector<std::int64_t>& axes) {
  const std::size_t rank = x.shape.size();
  std::int64_t strides[kMaxRank] = {};
  std::int64_t stride = 1;
  for (std::size_t axis = rank; axis-- > 0;) {
    strides[axis] = stride;
    stride *= x.shape[axis];
  }
  Moves moves;
  for (std::size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<std::size_t>(axes[i]);
    const std::int64_t size = x.shape[axis];
    // The batch keeps an axis of its own: its size is not known yet.
    const bool batch = x.batched && i == 0;
    if (size == 1 && !batch) continue;
    const int last = moves.rank - 1;
    const bool mergeable =
        last >= 0 && !(x.batched && last == 0) && moves.stride[last] == size * strides[axis];
    if (mergeable) {
      moves.size[last] *= size;
      moves.stride[last] = strides[axis];
    } else {
      moves.size[moves.rank] = size;
      moves.stride[moves.rank] = strides[axis];
      ++moves.rank;
    }
  }
  // What is left in order moves nothing; a batch on its own rows is then a copy as well.
  bool moved = false;
  std::int64_t expected = 1;
  for (int axis = moves.rank - 1; axis >= 0; --axis) {
    moved = moved || moves.stride[axis] != expected;
    expected *= moves.size[axis];
  }
  if (!moved) moves.rank = 0;
  return moves;
}

}  // namespace

std::unique_ptr<Instruction> prepare_transpose(const Call& call, const KernelTable&) {
  expect_operands(call, 1, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  const std::size_t rank = x.shape.size();
  const std::vector<std::int64_t> axes =
      call.attributes.integers("axes", rank, 0, static_cast<std::int64_t>(rank) - 1);
  std::vector<bool> seen(rank, false);
  std::vector<std::int64_t> shape;
  for (const std::int64_t axis : axes) {
    if (seen[static_cast<std::size_t>(axis)]) refuse("an axis occurs twice in attribute 'axes'");
    seen[static_cast<std::size_t>(axis)] = true;
    shape.push_back(x.shape[static_cast<std::size_t>(axis)]);
  }
  if (x.batched && axes[0] != 0) refuse("the batch must stay the first axis");
  expect_tensor(required_output(call, 0, "y"), "y", x.dtype, shape, x.batched);
  const Moves moves = x.elements() == 0 ? Moves{} : moves_of(x, axes);
  switch (x.dtype) {
    case DType::float32:
      return std::make_unique<Transpose<float>>(moves);
    case DType::float64:
      return std::make_unique<Transpose<double>>(moves);
    case DType::int32:
      return std::make_unique<Transpose<std::int32_t>>(moves);
    case DType::uint8:
      break;
  }
  return std::make_unique<Transpose<std::uint8_t>>(moves);
}

}  // namespace stridenet
