// Closes the region of target_begin.h and defines this ISA's constant KernelTable.
#define KERNEL(name, result, parameters) &name<T>,
template <class T>
constexpr Kernels<T> kKernels = {
    kTile<T>,
    Vec<T>::lanes,
#include "kernels/kernels.inc"
};
#undef KERNEL

}  // namespace

extern const KernelTable kTable;
constexpr KernelTable kTable = {STRIDENET_STRING(STRIDENET_TARGET), kKernels<float>,
                                kKernels<double>};

}  // namespace STRIDENET_TARGET
}  // namespace stridenet

#if defined(STRIDENET_TARGET_FEATURES)
#if defined(__clang__)
#pragma clang attribute pop
#elif defined(__GNUC__)
#pragma GCC pop_options
#endif
#endif
