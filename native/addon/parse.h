#pragma once

#include <napi.h>

#include "ops/operator.h"
#include "runtime/description.h"

namespace stridenet::addon {

// Both read JavaScript objects as docs/architecture.md types them, check their form alone, and
// throw Error("ERR_PROGRAM" or "ERR_DTYPE"), or the exception of a getter.

Call parse_call(Napi::Value value);
/// Everything but `isa`.
ProgramDescription parse_description(Napi::Object description);

}  // namespace stridenet::addon
