#include "addon/values.h"

#include <cmath>

namespace stridenet::addon {
namespace {

[[noreturn]] void refuse(const char* code, const std::string& what, const std::string& expected,
                         Napi::Value received) {
  throw Error(code, "expected " + what + " to be " + expected + " but received " + show(received));
}

}  // namespace

void set_own(Napi::Object object, const char* name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_default_jsproperty));
}

void set_own(Napi::Array array, std::uint32_t index, Napi::Value value) {
  set_own(array, std::to_string(index).c_str(), value);
}

Napi::Error make_error(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  set_own(error.Value(), "code", Napi::String::New(env, code));
  return error;
}

std::string show(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "undefined";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number: {
      const double number = value.As<Napi::Number>().DoubleValue();
      if (number == std::floor(number) && std::fabs(number) <= 9007199254740992.0) {
        return std::to_string(static_cast<std::int64_t>(number));
      }
      return std::to_string(number);
    }
    case napi_string:
      return "a string";
    case napi_symbol:
      return "a symbol";
    case napi_function:
      return "a function";
    case napi_bigint:
      return "a bigint";
    default:
      return value.IsArray() ? "an array" : "an object";
  }
}

Napi::Object read_object(const char* code, const std::string& what, Napi::Value value) {
  if (value.Type() != napi_object) refuse(code, what, "an object", value);
  return value.As<Napi::Object>();
}

std::string read_string(const char* code, const std::string& what, Napi::Value value) {
  if (!value.IsString()) refuse(code, what, "a string", value);
  return value.As<Napi::String>().Utf8Value();
}

bool read_boolean(const char* code, const std::string& what, Napi::Value value) {
  if (!value.IsBoolean()) refuse(code, what, "a boolean", value);
  return value.As<Napi::Boolean>().Value();
}

double read_number(const char* code, const std::string& what, Napi::Value value) {
  if (!value.IsNumber()) refuse(code, what, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t read_integer(const char* code, const std::string& what, Napi::Value value,
                          std::int64_t low, std::int64_t high) {
  const auto expected = [&] {
    return "an integer within [" + std::to_string(low) + ", " + std::to_string(high) + "]";
  };
  if (!value.IsNumber()) refuse(code, what, expected(), value);
  const double number = value.As<Napi::Number>().DoubleValue();
  // Written so that NaN fails.
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) ||
      number != std::floor(number)) {
    refuse(code, what, expected(), value);
  }
  return static_cast<std::int64_t>(number);
}

Napi::Array read_array(const char* code, const std::string& what, Napi::Value value,
                       std::size_t limit) {
  if (!value.IsArray()) refuse(code, what, "an array", value);
  const auto array = value.As<Napi::Array>();
  if (array.Length() > limit) {
    throw Error(code, "expected " + what + " to have at most " + std::to_string(limit) +
                          " elements but received " + std::to_string(array.Length()));
  }
  return array;
}

std::vector<std::int64_t> read_integers(const char* code, const std::string& what,
                                        Napi::Value value, std::size_t limit, std::int64_t low,
                                        std::int64_t high) {
  const Napi::Array array = read_array(code, what, value, limit);
  const std::uint32_t length = array.Length();
  std::vector<std::int64_t> integers;
  integers.reserve(length);
  for (std::uint32_t i = 0; i < length; ++i) {
    integers.push_back(
        read_integer(code, what + "[" + std::to_string(i) + "]", array.Get(i), low, high));
  }
  return integers;
}

ArrayMemory read_typed_array(const std::string& what, Napi::Value value, DType dtype,
                             std::int64_t elements) {
  const napi_env env = value.Env();
  napi_typedarray_type type = napi_uint8_array;
  std::size_t length = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (!value.IsTypedArray() ||
      napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, nullptr) != napi_ok) {
    refuse("ERR_ARGUMENT", what, std::string("a TypedArray of ") + dtype_name(dtype), value);
  }
  bool plain = false;
  bool detached = true;
  // A SharedArrayBuffer is no ArrayBuffer to Node-API.
  if (napi_is_arraybuffer(env, buffer, &plain) != napi_ok || !plain) {
    throw Error("ERR_ARGUMENT",
                "expected " + what + " to be on an ArrayBuffer, which is not shared");
  }
  if (napi_is_detached_arraybuffer(env, buffer, &detached) != napi_ok || detached) {
    throw Error("ERR_ARGUMENT", "the buffer of " + what + " is detached");
  }
  const bool fits = (dtype == DType::float32 && type == napi_float32_array) ||
                    (dtype == DType::float64 && type == napi_float64_array) ||
                    (dtype == DType::int32 && type == napi_int32_array) ||
                    (dtype == DType::uint8 && type == napi_uint8_array);
  if (!fits) {
    throw Error("ERR_DTYPE", "expected " + what + " to be a TypedArray of " + dtype_name(dtype) +
                                 " but received one of another type");
  }
  if (length != static_cast<std::size_t>(elements)) {
    throw Error("ERR_ARGUMENT", "expected " + what + " to have " + std::to_string(elements) +
                                    " elements but received " + std::to_string(length));
  }
  return {static_cast<std::byte*>(data), length * element_size(dtype)};
}

}  // namespace stridenet::addon
