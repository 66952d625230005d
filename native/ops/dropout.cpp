#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/error.h"
#include "ops/checks.h"
#include "ops/parallel.h"

namespace stridenet {
namespace {

/// What is dropped: single elements, or whole channels.
struct Dropout {
  bool spatial;
  bool channels_last;
  double rate;
  std::uint32_t key[2];
  std::uint32_t stream;
  /// Of one sample when it matters where the channels are: spatial or channels last.
  std::int64_t channels;
  std::int64_t area;
};

template <class T>
class Drop : public Instruction {
 public:
  Drop(const Kernels<T>& kernels, const char* name, const Dropout& dropout)
      : kernels_(kernels), name_(name), dropout_(dropout) {}
  bool may_alias(int, int input) const override { return input == 0; }

  void run(const Run& run) const override {
    const DropoutMask<T> mask = mask_of(*run.inputs[1].as<double>());
    const std::int64_t count = run.inputs[0].elements();
    if (count == 0) return;
    const T* x = run.inputs[0].as<T>();
    T* y = run.outputs[0].as<T>();
    if (!dropout_.spatial && !dropout_.channels_last) {
      for_pieces(run, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
        kernels_.dropout_row(mask, begin, x + begin, y + begin, end - begin);
      });
    } else if (!dropout_.channels_last) {
      const std::int64_t area = dropout_.area;
      for_pieces(run, count / area, rows_of_grain(area), [&](std::int64_t begin, std::int64_t end) {
        drop_channels(mask, begin, end, x, y);
      });
    } else {
      const std::int64_t columns = (dropout_.channels + kTile - 1) / kTile;
      const std::int64_t bands = (dropout_.area + kTile - 1) / kTile;
      const std::int64_t samples = count / (dropout_.channels * dropout_.area);
      const std::int64_t some = std::min(kTile, dropout_.channels) * std::min(kTile, dropout_.area);
      for_pieces(run, samples * bands * columns, rows_of_grain(some),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t task = begin; task < end; ++task) {
                     drop_tile(mask, task / (bands * columns), task / columns % bands * kTile,
                               task % columns * kTile, x, y);
                   }
                 });
    }
  }

 private:
  /// Pixels and channels of a tile, whose mask is made on the stack.
  static constexpr std::int64_t kTile = 64;

  DropoutMask<T> mask_of(double step) const {
    constexpr double kLimit = 9007199254740992.0;
    // Written so that NaN fails.
    if (!(step >= 0 && step < kLimit) || step != std::floor(step)) {
      std::ostringstream received;
      received << step;
      throw Error("ERR_ARGUMENT",
                  std::string("[") + name_ +
                      "] expected step to be an integer in [0, 2^53) but received " +
                      received.str());
    }
    const auto number = static_cast<std::uint64_t>(step);
    constexpr double kWords = 4294967296.0;
    const double threshold = std::min(std::ceil(dropout_.rate * kWords), kWords - 1);
    return {{dropout_.key[0], dropout_.key[1]},
            {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32)},
            dropout_.stream,
            static_cast<std::uint32_t>(threshold),
            static_cast<T>(1 / (1 - dropout_.rate))};
  }

  /// Channels [begin, end) of all samples, each `area` elements one after the other.
  void drop_channels(const DropoutMask<T>& mask, std::int64_t begin, std::int64_t end, const T* x,
                     T* y) const {
    const std::int64_t area = dropout_.area;
    T factors[kTile];
    for (std::int64_t first = begin; first < end; first += kTile) {
      const std::int64_t count = std::min(kTile, end - first);
      kernels_.dropout_factors(mask, first, count, factors);
      for (std::int64_t i = 0; i < count; ++i) {
        const T* from = x + (first + i) * area;
        T* to = y + (first + i) * area;
        if (factors[i] == 0) {
          std::fill_n(to, area, T{0});
        } else {
          for (std::int64_t j = 0; j < area; ++j) to[j] = from[j] * factors[i];
        }
      }
    }
  }

  /// Some pixels and channels of a sample whose channels are its last axis.
  void drop_tile(const DropoutMask<T>& mask, std::int64_t sample, std::int64_t pixel,
                 std::int64_t channel, const T* x, T* y) const {
    const std::int64_t channels = std::min(kTile, dropout_.channels - channel);
    const std::int64_t pixels = std::min(kTile, dropout_.area - pixel);
    const std::int64_t first = sample * dropout_.channels + channel;
    T factors[kTile * kTile];
    T turned[kTile * kTile];
    if (dropout_.spatial) {
      kernels_.dropout_factors(mask, first, channels, turned);
    } else {
      for (std::int64_t c = 0; c < channels; ++c) {
        kernels_.dropout_factors(mask, (first + c) * dropout_.area + pixel, pixels,
                                 factors + c * kTile);
      }
      kernels_.transpose_plane(factors, kTile, turned, kTile, pixels, channels, false);
    }
    std::int64_t at = (sample * dropout_.area + pixel) * dropout_.channels + channel;
    for (std::int64_t p = 0; p < pixels; ++p, at += dropout_.channels) {
      kernels_.scale_kept(turned + (dropout_.spatial ? 0 : p * kTile), x + at, y + at, channels);
    }
  }

  const Kernels<T>& kernels_;
  const char* name_;
  Dropout dropout_;
};

std::unique_ptr<Instruction> prepare_drop(const Call& call, const KernelTable& table,
                                          const char* name, bool spatial) {
  expect_operands(call, 2, 1);
  const TensorSpec& x = required_input(call, 0, "x");
  expect_floating(x, "x");
  expect_tensor(required_input(call, 1, "step"), "step", DType::float64, {}, false);
  expect_like(required_output(call, 0, "y"), "y", x);
  const Attributes& attributes = call.attributes;
  constexpr std::int64_t kMostWord = 0xFFFFFFFF;
  // Blocks of four places are counted in 32 bits.
  if (x.elements() > 4 * kMostWord) refuse("expected x of at most 2^34 elements");
  Dropout dropout{};
  dropout.spatial = spatial;
  dropout.channels_last = attributes.boolean("channelsLast");
  dropout.rate = attributes.number("rate");
  if (!(dropout.rate >= 0 && dropout.rate < 1)) refuse("expected a rate within [0, 1)");
  const std::vector<std::int64_t> seed = attributes.integers("seed", 2, 0, kMostWord);
  dropout.key[0] = static_cast<std::uint32_t>(seed[0]);
  dropout.key[1] = static_cast<std::uint32_t>(seed[1]);
  dropout.stream = static_cast<std::uint32_t>(attributes.integer("stream", 0, kMostWord));
  const std::size_t rank = x.shape.size();
  if (dropout.channels_last) {
    expect_rank(x, "x", 4);
    dropout.channels = x.shape[3];
    dropout.area = product(x, 1, 3);
  } else if (spatial) {
    expect_rank(x, "x", 2, static_cast<std::size_t>(kMaxRank));
    dropout.channels = x.shape[1];
    dropout.area = product(x, 2, rank);
  }
  return make_floating<Drop>(x.dtype, table, name, dropout);
}

}  // namespace

std::unique_ptr<Instruction> prepare_dropout(const Call& call, const KernelTable& table) {
  return prepare_drop(call, table, "dropout", false);
}

std::unique_ptr<Instruction> prepare_spatial_dropout(const Call& call, const KernelTable& table) {
  return prepare_drop(call, table, "spatialDropout", true);
}

}  // namespace stridenet
