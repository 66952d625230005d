#pragma once

#include <span>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace stridenet {

/// The tables that this CPU and operating system can run, best first; never empty.
std::span<const KernelTable* const> supported_kernels();

/// The table of that name. Throws Error("ERR_ARGUMENT"), listing the supported ones, when it is
/// unknown or cannot run here.
const KernelTable& kernels_by_name(const std::string& name);

/// The table of this process: the one that the environment variable STRIDENET_ISA names, else the
/// best. Chosen at the first call that succeeds; throws as kernels_by_name.
const KernelTable& kernels();

/// Features of this CPU that the operating system lets programs use, by the compilers' names
/// ("avx2", "fma", "avx512f", …).
std::vector<std::string> cpu_features();

}  // namespace stridenet
