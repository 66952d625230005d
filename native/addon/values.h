#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace stridenet::addon {

/// Gives `object` an own property of its own making: unlike Set, it runs no setter that JavaScript
/// put on a prototype.
void set_own(Napi::Object object, const char* name, Napi::Value value);
void set_own(Napi::Array array, std::uint32_t index, Napi::Value value);

/// A JavaScript Error with this `code`.
Napi::Error make_error(Napi::Env env, const char* code, const std::string& message);

/// Calls `body` so that nothing but Napi::Error, which node-addon-api throws into JavaScript,
/// leaves: errors of the core become JavaScript errors with their code.
template <class Body>
auto guarded(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& error) {
    throw make_error(env, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    throw make_error(env, "ERR_MEMORY", "out of memory");
  } catch (const std::exception& error) {
    throw make_error(env, "ERR_PROGRAM", error.what());
  } catch (...) {
    throw make_error(env, "ERR_PROGRAM", "an unknown failure");
  }
}

/// How a value reads in a message: its type, or its number.
std::string show(Napi::Value value);

// The readers below throw Error(code) when the value is of another kind than their name says.
// Those that read properties may run the caller's JavaScript (getters, proxies), and then pass its
// exception on.

Napi::Object read_object(const char* code, const std::string& what, Napi::Value value);
std::string read_string(const char* code, const std::string& what, Napi::Value value);
bool read_boolean(const char* code, const std::string& what, Napi::Value value);
double read_number(const char* code, const std::string& what, Napi::Value value);
/// An integer within [low, high].
std::int64_t read_integer(const char* code, const std::string& what, Napi::Value value,
                          std::int64_t low, std::int64_t high);
/// An Array of at most `limit` elements; its elements are not read.
Napi::Array read_array(const char* code, const std::string& what, Napi::Value value,
                       std::size_t limit);
/// An Array of at most `limit` integers within [low, high].
std::vector<std::int64_t> read_integers(const char* code, const std::string& what,
                                        Napi::Value value, std::size_t limit, std::int64_t low,
                                        std::int64_t high);

/// The memory of a TypedArray. Valid until JavaScript runs again.
struct ArrayMemory {
  std::byte* data;
  std::size_t bytes;
};

/// The memory of a TypedArray of that dtype and length, on an ArrayBuffer that is neither shared
/// nor detached. Runs no JavaScript. Throws Error("ERR_ARGUMENT" or "ERR_DTYPE").
ArrayMemory read_typed_array(const std::string& what, Napi::Value value, DType dtype,
                             std::int64_t elements);

}  // namespace stridenet::addon
