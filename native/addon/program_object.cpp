#include "addon/program_object.h"

#include <cstring>
#include <string>
#include <utility>

#include "addon/environment.h"
#include "addon/parse.h"
#include "addon/values.h"
#include "cpu/cpu.h"

namespace stridenet::addon {

namespace {

constexpr const char* kCode = "ERR_ARGUMENT";
constexpr std::int64_t kMaxSteps = 0x7fffffff;

std::vector<Napi::Value> read_elements(const char* what, Napi::Value value, std::size_t count) {
  const Napi::Array array = read_array(kCode, what, value, count);
  if (array.Length() != count) {
    throw Error(kCode, std::string("expected ") + what + " to have " + std::to_string(count) +
                           " elements but received " + std::to_string(array.Length()));
  }
  std::vector<Napi::Value> elements;
  for (std::uint32_t i = 0; i < count; ++i) elements.push_back(array.Get(i));
  return elements;
}

std::string numbered(const char* what, std::size_t index) {
  return std::string(what) + "[" + std::to_string(index) + "]";
}

/// steps · elements of a slice. Throws Error("ERR_ARGUMENT") beyond 2^53.
std::int64_t stacked_elements(std::int64_t steps, const TensorSpec& tensor) {
  const std::int64_t elements = tensor.elements();
  if (elements != 0 && steps > (std::int64_t{1} << 53) / elements) {
    throw Error(kCode, std::to_string(steps) + " steps of " + describe(tensor) + " pass 2^53");
  }
  return steps * elements;
}

Napi::Error outcome_error(Napi::Env env, const Outcome& outcome) {
  Napi::Error error = make_error(env, outcome.code, outcome.message);
  set_own(error.Value(), "step", Napi::Number::New(env, static_cast<double>(outcome.step)));
  return error;
}

}  // namespace

/// What run() was asked for. Reading it may run JavaScript; using it does not.
struct ProgramObject::Request {
  std::int64_t steps = 0;
  Napi::Value batch;  // empty: the bound
  std::vector<Napi::Value> feeds;
  std::vector<Napi::Value> into;  // empty: new arrays
  double budget = -1;
  bool urgent = false;
};

/// Marks a run on this thread as under way: JavaScript that it calls may not start another, and
/// dispose() waits for its end.
class ProgramObject::Running {
 public:
  Running(Napi::Env env, ProgramObject& object) : env_(env), object_(object) {
    object_.running_ = true;
  }
  ~Running() { object_.end_run(env_); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Napi::Env env_;
  ProgramObject& object_;
};

class ProgramObject::RunJob : public Job {
 public:
  RunJob(Napi::Env env, ProgramObject& object, const std::vector<Napi::Value>& arrays)
      : deferred(Napi::Promise::Deferred::New(env)),
        object_(object),
        self_(Napi::Persistent(object.Value())) {
    for (const Napi::Value& array : arrays) {
      into_.push_back(Napi::Persistent(array.As<Napi::Object>()));
    }
  }

  void settle(Napi::Env env) override {
    try {
      const Napi::Object result = guarded(env, [&] {
        std::vector<Napi::Value> into;
        for (const Napi::ObjectReference& array : into_) into.push_back(array.Value());
        return object_.finish(env, outcome, steps, into);
      });
      object_.end_run(env);
      deferred.Resolve(result);
    } catch (const Napi::Error& error) {
      object_.end_run(env);
      deferred.Reject(error.Value());
    }
  }

  Napi::Promise::Deferred deferred;

 private:
  ProgramObject& object_;
  Napi::ObjectReference self_;  // keeps object_ alive
  std::vector<Napi::ObjectReference> into_;
};

Napi::Function ProgramObject::define(Napi::Env env) {
  return DefineClass(
      env, "Program",
      {InstanceMethod<&ProgramObject::write>("write"), InstanceMethod<&ProgramObject::read>("read"),
       InstanceMethod<&ProgramObject::run_sync>("runSync"),
       InstanceMethod<&ProgramObject::run>("run"), InstanceMethod<&ProgramObject::cancel>("cancel"),
       InstanceMethod<&ProgramObject::dispose>("dispose"),
       InstanceMethod<&ProgramObject::bytes>("bytes"),
       InstanceMethod<&ProgramObject::seconds>("seconds")});
}

ProgramObject::ProgramObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const Napi::Env env = info.Env();
  guarded(env, [&] {
    const Napi::Object object = read_object("ERR_PROGRAM", "a description", info[0]);
    const Napi::Value isa = object.Get("isa");
    const KernelTable& table =
        isa.IsUndefined() ? kernels() : kernels_by_name(read_string("ERR_PROGRAM", "isa", isa));
    ProgramDescription description = parse_description(object);
    program_ =
        std::make_shared<Program>(std::move(description), table, Environment::of(env).counter());
    report_memory(env);
  });
}

ProgramObject::~ProgramObject() {
  program_.reset();
  report_memory(Env());
}

void ProgramObject::report_memory(Napi::Env env) noexcept {
  const std::int64_t bytes = program_ == nullptr ? 0 : program_->bytes();
  std::int64_t total = 0;
  if (bytes != reported_) napi_adjust_external_memory(env, bytes - reported_, &total);
  reported_ = bytes;
}

void ProgramObject::expect_idle() const {
  if (disposed_) throw Error("ERR_DISPOSED", "the Program has been disposed of");
  if (running_) throw Error("ERR_BUSY", "a run of this Program is under way");
}

std::size_t ProgramObject::persistent_id(Napi::Value value) const {
  const auto count = static_cast<std::int64_t>(program_->buffers().size());
  const auto id = static_cast<std::size_t>(read_integer(kCode, "a buffer", value, 0, count - 1));
  const BufferKind kind = program_->buffers()[id].kind;
  if (kind != BufferKind::state && kind != BufferKind::constant) {
    throw Error(kCode, "buffer " + std::to_string(id) + " is neither state nor constant");
  }
  return id;
}

void ProgramObject::write(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    expect_idle();
    const std::size_t id = persistent_id(info[0]);
    const TensorSpec& tensor = program_->buffers()[id].tensor;
    const ArrayMemory data = read_typed_array("data", info[1], tensor.dtype, tensor.elements());
    if (data.bytes > 0) std::memcpy(program_->writable(id), data.data, data.bytes);
  });
}

void ProgramObject::read(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    expect_idle();
    const std::size_t id = persistent_id(info[0]);
    const TensorSpec& tensor = program_->buffers()[id].tensor;
    const ArrayMemory into = read_typed_array("into", info[1], tensor.dtype, tensor.elements());
    if (into.bytes > 0) std::memcpy(into.data, program_->persistent(id), into.bytes);
  });
}

ProgramObject::Request ProgramObject::read_request(Napi::Value value) const {
  const Napi::Object object = read_object(kCode, "a request", value);
  Request request;
  // The counts are copied: a getter may dispose of this Program.
  expect_idle();
  const std::size_t feeds = program_->feeds().size();
  const std::size_t fetches = program_->fetches().size();
  request.steps = read_integer(kCode, "steps", object.Get("steps"), 0, kMaxSteps);
  const Napi::Value batch = object.Get("batch");
  if (!batch.IsUndefined()) request.batch = batch;
  request.feeds = read_elements("feeds", object.Get("feeds"), feeds);
  const Napi::Value into = object.Get("into");
  if (!into.IsUndefined()) request.into = read_elements("into", into, fetches);
  const Napi::Value budget = object.Get("budget");
  if (!budget.IsUndefined()) {
    request.budget = read_number(kCode, "budget", budget);
    if (!(request.budget >= 0)) throw Error(kCode, "expected budget to be 0 or more");
  }
  const Napi::Value urgent = object.Get("urgent");
  if (!urgent.IsUndefined()) request.urgent = read_boolean(kCode, "urgent", urgent);
  return request;
}

/// Checks all arrays, then copies the inputs. Runs no JavaScript. Returns the batches of the steps.
std::vector<std::int32_t> ProgramObject::begin(Napi::Env env, const Request& request) {
  expect_idle();
  std::vector<std::int32_t> batches;
  if (!request.batch.IsEmpty()) {
    const ArrayMemory memory =
        read_typed_array("batch", request.batch, DType::int32, request.steps);
    batches.resize(static_cast<std::size_t>(request.steps));
    if (memory.bytes > 0) std::memcpy(batches.data(), memory.data, memory.bytes);
    for (std::size_t step = 0; step < batches.size(); ++step) {
      if (batches[step] < 0 || batches[step] > program_->batch()) {
        throw Error(kCode, "expected batch[" + std::to_string(step) + "] within [0, " +
                               std::to_string(program_->batch()) + "] but received " +
                               std::to_string(batches[step]));
      }
    }
  }
  const auto memory_of = [&](const char* what, std::size_t index, std::size_t id,
                             const Napi::Value& array) {
    const TensorSpec& tensor = program_->buffers()[id].tensor;
    return read_typed_array(numbered(what, index), array, tensor.dtype,
                            stacked_elements(request.steps, tensor));
  };
  std::vector<ArrayMemory> feeds;
  for (std::size_t i = 0; i < request.feeds.size(); ++i) {
    feeds.push_back(memory_of("feeds", i, program_->feeds()[i], request.feeds[i]));
  }
  for (std::size_t i = 0; i < request.into.size(); ++i) {
    memory_of("into", i, program_->fetches()[i], request.into[i]);
  }
  program_->reserve(request.steps);
  report_memory(env);
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    program_->load_feed(i, feeds[i].data, request.steps);
  }
  return batches;
}

Napi::Object ProgramObject::finish(Napi::Env env, const Outcome& outcome, std::int64_t requested,
                                   const std::vector<Napi::Value>& into) {
  if (outcome.code != nullptr) throw outcome_error(env, outcome);
  const Napi::Array fetches = Napi::Array::New(env, program_->fetches().size());
  for (std::size_t i = 0; i < program_->fetches().size(); ++i) {
    const TensorSpec& tensor = program_->buffers()[program_->fetches()[i]].tensor;
    const std::int64_t steps = into.empty() ? outcome.steps : requested;
    const std::int64_t elements = steps * tensor.elements();
    Napi::Value array =
        into.empty() ? Environment::of(env).new_typed_array(tensor.dtype, elements) : into[i];
    // The caller may have detached or shrunk its arrays meanwhile.
    const ArrayMemory memory = read_typed_array(numbered("into", i), array, tensor.dtype, elements);
    program_->store_fetch(i, memory.data, outcome.steps);
    set_own(fetches, static_cast<std::uint32_t>(i), array);
  }
  const Napi::Object result = Napi::Object::New(env);
  set_own(result, "steps", Napi::Number::New(env, static_cast<double>(outcome.steps)));
  set_own(result, "fetches", fetches);
  return result;
}

Napi::Value ProgramObject::run_sync(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    expect_idle();
    const Request request = read_request(info[0]);
    const std::vector<std::int32_t> batches = begin(env, request);
    const std::shared_ptr<Program> program = program_;
    const Running running(env, *this);
    const Outcome outcome = program->run(request.steps, batches, request.budget);
    return finish(env, outcome, request.steps, request.into);
  });
}

Napi::Value ProgramObject::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  try {
    return guarded(env, [&]() -> Napi::Value {
      expect_idle();
      const Request request = read_request(info[0]);
      std::vector<std::int32_t> batches = begin(env, request);
      auto job = std::make_unique<RunJob>(env, *this, request.into);
      job->program = program_;
      job->steps = request.steps;
      job->batch = std::move(batches);
      job->budget = request.budget;
      job->urgent = request.urgent;
      const Napi::Promise promise = job->deferred.Promise();
      running_ = true;
      try {
        Environment::of(env).submit(std::move(job));
      } catch (...) {
        end_run(env);
        throw;
      }
      return promise;
    });
  } catch (const Napi::Error& error) {
    const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(error.Value());
    return deferred.Promise();
  }
}

void ProgramObject::end_run(Napi::Env env) noexcept {
  running_ = false;
  if (disposed_) {
    program_.reset();
  } else {
    program_->release_large_stacks();
  }
  report_memory(env);
}

void ProgramObject::cancel(const Napi::CallbackInfo&) {
  if (running_) program_->stop(Program::Stop::step);
}

void ProgramObject::dispose(const Napi::CallbackInfo& info) {
  disposed_ = true;
  if (running_) {
    program_->stop(Program::Stop::step);
    return;
  }
  program_.reset();
  report_memory(info.Env());
}

Napi::Value ProgramObject::bytes(const Napi::CallbackInfo& info) {
  // Runs neither allocate nor free, so this may be asked during one.
  const std::int64_t bytes = program_ == nullptr ? 0 : program_->bytes();
  return Napi::Number::New(info.Env(), static_cast<double>(bytes));
}

Napi::Value ProgramObject::seconds(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    expect_idle();
    const std::vector<double>& seconds = program_->seconds();
    const auto elements = static_cast<std::int64_t>(seconds.size());
    Napi::Value array = Environment::of(env).new_typed_array(DType::float64, elements);
    const ArrayMemory memory = read_typed_array("seconds", array, DType::float64, elements);
    if (memory.bytes > 0) std::memcpy(memory.data, seconds.data(), memory.bytes);
    return array;
  });
}

}  // namespace stridenet::addon
