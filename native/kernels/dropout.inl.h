// Masks of dropout. Contracts: kernels/dropout.h; the generator: core/philox.h.

/// Blocks of the generator that are made at once, in lanes, and their words.
constexpr int kPhiloxLanes = 16;
constexpr int kPhiloxWords = 4 * kPhiloxLanes;

/// The factors of kPhiloxWords places from the beginning of a block on.
template <class T>
STRIDENET_INLINE void factors_of_blocks(const DropoutMask<T>& mask, std::uint32_t block,
                                        T* factors) {
  std::uint32_t words[4][kPhiloxLanes];
  for (int i = 0; i < kPhiloxLanes; ++i) {
    words[0][i] = block + static_cast<std::uint32_t>(i);
    words[1][i] = mask.step[0];
    words[2][i] = mask.step[1];
    words[3][i] = mask.stream;
  }
  std::uint32_t key0 = mask.key[0];
  std::uint32_t key1 = mask.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kPhiloxLanes; ++i) {
      const std::uint64_t product0 = std::uint64_t{0xD2511F53} * words[0][i];
      const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * words[2][i];
      const std::uint32_t high0 = static_cast<std::uint32_t>(product0 >> 32);
      const std::uint32_t high1 = static_cast<std::uint32_t>(product1 >> 32);
      words[0][i] = high1 ^ words[1][i] ^ key0;
      words[1][i] = static_cast<std::uint32_t>(product1);
      words[2][i] = high0 ^ words[3][i] ^ key1;
      words[3][i] = static_cast<std::uint32_t>(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  for (int i = 0; i < kPhiloxLanes; ++i) {
    for (int k = 0; k < 4; ++k) {
      factors[4 * i + k] = words[k][i] >= mask.threshold ? mask.factor : T{0};
    }
  }
}

template <class T>
void scale_kept(const T* factors, const T* x, T* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += Vec<T>::lanes) {
    const Vec<T> factor = load_lanes(factors + i, count - i);
    const Vec<T> scaled = load_lanes(x + i, count - i) * factor;
    store_lanes(y + i, select(equal(factor, zero<T>()), zero<T>(), scaled), count - i);
  }
}

template <class T>
void dropout_factors(const DropoutMask<T>& mask, std::int64_t place, std::int64_t count,
                     T* factors) {
  T some[kPhiloxWords];
  std::int64_t skip = place % 4;
  std::uint32_t block = static_cast<std::uint32_t>(place / 4);
  for (std::int64_t i = 0; i < count; block += kPhiloxLanes) {
    factors_of_blocks(mask, block, some);
    const std::int64_t room = kPhiloxWords - skip;
    const std::int64_t taken = count - i < room ? count - i : room;
    for (std::int64_t j = 0; j < taken; ++j) factors[i + j] = some[skip + j];
    i += taken;
    skip = 0;
  }
}

template <class T>
void dropout_row(const DropoutMask<T>& mask, std::int64_t place, const T* x, T* y,
                 std::int64_t count) {
  T some[kPhiloxWords];
  std::int64_t skip = place % 4;
  std::uint32_t block = static_cast<std::uint32_t>(place / 4);
  for (std::int64_t i = 0; i < count; block += kPhiloxLanes) {
    factors_of_blocks(mask, block, some);
    const std::int64_t room = kPhiloxWords - skip;
    const std::int64_t taken = count - i < room ? count - i : room;
    scale_kept(some + skip, x + i, y + i, taken);
    i += taken;
    skip = 0;
  }
}
