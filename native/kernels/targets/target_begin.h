// Opens the region in which all functions are compiled for one ISA. The includer defines
// STRIDENET_TARGET (the namespace and the table's name), and STRIDENET_TARGET_FEATURES (the
// compiler's feature string) unless the ISA is the baseline. Every standard and intrinsics header
// must have been included before.
#define STRIDENET_INLINE inline __attribute__((always_inline))
#define STRIDENET_STRING_(text) #text
#define STRIDENET_STRING(text) STRIDENET_STRING_(text)

#if defined(STRIDENET_TARGET_FEATURES)
#if defined(__clang__)
#define STRIDENET_ATTRIBUTE \
  clang attribute push(__attribute__((target(STRIDENET_TARGET_FEATURES))), apply_to = function)
_Pragma(STRIDENET_STRING(STRIDENET_ATTRIBUTE))
#elif defined(__GNUC__)
#pragma GCC push_options
#define STRIDENET_ATTRIBUTE GCC target(STRIDENET_TARGET_FEATURES)
_Pragma(STRIDENET_STRING(STRIDENET_ATTRIBUTE))
#endif
#endif

    namespace stridenet {
  namespace STRIDENET_TARGET {
  namespace {
