#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "operator_fixture.h"
#include "runtime/description.h"

namespace stridenet::test {

inline BufferDescription buffer(BufferKind kind, std::vector<std::int64_t> shape,
                                std::int64_t offset = -1, DType dtype = DType::float32) {
  return {kind, spec_of(dtype, std::move(shape)), offset, -1};
}

inline BufferDescription batched(BufferDescription description) {
  description.tensor.batched = true;
  return description;
}

using Change = std::function<void(ProgramDescription&)>;
/// Changes by what they make.
using Changes = std::vector<std::pair<const char*, Change>>;

/// The code of the error that refuses `description` after a change; "" when it is valid.
inline std::string code_after(ProgramDescription description, const Change& change) {
  change(description);
  return code_of([&] { validate(description, kernels()); });
}

/// Each of the changes has `description` refused, which is valid without.
inline void expect_refused(const ProgramDescription& description, const Changes& changes) {
  EXPECT_EQ(code_after(description, [](ProgramDescription&) {}), "");
  for (const auto& [what, change] : changes) {
    EXPECT_EQ(code_after(description, change), "ERR_PROGRAM") << what;
  }
}

}  // namespace stridenet::test
