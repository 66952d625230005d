#pragma once

#include <cstdint>

#include "kernels/pack.h"
#include "ops/operator.h"

namespace stridenet {

// Patches that reach beyond the image are slow to gather when their runs of memory are short.
// Then it pays to copy the images once, with the zeros around them, and without the channels of
// other groups.

/// Copies `width` pixels of image row `from`, or of a row of zeros when it is null, from where the
/// first patch begins, with zeros outside of the image, and without the channels of other groups.
template <class T>
void pad_row(const Patches<T>& patches, const T* from, std::int64_t width, T* to);

/// Elements of the copy for `batch` images, or 0 when gathering from the images is better. Depends
/// on shapes alone.
template <class T>
std::int64_t padded_elements(const Patches<T>& patches, std::int64_t batch);

/// Writes the copy and returns the same patches in it.
template <class T>
Patches<T> pad_patches(const Run& run, const Patches<T>& patches, std::int64_t batch, T* to);

}  // namespace stridenet
