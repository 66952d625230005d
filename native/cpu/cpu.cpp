#include "cpu/cpu.h"

#include <cstdlib>

#include "core/error.h"
#include "cpu/features.h"

namespace stridenet {

#if defined(__x86_64__)
namespace avx512 {
extern const KernelTable kTable;
}
namespace avx2 {
extern const KernelTable kTable;
}
#elif defined(__aarch64__)
namespace neon {
extern const KernelTable kTable;
}
#endif
namespace portable {
extern const KernelTable kTable;
}

namespace {

std::vector<const KernelTable*> find_supported() {
  std::vector<const KernelTable*> tables;
  const CpuFeatures& cpu = features();
#if defined(__x86_64__)
  const bool has_avx2 = cpu.avx2 && cpu.fma;
  if (has_avx2 && cpu.avx512f && cpu.avx512bw && cpu.avx512dq && cpu.avx512vl) {
    tables.push_back(&avx512::kTable);
  }
  if (has_avx2) tables.push_back(&avx2::kTable);
#elif defined(__aarch64__)
  if (cpu.neon) tables.push_back(&neon::kTable);
#endif
  (void)cpu;
  tables.push_back(&portable::kTable);
  return tables;
}

/// Throws ERR_ARGUMENT that begins with `what` for a name that is none.
const KernelTable& find_kernels(const std::string& what, const std::string& name) {
  std::string names;
  for (const KernelTable* table : supported_kernels()) {
    if (name == table->name) return *table;
    names += names.empty() ? table->name : std::string(", ") + table->name;
  }
  throw Error("ERR_ARGUMENT",
              what + " '" + name + "' is unknown or not supported here; supported: " + names);
}

const KernelTable& choose() {
  const char* forced = std::getenv("STRIDENET_ISA");
  if (forced != nullptr && *forced != '\0') return find_kernels("STRIDENET_ISA", forced);
  return *supported_kernels().front();
}

}  // namespace

std::span<const KernelTable* const> supported_kernels() {
  static const std::vector<const KernelTable*> tables = find_supported();
  return tables;
}

const KernelTable& kernels_by_name(const std::string& name) { return find_kernels("ISA", name); }

const KernelTable& kernels() {
  static const KernelTable& chosen = choose();
  return chosen;
}

std::vector<std::string> cpu_features() {
  const CpuFeatures& cpu = features();
  std::vector<std::string> names;
  const auto add = [&names](bool present, const char* name) {
    if (present) names.emplace_back(name);
  };
  add(cpu.avx2, "avx2");
  add(cpu.fma, "fma");
  add(cpu.avx512f, "avx512f");
  add(cpu.avx512bw, "avx512bw");
  add(cpu.avx512dq, "avx512dq");
  add(cpu.avx512vl, "avx512vl");
  add(cpu.neon, "neon");
  return names;
}

}  // namespace stridenet
