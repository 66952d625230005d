#pragma once

#include <stdexcept>
#include <string>

namespace stridenet {

/// The one exception type of the core. `code` is a stable identifier with static storage
/// ("ERR_SHAPE", "ERR_DTYPE", "ERR_ARGUMENT", "ERR_PROGRAM", "ERR_NON_FINITE", "ERR_ABORTED",
/// "ERR_MEMORY"); the addon turns it into the `code` of a JavaScript error.
class Error : public std::runtime_error {
 public:
  Error(const char* code, const std::string& message) : std::runtime_error(message), code_(code) {}
  const char* code() const noexcept { return code_; }

 private:
  const char* code_;
};

}  // namespace stridenet
