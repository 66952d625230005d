#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "kernels/table.h"
#include "ops/operator.h"

namespace stridenet {

/// Elements of a task: enough to outweigh handing it out, few enough to balance.
inline constexpr std::int64_t kGrain = std::int64_t{1} << 14;

/// Calls body(begin, end) for pieces of [0, count) of `grain` each; the pieces depend on nothing
/// else, so a piece's result has the same bits on any number of threads.
template <class Body>
void for_pieces(const Run& run, std::int64_t count, std::int64_t grain, Body&& body) {
  const std::int64_t pieces = (count + grain - 1) / grain;
  if (pieces == 1) {
    body(std::int64_t{0}, count);
  } else if (pieces > 1) {
    run.parallel_for(pieces, [&](std::int64_t piece) {
      body(piece * grain, std::min(count, (piece + 1) * grain));
    });
  }
}

/// The elements of an input that may be absent, null when it is or when the call has fewer.
template <class T>
const T* optional_input(const Run& run, std::size_t index) {
  const bool present = index < run.inputs.size() && run.inputs[index].present();
  return present ? run.inputs[index].as<T>() : nullptr;
}

/// How many rows of `columns` elements make a task.
inline std::int64_t rows_of_grain(std::int64_t columns) {
  return std::max<std::int64_t>(1, kGrain / std::max<std::int64_t>(1, columns));
}

/// Implementation<T>(kernels of T, arguments…) for the floating dtype that `dtype` is.
template <template <class> class Implementation, class... Arguments>
std::unique_ptr<Instruction> make_floating(DType dtype, const KernelTable& table,
                                           Arguments&&... arguments) {
  if (dtype == DType::float32) {
    return std::make_unique<Implementation<float>>(table.float32,
                                                   std::forward<Arguments>(arguments)...);
  }
  return std::make_unique<Implementation<double>>(table.float64,
                                                  std::forward<Arguments>(arguments)...);
}

/// Implementation<Element>(arguments…) for elements of any dtype.
template <template <class> class Implementation, class... Arguments>
std::unique_ptr<Instruction> make_of_dtype(DType dtype, Arguments&&... arguments) {
  switch (dtype) {
    case DType::float32:
      return std::make_unique<Implementation<float>>(std::forward<Arguments>(arguments)...);
    case DType::float64:
      return std::make_unique<Implementation<double>>(std::forward<Arguments>(arguments)...);
    case DType::int32:
      return std::make_unique<Implementation<std::int32_t>>(std::forward<Arguments>(arguments)...);
    case DType::uint8:
      break;
  }
  return std::make_unique<Implementation<std::uint8_t>>(std::forward<Arguments>(arguments)...);
}

}  // namespace stridenet
