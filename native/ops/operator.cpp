#include "ops/operator.h"

#include <cmath>

#include "core/error.h"
#include "core/thread_pool.h"
#include "ops/checks.h"

namespace stridenet {

#define OPERATOR(name, function) \
  std::unique_ptr<Instruction> function(const Call& call, const KernelTable& table);
#include "ops/operators.inc"
#undef OPERATOR

namespace {

struct Entry {
  const char* name;
  Prepare prepare;
};

constexpr Entry kOperators[] = {
#define OPERATOR(name, function) {#name, function},
#include "ops/operators.inc"
#undef OPERATOR
};

[[noreturn]] void refuse_attribute(const char* name, const std::string& expected) {
  throw Error("ERR_PROGRAM", std::string("expected attribute '") + name + "' to be " + expected);
}

template <class T>
const T& attribute(const std::map<std::string, Attributes::Value>& values, const char* name,
                   const char* expected) {
  const auto found = values.find(name);
  if (found == values.end()) {
    refuse_attribute(name, std::string(expected) + " but it is missing");
  }
  const T* value = std::get_if<T>(&found->second);
  if (value == nullptr) {
    refuse_attribute(name, std::string(expected) + " but received another type");
  }
  return *value;
}

std::int64_t checked_integer(const char* name, double value, std::int64_t low, std::int64_t high) {
  // Written so that NaN fails.
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high)) ||
      value != std::floor(value)) {
    refuse_attribute(name, "an integer within [" + std::to_string(low) + ", " +
                               std::to_string(high) + "] but received " + std::to_string(value));
  }
  return static_cast<std::int64_t>(value);
}

}  // namespace

double Attributes::number(const char* name) const {
  return attribute<double>(values_, name, "a number");
}

bool Attributes::boolean(const char* name) const {
  return attribute<bool>(values_, name, "a boolean");
}

std::string Attributes::text(const char* name) const {
  return attribute<std::string>(values_, name, "a string");
}

std::int64_t Attributes::integer(const char* name, std::int64_t low, std::int64_t high) const {
  return checked_integer(name, attribute<double>(values_, name, "an integer"), low, high);
}

std::vector<std::int64_t> Attributes::integers(const char* name, std::int64_t low,
                                               std::int64_t high) const {
  const auto& values = attribute<std::vector<double>>(values_, name, "an array of numbers");
  std::vector<std::int64_t> integers;
  integers.reserve(values.size());
  for (const double value : values) integers.push_back(checked_integer(name, value, low, high));
  return integers;
}

std::vector<std::int64_t> Attributes::integers(const char* name, std::size_t count,
                                               std::int64_t low, std::int64_t high) const {
  std::vector<std::int64_t> found = integers(name, low, high);
  if (found.size() != count) {
    refuse_attribute(
        name, std::to_string(count) + " integers but received " + std::to_string(found.size()));
  }
  return found;
}

void Run::parallel_for(std::int64_t tasks, function_ref<void(std::int64_t)> body) const {
  ThreadPool::instance().parallel_for(tasks, threads, body);
}

std::unique_ptr<Instruction> prepare(const Call& call, const KernelTable& table) {
  for (const Entry& entry : kOperators) {
    if (call.name != entry.name) continue;
    try {
      for (const TensorSpec& spec : call.inputs) check_spec(spec);
      for (const TensorSpec& spec : call.outputs) check_spec(spec);
      return entry.prepare(call, table);
    } catch (const Error& error) {
      throw Error(error.code(), "[" + call.name + "] " + error.what());
    }
  }
  throw Error("ERR_PROGRAM", "expected the name of an operator but received '" + call.name + "'");
}

}  // namespace stridenet
