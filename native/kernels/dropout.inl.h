// Masks of dropout. Contracts: kernels/dropout.h; the generator: core/philox.h.

/// Vectors of blocks that are made at once, a block a lane, so that their latencies overlap.
constexpr int kPhiloxVectors = 2;
constexpr int kPhiloxLanes = kVectorBytes / 8;
constexpr int kPhiloxBlocks = kPhiloxVectors * kPhiloxLanes;
constexpr int kPhiloxWords = 4 * kPhiloxBlocks;

template <int... L>
STRIDENET_INLINE Words zip_low(Words a, Words b, std::integer_sequence<int, L...>) {
  return __builtin_shufflevector(a, b, (L / 2 + (L % 2) * kPhiloxLanes)...);
}
template <int... L>
STRIDENET_INLINE Words zip_high(Words a, Words b, std::integer_sequence<int, L...>) {
  return __builtin_shufflevector(a, b, ((kPhiloxLanes + L) / 2 + (L % 2) * kPhiloxLanes)...);
}

template <int... L>
STRIDENET_INLINE Words counting(std::integer_sequence<int, L...>) {
  return Words{L...};
}

/// The words of kPhiloxBlocks blocks in the order of their places. Only the low halves of the lanes
/// count on the way.
template <class T>
STRIDENET_INLINE void words_of_blocks(const DropoutMask<T>& mask, std::uint32_t block,
                                      std::uint32_t* to) {
  const Words none = {};
  Words c0[kPhiloxVectors], c1[kPhiloxVectors], c2[kPhiloxVectors], c3[kPhiloxVectors];
  for (int v = 0; v < kPhiloxVectors; ++v) {
    c0[v] = counting(std::make_integer_sequence<int, kPhiloxLanes>{}) +
            (block + static_cast<std::uint32_t>(v * kPhiloxLanes));
    c1[v] = none + mask.step[0];
    c2[v] = none + mask.step[1];
    c3[v] = none + mask.stream;
  }
  const Words multiplier0 = none + 0xD2511F53u;
  const Words multiplier1 = none + 0xCD9E8D57u;
  std::uint32_t key0 = mask.key[0];
  std::uint32_t key1 = mask.key[1];
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 2
    for (int v = 0; v < kPhiloxVectors; ++v) {
      const Words product0 = multiply_words(multiplier0, c0[v]);
      const Words product1 = multiply_words(multiplier1, c2[v]);
      c0[v] = (product1 >> 32) ^ c1[v] ^ (none + key0);
      c1[v] = product1;
      c2[v] = (product0 >> 32) ^ c3[v] ^ (none + key1);
      c3[v] = product0;
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  using Lanes = std::make_integer_sequence<int, kPhiloxLanes>;
  for (int v = 0; v < kPhiloxVectors; ++v) {
    const Words first = (c0[v] & 0xFFFFFFFF) | (c1[v] << 32);
    const Words second = (c2[v] & 0xFFFFFFFF) | (c3[v] << 32);
    const Words low = zip_low(first, second, Lanes{});
    const Words high = zip_high(first, second, Lanes{});
    __builtin_memcpy(to + 4 * kPhiloxLanes * v, &low, kVectorBytes);
    __builtin_memcpy(to + 4 * kPhiloxLanes * v + 2 * kPhiloxLanes, &high, kVectorBytes);
  }
}

/// The factors of kPhiloxWords places from the beginning of a block on.
template <class T>
STRIDENET_INLINE void factors_of_blocks(const DropoutMask<T>& mask, std::uint32_t block,
                                        T* factors) {
  std::uint32_t words[kPhiloxWords];
  words_of_blocks(mask, block, words);
  const std::uint32_t threshold = mask.threshold;
  const T kept = mask.factor;
  // Without a branch, which nothing could predict.
  for (int i = 0; i < kPhiloxWords; ++i) factors[i] = words[i] >= threshold ? kept : T{0};
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
  for (std::int64_t i = 0; i < count; block += kPhiloxBlocks) {
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
  for (std::int64_t i = 0; i < count; block += kPhiloxBlocks) {
    factors_of_blocks(mask, block, some);
    const std::int64_t room = kPhiloxWords - skip;
    const std::int64_t taken = count - i < room ? count - i : room;
    scale_kept(some + skip, x + i, y + i, taken);
    i += taken;
    skip = 0;
  }
}
