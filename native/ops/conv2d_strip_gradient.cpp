#include "ops/conv2d_strip_gradient.h"

#include <algorithm>

#include "core/divide.h"
#include "ops/conv2d_patches.h"
#include "ops/filter_strips.h"
#include "ops/gemm.h"
#include "ops/parallel.h"

namespace stridenet {

namespace {

/// Whether strips are better than patches: the fewer taps read what was packed, the more it must
/// be multiplied with.
bool suits_strips(const Convolution& conv) {
  if (conv.group_filters() == 0) return false;
  // Where filters cover most of an image, strips are rows of few pixels.
  const double met = static_cast<double>(conv.p) * static_cast<double>(conv.q) *
                     static_cast<double>(conv.stride_h) * static_cast<double>(conv.stride_w);
  if (4 * met < static_cast<double>(conv.h) * static_cast<double>(conv.w)) return false;
  const std::int64_t readers = conv.taps() / conv.stride_h / conv.stride_w;
  // Fewer channels leave most of a vector empty, which patches fill.
  if (readers >= 5) return conv.group_channels() >= 4;
  if (readers == 0) return false;
  const std::int64_t least = readers == 4 ? 8 : readers >= 2 ? 32 : 48;
  return conv.group_channels() >= least && conv.group_filters() >= least;
}

/// xᵀ · dy tap by tap over packed strips.
template <class T>
class StripFilterGradient final : public Instruction {
 public:
  StripFilterGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels), conv_(conv), strips_(conv, kernels.tile.depth) {
    const GemmTile& tile = kernels_.tile;
    // Filters are written along their channels faster than across.
    x_first_ = waste(conv_.group_channels(), conv_.group_filters()) * 10 <
               waste(conv_.group_filters(), conv_.group_channels()) * 9;
    rows_ = x_first_ ? conv_.group_channels() : conv_.group_filters();
    columns_ = x_first_ ? conv_.group_filters() : conv_.group_channels();
    panel_ = even_piece(rows_, tile.rows);
    row_share_ = ceil_divide(rows_, panel_);
    column_share_ = ceil_divide(columns_, tile.columns);
    while (!fits()) {
      if (!share_out()) break;
    }
    const std::int64_t wanted = ceil_divide(kTasks, chunks(conv_.n));
    while (blocks() < wanted && share_out()) {
    }
  }

  /// Whether the smallest panels of a strip fit into a thread's memory.
  bool fits() const {
    constexpr auto size = static_cast<std::int64_t>(sizeof(T));
    const std::int64_t result =
        conv_.taps() * row_share_ * panel_ * column_share_ * kernels_.tile.columns * size;
    const bool smallest = row_share_ == 1 && column_share_ == 1;
    return (result <= kResultBytes || smallest) &&
           (a_elements() + b_elements()) * size <= kThreadBytes - segment_bytes();
  }

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(chunks(conv_.n) * partial_size()) * sizeof(T);
  }

  void run(const Run& run) const override {
    const std::int64_t images = run.inputs[0].shape[0];
    const std::int64_t parts = chunks(images);
    // One part of one tap is the filters as they are wanted.
    const bool in_place = parts == 1 && conv_.taps() == 1 && !x_first_;
    for (std::int64_t group = 0; group < conv_.groups; ++group) {
      T* to = run.outputs[0].as<T>() + group * partial_size();
      T* partial = in_place ? to : reinterpret_cast<T*>(run.scratch);
      run.parallel_for(parts * blocks(), [&](std::int64_t task) {
        run_task(run, group, images, {task / blocks(), parts, task % blocks(), partial});
      });
      if (!in_place) combine(run, partial, parts, to);
    }
  }

 private:
  /// Multiply-adds per product when `rows` are broadcast and `columns` lie in vectors.
  std::int64_t waste(std::int64_t rows, std::int64_t columns) const {
    const std::int64_t panels = ceil_divide(rows, kernels_.tile.rows);
    return panels * ceil_divide(rows, panels) * ceil_divide(columns, kernels_.lanes) *
           kernels_.lanes;
  }

  std::int64_t partial_size() const { return conv_.patch() * conv_.group_filters(); }

  std::int64_t blocks() const {
    return ceil_divide(ceil_divide(rows_, panel_), row_share_) *
           ceil_divide(ceil_divide(columns_, kernels_.tile.columns), column_share_);
  }

  bool share_out() {
    if (row_share_ == 1 && column_share_ == 1) return false;
    const bool by_rows =
        column_share_ == 1 ||
        (row_share_ > 1 && row_share_ * panel_ >= column_share_ * kernels_.tile.columns);
    std::int64_t& share = by_rows ? row_share_ : column_share_;
    share = (share + 1) / 2;
    return true;
  }

  /// Elements of a panel of A or B, which are x's or dy's.
  std::int64_t a_stride() const {
    return (x_first_ ? strips_.most_places() : strips_.most_pixels()) * kernels_.tile.rows +
           kPanelSlack;
  }
  std::int64_t b_stride() const {
    return (x_first_ ? strips_.most_pixels() : strips_.most_places()) * kernels_.tile.columns;
  }
  std::int64_t a_elements() const { return whole_lines<T>(row_share_ * a_stride()); }
  std::int64_t b_elements() const { return whole_lines<T>(column_share_ * b_stride()); }
  std::int64_t segment_bytes() const {
    return 2 * strips_.most_rows() * static_cast<std::int64_t>(sizeof(std::int64_t));
  }

  /// Parts of the strips that are summed apart.
  std::int64_t chunks(std::int64_t images) const {
    const std::int64_t pixels = images * conv_.p * conv_.q;
    const double operations = 2.0 * static_cast<double>(pixels) *
                              static_cast<double>(std::max<std::int64_t>(1, partial_size()));
    const auto by_work = static_cast<std::int64_t>(std::min(32.0, operations / kChunkOperations));
    const std::int64_t by_memory = kPartialElements / std::max<std::int64_t>(1, partial_size());
    return std::max<std::int64_t>(1, std::min({by_work, by_memory, pixels / kChunkPixels}));
  }

  /// A task: one chunk of the strips, one block of the result.
  struct Task {
    std::int64_t chunk, chunks, block;
    T* partial;  // result of the first chunk
  };

  void run_task(const Run& run, std::int64_t group, std::int64_t images, const Task& task) const {
    const std::int64_t row_panels = ceil_divide(rows_, panel_);
    const std::int64_t row_blocks = ceil_divide(row_panels, row_share_);
    Block part = {};
    part.row = task.block % row_blocks * row_share_ * panel_;
    part.rows = std::min(row_share_ * panel_, rows_ - part.row);
    part.column = task.block / row_blocks * column_share_ * kernels_.tile.columns;
    part.columns = std::min(column_share_ * kernels_.tile.columns, columns_ - part.column);
    part.a = reinterpret_cast<T*>(thread_memory());
    part.b = part.a + a_elements();
    part.offsets = reinterpret_cast<std::int64_t*>(part.b + b_elements());
    part.c = task.partial + task.chunk * partial_size() + part.row * columns_ + part.column;
    const std::int64_t count = strips_.count(images);
    const std::int64_t first = task.chunk * count / task.chunks;
    const std::int64_t last = (task.chunk + 1) * count / task.chunks;
    part.x = run.inputs[0].as<T>() + group * conv_.group_channels() +
             (x_first_ ? part.row : part.column);
    part.dy =
        run.inputs[1].as<T>() + group * conv_.group_filters() + (x_first_ ? part.column : part.row);
    if (first == last) clear(part);
    for (std::int64_t index = first; index < last; ++index) {
      const Strip strip = strips_.at(index, images);
      pack_x(strip, part);
      pack_dy(strip, part);
      part.accumulate = index > first;
      for (std::int64_t r = 0; r < conv_.r; ++r) add_tap_row(strip, part, r);
    }
  }

  struct Block {
    std::int64_t row, rows, column, columns;  // of the result
    T* a;
    T* b;
    std::int64_t* offsets;
    const T* x;  // at the block's first channel, and at its first filter
    const T* dy;
    T* c;
    bool accumulate;
  };

  void clear(const Block& part) const {
    for (std::int64_t row = 0; row < conv_.taps() * part.rows; ++row) {
      std::fill_n(part.c + (row / part.rows * rows_ + row % part.rows) * columns_, part.columns,
                  T{0});
    }
  }

  /// `pixels` rows of a matrix, `pitch` apart, to place `place` of A's or B's panels.
  void pack(const T* from, std::int64_t pitch, std::int64_t pixels, bool rows, std::int64_t place,
            const Block& part) const {
    const GemmTile& tile = kernels_.tile;
    if (rows) {
      kernels_.pack_across(from, pitch, part.rows, pixels, part.a + place * tile.rows,
                           static_cast<int>(panel_), tile.rows, a_stride());
    } else {
      kernels_.pack_across(from, pitch, part.columns, pixels, part.b + place * tile.columns,
                           tile.columns, tile.columns, b_stride());
    }
  }

  /// Place (image, row, column by residue) of x's panels, for the rows and columns that taps meet.
  void pack_x(const Strip& strip, const Block& part) const {
    const std::int64_t width = strip.w1 - strip.w0;
    const std::int64_t height = strip.h1 - strip.h0;
    const std::int64_t residues = std::min(conv_.stride_w, width);
    for (std::int64_t n = strip.n0; n < strip.n1; ++n) {
      const std::int64_t place = (n - strip.n0) * height * width;
      const T* image = part.x + ((n * conv_.h + strip.h0) * conv_.w + strip.w0) * conv_.c;
      if (conv_.stride_w == 1 && width == conv_.w) {
        pack(image, conv_.c, height * width, x_first_, place, part);
        continue;
      }
      for (std::int64_t h = 0; h < height; ++h) {
        if (!is_met(strip, strip.h0 + h)) continue;
        for (std::int64_t residue = 0; residue < residues; ++residue) {
          if (!is_column_met(strip.w0 + residue)) continue;
          pack(image + (h * conv_.w + residue) * conv_.c, conv_.stride_w * conv_.c,
               ceil_divide(width - residue, conv_.stride_w), x_first_,
               place + h * width + strips_.place(strip, strip.w0 + residue), part);
        }
      }
    }
  }

  /// Whether a tap of the strip's rows meets row h of x.
  bool is_met(const Strip& strip, std::int64_t h) const {
    for (std::int64_t r = 0; r < conv_.r; ++r) {
      const std::int64_t start = h + conv_.top - r * conv_.dilation_h;
      if (start >= strip.p0 * conv_.stride_h && start < strip.p1 * conv_.stride_h &&
          start % conv_.stride_h == 0) {
        return true;
      }
    }
    return false;
  }

  /// Whether a tap meets columns of x with w's residue.
  bool is_column_met(std::int64_t w) const {
    for (std::int64_t t = 0; t < conv_.s; ++t) {
      if ((w + conv_.left - t * conv_.dilation_w) % conv_.stride_w == 0) return true;
    }
    return false;
  }

  void pack_dy(const Strip& strip, const Block& part) const {
    // Several rows or images only when nothing of them is left out.
    const std::int64_t start = (strip.n0 * conv_.p + strip.p0) * conv_.q + strip.q0;
    pack(part.dy + start * conv_.k, conv_.k, (strip.n1 - strip.n0) * strip.rows() * strip.columns(),
         !x_first_, 0, part);
  }

  /// Adds the strip's share of the taps of filter row r.
  void add_tap_row(const Strip& strip, const Block& part, std::int64_t r) const {
    const GemmTile& tile = kernels_.tile;
    const std::int64_t width = strip.w1 - strip.w0;
    const std::int64_t height = strip.h1 - strip.h0;
    const std::int64_t x_step = x_first_ ? tile.rows : tile.columns;
    const std::int64_t dy_step = x_first_ ? tile.columns : tile.rows;
    std::int64_t* x_offsets = part.offsets;
    std::int64_t* dy_offsets = part.offsets + strips_.most_rows();
    std::int64_t segments = 0;
    const std::int64_t offset = r * conv_.dilation_h - conv_.top;
    const Met met = meet(strip.p0, strip.p1, conv_.stride_h, offset, conv_.h);
    for (std::int64_t n = 0; n < strip.n1 - strip.n0; ++n) {
      for (std::int64_t p = met.first; p < met.last; ++p, ++segments) {
        const std::int64_t h = p * conv_.stride_h + offset - strip.h0;
        x_offsets[segments] = (n * height + h) * width * x_step;
        dy_offsets[segments] = (n * strip.rows() + p - strip.p0) * strip.columns() * dy_step;
      }
    }
    OuterProducts<T> call = {};
    call.a_step = tile.rows;
    call.b_step = tile.columns;
    call.a_offsets = x_first_ ? x_offsets : dy_offsets;
    call.b_offsets = x_first_ ? dy_offsets : x_offsets;
    call.c_pitch = columns_;
    call.accumulate = part.accumulate;
    for (std::int64_t column = 0; column < part.columns; column += tile.columns) {
      call.columns = static_cast<int>(std::min<std::int64_t>(tile.columns, part.columns - column));
      const T* b = part.b + column / tile.columns * b_stride();
      for (std::int64_t row = 0; row < part.rows; row += panel_) {
        call.rows = static_cast<int>(std::min(panel_, part.rows - row));
        const T* a = part.a + row / panel_ * a_stride();
        for (std::int64_t s = 0; s < conv_.s; ++s) {
          const std::int64_t shift = s * conv_.dilation_w - conv_.left;
          const Met columns = meet(strip.q0, strip.q1, conv_.stride_w, shift, conv_.w);
          call.depth = columns.last - columns.first;
          call.segments = call.depth > 0 ? segments : 0;
          std::int64_t x_start = 0;
          if (call.depth > 0) {
            x_start = strips_.place(strip, columns.first * conv_.stride_w + shift) * x_step;
          }
          const std::int64_t dy_start = (columns.first - strip.q0) * dy_step;
          call.a = a + (x_first_ ? x_start : dy_start);
          call.b = b + (x_first_ ? dy_start : x_start);
          call.c = part.c + ((r * conv_.s + s) * rows_ + row) * columns_ + column;
          kernels_.outer_products(call);
        }
      }
    }
  }

  /// Sums the partial results in order, into the first, and writes them as (K, C, R, S).
  void combine(const Run& run, T* partial, std::int64_t count, T* to) const {
    const std::int64_t taps = conv_.taps();
    const std::int64_t step = ceil_divide(kCombinedElements, taps * columns_ * count);
    limit_threads(run, partial_size() * count * 8)
        .parallel_for(ceil_divide(rows_, step), [&](std::int64_t piece) {
          const std::int64_t last = std::min((piece + 1) * step, rows_);
          for (std::int64_t row = piece * step; row < last; ++row) {
            for (std::int64_t tap = 0; tap < taps; ++tap) {
              T* sums = partial + (tap * rows_ + row) * columns_;
              for (std::int64_t i = 1; i < count; ++i) {
                const T* more = sums + i * partial_size();
                for (std::int64_t j = 0; j < columns_; ++j) sums[j] += more[j];
              }
            }
            write_row(partial + row * columns_, row, to);
          }
        });
  }

  /// Row `row` of every tap's result, to where its elements lie in the filters.
  void write_row(const T* from, std::int64_t row, T* to) const {
    const std::int64_t taps = conv_.taps();
    const std::int64_t pitch = rows_ * columns_;
    to += row * (x_first_ ? taps : conv_.patch());
    for (std::int64_t j = 0; j < columns_; ++j) {
      T* element = to + j * (x_first_ ? conv_.patch() : taps);
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        element[conv_.flipped ? taps - 1 - tap : tap] = from[tap * pitch + j];
      }
    }
  }

  static constexpr std::int64_t kTasks = 16;  // wanted at least
  static constexpr double kChunkOperations = 4e6;
  static constexpr std::int64_t kChunkPixels = 1024;
  static constexpr std::int64_t kPartialElements = 2'000'000;
  /// Of a task's result, which should stay in the second cache beside the panels.
  static constexpr std::int64_t kResultBytes = 320 << 10;
  static constexpr std::int64_t kCombinedElements = 1 << 15;

  const Kernels<T>& kernels_;
  Convolution conv_;
  FilterStrips strips_;
  bool x_first_;  // C's rows are x's channels, and its columns dy's filters
  std::int64_t rows_, columns_, panel_;
  std::int64_t row_share_, column_share_;  // panels of a task
};

template <class T>
std::unique_ptr<Instruction> make_strips(const Kernels<T>& kernels, const Convolution& conv) {
  auto instruction = std::make_unique<StripFilterGradient<T>>(kernels, conv);
  if (!instruction->fits()) return nullptr;
  return instruction;
}

}  // namespace

std::unique_ptr<Instruction> make_strip_filter_gradient(DType dtype, const KernelTable& table,
                                                        const Convolution& conv) {
  if (!suits_strips(conv)) return nullptr;
  if (dtype == DType::float32) return make_strips(table.float32, conv);
  return make_strips(table.float64, conv);
}

}  // namespace stridenet
