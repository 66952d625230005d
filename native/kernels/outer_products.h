#pragma once

#include <cstdint>

namespace stridenet {

/// C[rows × columns] = (accumulate ? C : 0) + Σ aᵀ · b over the pairs of rows of two matrices that
/// lie in packed panels: segment i pairs `depth` rows from a + a_offsets[i], a_step elements apart,
/// with those from b + b_offsets[i], b_step apart. Every element is one chain of fused
/// multiply-adds from 0 over the segments in order (a product and a sum, each rounded, on the
/// portable table), added to C.
template <class T>
struct OuterProducts {
  const T* a;  // rows of `rows` elements
  const T* b;  // rows of `columns` elements, readable up to the next whole vector
  std::int64_t a_step, b_step;
  const std::int64_t* a_offsets;
  const std::int64_t* b_offsets;
  std::int64_t segments, depth;
  int rows;     // 1 to MR
  int columns;  // 1 to NR
  T* c;
  std::int64_t c_pitch;  // elements between rows
  bool accumulate;
};

}  // namespace stridenet
