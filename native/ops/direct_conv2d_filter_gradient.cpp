#include <algorithm>

#include "core/divide.h"
#include "ops/direct_conv2d.h"
#include "ops/direct_strips.h"
#include "ops/gemm.h"

namespace stridenet {

namespace {

/// Pixels and bytes of rows whose products with dy are summed in registers.
constexpr std::int64_t kChainPixels = 512;
constexpr std::int64_t kRowsBytes = 384 << 10;
constexpr std::int64_t kMostParts = 16;
constexpr std::int64_t kMostPartialElements = 2'000'000;

template <class T>
class DirectConv2dFilterGradient final : public Instruction {
 public:
  DirectConv2dFilterGradient(const Kernels<T>& kernels, const Convolution& conv)
      : kernels_(kernels),
        conv_(conv),
        strips_(kernels, forward_grouping(conv), conv.w),
        rows_(forward_pass(conv.p, conv.stride_h, conv.top, conv.r, conv.dilation_h)),
        columns_(forward_pass(conv.q, conv.stride_w, conv.left, conv.s, conv.dilation_w)) {}

  std::size_t scratch_bytes() const override {
    return static_cast<std::size_t>(parts(conv_.n * conv_.p) * part_elements()) * sizeof(T);
  }

  void run(const Run& run) const override {
    const std::int64_t rows = run.inputs[0].shape[0] * conv_.p;
    const std::int64_t height = part_rows(rows);
    const std::int64_t count = std::max<std::int64_t>(1, (rows + height - 1) / height);
    T* partial = reinterpret_cast<T*>(run.scratch);
    run.parallel_for(count, [&](std::int64_t part) {
      T* sums = partial + part * part_elements();
      std::fill_n(sums, part_elements(), T{0});
      const std::int64_t end = std::min(rows, (part + 1) * height);
      for (std::int64_t row = part * height; row < end;) {
        row += add_rows(run, row, end, sums);
      }
    });
    combine(run, partial, count);
  }

 private:
  std::int64_t size() const { return conv_.patch() * conv_.k; }
  std::int64_t part_elements() const { return whole_lines<T>(size()); }

  /// Parts of the rows of dy that are summed apart.
  std::int64_t parts(std::int64_t rows) const {
    const double operations =
        2.0 * static_cast<double>(size()) * static_cast<double>(rows * conv_.q);
    const auto by_work =
        static_cast<std::int64_t>(std::min<double>(kMostParts, operations / kDirectTaskOperations));
    return std::max<std::int64_t>(1, std::min({by_work, rows, kMostPartialElements / size()}));
  }

  /// Rows of a part: whole images, or pairs.
  std::int64_t part_rows(std::int64_t rows) const {
    const std::int64_t count = parts(rows);
    const std::int64_t unit = rows / count >= conv_.p ? std::max<std::int64_t>(1, conv_.p) : 2;
    return std::max<std::int64_t>(1, (rows + count * unit - 1) / (count * unit)) * unit;
  }

  /// Rows of dy that a call of the kernel adds.
  std::int64_t most_rows() const {
    const std::int64_t span = (conv_.r - 1) * conv_.dilation_h + 1;
    std::int64_t most = (strips_.most_rows() - span) / conv_.stride_h + 1;
    if (forward_grouping(conv_).plain()) {
      const std::int64_t bytes =
          (conv_.stride_h * conv_.w + conv_.q) * conv_.k * static_cast<std::int64_t>(sizeof(T));
      most =
          std::min(kChainPixels / std::max<std::int64_t>(1, conv_.q), kRowsBytes / bytes) / 2 * 2;
      if (most == 0) most = 2;
    }
    return std::max<std::int64_t>(1, most);
  }

  /// Whether x and dy come from memory, in more streams than the hardware foresees.
  bool fetches(const Run& run) const {
    const std::int64_t elements =
        run.inputs[0].shape[0] * (conv_.h * conv_.w * conv_.c + conv_.p * conv_.q * conv_.k);
    return elements >= kDirectStreamedBytes / static_cast<std::int64_t>(sizeof(T));
  }

  /// Adds rows of dy from `row` on, of one image and at most to `end`; returns how many.
  std::int64_t add_rows(const Run& run, std::int64_t row, std::int64_t end, T* sums) const {
    const std::int64_t n = row / conv_.p;
    const std::int64_t begin = row % conv_.p;
    const std::int64_t last = std::min({conv_.p, begin + end - row, begin + most_rows()});
    const T* image = run.inputs[0].as<T>() + n * conv_.h * conv_.w * conv_.c;
    const Rows needed = rows_of(rows_, begin, last, conv_.h);
    const std::int64_t block = strips_.block_channels();
    DirectConvFilterRows<T> rows = {};
    rows.rows = last - begin;
    rows.stride_h = conv_.stride_h;
    rows.dy_row_pitch = conv_.q * conv_.k;
    rows.ahead = fetches(run) ? rows.rows : 0;
    DirectConvFilterRow<T>& call = rows.first;
    call.dy_pitch = conv_.k;
    call.columns = conv_.q;
    call.dw_pitch = conv_.k;
    for (std::int64_t channel = 0; channel < conv_.k; channel += block) {
      call.input = strips_.input(image, needed, channel);
      call.channels = std::min(block, conv_.k - channel);
      call.dw = sums + channel;
      aim(call.input, rows_, columns_, begin, needed.first);
      call.dy = run.inputs[1].as<T>() + (n * conv_.p + begin) * rows.dy_row_pitch + channel;
      kernels_.direct_conv_filter_rows(rows);
    }
    return last - begin;
  }

  /// Sums the parts in order and writes them as (K, inner, R, S).
  void combine(const Run& run, T* partial, std::int64_t count) const {
    const std::int64_t taps = conv_.taps();
    const std::int64_t inner = conv_.group_channels();
    T* dw = run.outputs[0].as<T>();
    limit_threads(run, size() * count * 8).parallel_for(taps * inner, [&](std::int64_t element) {
      const std::int64_t tap = element / inner;
      T* to = dw + element % inner * taps + (conv_.flipped ? taps - 1 - tap : tap);
      T* sums = partial + element * conv_.k;
      for (std::int64_t i = 1; i < count; ++i) {
        kernels_.add_to(sums + i * part_elements(), sums, conv_.k);
      }
      for (std::int64_t k = 0; k < conv_.k; ++k) to[k * conv_.patch()] = sums[k];
    });
  }

  const Kernels<T>& kernels_;
  Convolution conv_;
  Strips<T> strips_;
  Pass rows_, columns_;
};

}  // namespace

std::unique_ptr<Instruction> make_direct_conv2d_filter_gradient(DType dtype,
                                                                const KernelTable& table,
                                                                const Convolution& conv) {
  const std::int64_t rows = (conv.r - 1) * conv.dilation_h + 1;
  if (conv.groups == 1 && !forward_grouping(conv).plain()) return nullptr;
  if (!is_direct(conv, forward_grouping(conv), conv.w, std::min(rows, conv.h), table, dtype)) {
    return nullptr;
  }
  return make_floating<DirectConv2dFilterGradient>(dtype, table, conv);
}

}  // namespace stridenet
