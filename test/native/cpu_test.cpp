#include "cpu/cpu.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"

namespace stridenet {
namespace {

template <class T>
void expect_complete(const Kernels<T>& kernels) {
#define KERNEL(name, result, parameters) EXPECT_NE(kernels.name, nullptr) << #name;
#include "kernels/kernels.inc"
#undef KERNEL
  EXPECT_GE(kernels.lanes, 2);
  EXPECT_EQ(kernels.tile.columns % kernels.lanes, 0);
  EXPECT_LE(kernels.tile.rows, 16);
  EXPECT_GE(kernels.tile.depth, kShortDepth);
}

TEST(Cpu, TablesAreComplete) {
  ASSERT_FALSE(supported_kernels().empty());
  EXPECT_STREQ(supported_kernels().back()->name, "portable");
  for (const KernelTable* table : supported_kernels()) {
    SCOPED_TRACE(table->name);
    expect_complete(table->float32);
    expect_complete(table->float64);
    EXPECT_EQ(&kernels_by_name(table->name), table);
    // The chains converge to 1 from their different starts.
    EXPECT_NEAR(table->float32.fma_peak(1000), kFmaChains * table->float32.lanes, 1e-3);
    EXPECT_NEAR(table->float64.fma_peak(1000), kFmaChains * table->float64.lanes, 1e-9);
  }
}

TEST(Cpu, UnknownNamesAreRefusedWithTheList) {
  try {
    kernels_by_name("altivec");
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.code(), "ERR_ARGUMENT");
    EXPECT_NE(std::string(error.what()).find("portable"), std::string::npos);
  }
}

}  // namespace
}  // namespace stridenet
