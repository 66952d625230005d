#include "addon/parse.h"

#include <string>
#include <utility>

#include "addon/values.h"

namespace stridenet::addon {
namespace {

constexpr const char* kCode = "ERR_PROGRAM";
constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;
constexpr std::size_t kMaxListed = std::size_t{1} << 20;
constexpr std::size_t kMaxOperands = 64;

TensorSpec parse_spec(const std::string& what, Napi::Object object) {
  TensorSpec spec;
  spec.present = true;
  spec.dtype = parse_dtype(read_string(kCode, what + ".dtype", object.Get("dtype")));
  spec.shape = read_integers(kCode, what + ".shape", object.Get("shape"),
                             static_cast<std::size_t>(kMaxRank), 0, kMaxInteger);
  const Napi::Value batched = object.Get("batched");
  if (!batched.IsUndefined()) spec.batched = read_boolean(kCode, what + ".batched", batched);
  return spec;
}

Attributes::Value parse_attribute(const std::string& what, Napi::Value value) {
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  const Napi::Array array = read_array(kCode, what, value, kMaxOperands);
  std::vector<double> numbers;
  const std::uint32_t length = array.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    numbers.push_back(read_number(kCode, what + "[" + std::to_string(i) + "]", array.Get(i)));
  }
  return numbers;
}

/// The names of its own enumerable properties; what a prototype has is no attribute.
Napi::Value own_names(Napi::Object object) {
  const napi_env env = object.Env();
  napi_value names = nullptr;
  const napi_status status = napi_get_all_property_names(
      env, object, napi_key_own_only,
      static_cast<napi_key_filter>(napi_key_enumerable | napi_key_skip_symbols),
      napi_key_numbers_to_strings, &names);
  if (status != napi_ok) throw Napi::Error::New(env);
  return {env, names};
}

Attributes parse_attributes(const std::string& what, Napi::Value value) {
  Attributes attributes;
  const Napi::Object object = read_object(kCode, what, value);
  const Napi::Array names = read_array(kCode, what, own_names(object), kMaxOperands);
  const std::uint32_t length = names.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    const std::string name = read_string(kCode, what, names.Get(i));
    const Napi::Value attribute = object.Get(name);
    if (attribute.IsUndefined()) continue;
    attributes.set(name, parse_attribute(what + "." + name, attribute));
  }
  return attributes;
}

std::vector<TensorSpec> parse_operands(const std::string& what, Napi::Value value) {
  const Napi::Array array = read_array(kCode, what, value, kMaxOperands);
  std::vector<TensorSpec> specs;
  const std::uint32_t length = array.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    const Napi::Value operand = array.Get(i);
    const std::string place = what + "[" + std::to_string(i) + "]";
    if (operand.IsNull()) {
      specs.emplace_back();
    } else {
      specs.push_back(parse_spec(place, read_object(kCode, place, operand)));
    }
  }
  return specs;
}

BufferDescription parse_buffer(const std::string& what, Napi::Value value) {
  const Napi::Object object = read_object(kCode, what, value);
  BufferDescription buffer;
  buffer.tensor = parse_spec(what, object);
  buffer.kind = parse_buffer_kind(read_string(kCode, what + ".kind", object.Get("kind")));
  const Napi::Value offset = object.Get("offset");
  if (!offset.IsUndefined()) {
    buffer.offset = read_integer(kCode, what + ".offset", offset, 0, kMaxInteger);
  }
  const Napi::Value of = object.Get("of");
  if (!of.IsUndefined()) {
    buffer.of = read_integer(kCode, what + ".of", of, 0, static_cast<std::int64_t>(kMaxListed));
  }
  return buffer;
}

InstructionDescription parse_instruction(const std::string& what, Napi::Value value) {
  const Napi::Object object = read_object(kCode, what, value);
  const auto read_ids = [&](const char* name) {
    return read_integers(kCode, what + "." + name, object.Get(name), kMaxOperands, -1,
                         static_cast<std::int64_t>(kMaxListed));
  };
  InstructionDescription instruction;
  instruction.op = read_string(kCode, what + ".op", object.Get("op"));
  instruction.inputs = read_ids("inputs");
  instruction.outputs = read_ids("outputs");
  instruction.attributes = parse_attributes(what + ".attributes", object.Get("attributes"));
  const Napi::Value scratch = object.Get("scratch");
  if (!scratch.IsUndefined()) {
    instruction.scratch = read_integer(kCode, what + ".scratch", scratch, 0, kMaxInteger);
  }
  return instruction;
}

/// Parses each element within a handle scope of its own.
template <class Element>
std::vector<Element> parse_list(const char* what, Napi::Value value,
                                Element (*parse)(const std::string&, Napi::Value)) {
  const Napi::Array array = read_array(kCode, what, value, kMaxListed);
  std::vector<Element> elements;
  const std::uint32_t length = array.Length();
  for (std::uint32_t i = 0; i < length; ++i) {
    const Napi::HandleScope scope(value.Env());
    elements.push_back(parse(std::string(what) + "[" + std::to_string(i) + "]", array.Get(i)));
  }
  return elements;
}

}  // namespace

Call parse_call(Napi::Value value) {
  const Napi::Object object = read_object(kCode, "a call", value);
  Call call;
  call.name = read_string(kCode, "op", object.Get("op"));
  call.inputs = parse_operands("inputs", object.Get("inputs"));
  call.outputs = parse_operands("outputs", object.Get("outputs"));
  call.attributes = parse_attributes("attributes", object.Get("attributes"));
  return call;
}

ProgramDescription parse_description(Napi::Object description) {
  ProgramDescription result;
  result.batch = read_integer(kCode, "batch", description.Get("batch"), 0, kMaxInteger);
  const Napi::Value profile = description.Get("profile");
  if (!profile.IsUndefined()) result.profile = read_boolean(kCode, "profile", profile);
  const Napi::Value threads = description.Get("threads");
  if (!threads.IsUndefined()) {
    result.threads = static_cast<int>(read_integer(kCode, "threads", threads, 1, 1024));
  }
  result.arena_bytes =
      read_integer(kCode, "arenaBytes", description.Get("arenaBytes"), 0, kMaxInteger);
  const Napi::Value prologue = description.Get("prologue");
  if (!prologue.IsUndefined()) {
    result.prologue =
        read_integer(kCode, "prologue", prologue, 0, static_cast<std::int64_t>(kMaxListed));
  }
  result.buffers = parse_list("buffers", description.Get("buffers"), parse_buffer);
  result.instructions =
      parse_list("instructions", description.Get("instructions"), parse_instruction);
  return result;
}

}  // namespace stridenet::addon
