#include <napi.h>

#include <cstdint>
#include <string>

#include "addon/environment.h"
#include "addon/parse.h"
#include "addon/program_object.h"
#include "addon/values.h"
#include "core/thread_pool.h"
#include "cpu/cpu.h"
#include "runtime/peak.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace stridenet::addon {
namespace {

/// The pool's threads outlive every environment, so the code must too: when the last worker that
/// loaded it ends, Node unloads the image unless it is pinned.
void pin_image() noexcept {
#if defined(_WIN32)
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<LPCWSTR>(&pin_image), &module);
#else
  Dl_info image{};
  if (dladdr(reinterpret_cast<const void*>(&pin_image), &image) != 0) {
    dlopen(image.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

Napi::Value cpu_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const Napi::Object result = Napi::Object::New(env);
    set_own(result, "isa", Napi::String::New(env, kernels().name));
    const Napi::Array isas = Napi::Array::New(env);
    for (const KernelTable* table : supported_kernels()) {
      set_own(isas, isas.Length(), Napi::String::New(env, table->name));
    }
    set_own(result, "isas", isas);
    const Napi::Array features = Napi::Array::New(env);
    for (const std::string& feature : cpu_features()) {
      set_own(features, features.Length(), Napi::String::New(env, feature));
    }
    set_own(result, "features", features);
    set_own(result, "threads", Napi::Number::New(env, ThreadPool::instance().threads()));
    return result;
  });
}

void set_threads(const Napi::CallbackInfo& info) {
  guarded(info.Env(), [&] {
    ThreadPool::instance().set_threads(
        static_cast<int>(read_integer("ERR_ARGUMENT", "threads", info[0], 1, 1024)));
  });
}

/// The call (first argument) for the ISA (second, default the chosen one).
std::unique_ptr<Instruction> prepare_call(const Napi::CallbackInfo& info) {
  const KernelTable& table = info[1].IsUndefined()
                                 ? kernels()
                                 : kernels_by_name(read_string("ERR_ARGUMENT", "isa", info[1]));
  return prepare(parse_call(info[0]), table);
}

Napi::Value scratch_bytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    return Napi::Number::New(env, static_cast<double>(prepare_call(info)->scratch_bytes()));
  });
}

Napi::Value packed_elements(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    return Napi::Number::New(env, static_cast<double>(prepare_call(info)->packed_elements()));
  });
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const MemoryCounter& counter = *Environment::of(env).counter();
    const Napi::Object result = Napi::Object::New(env);
    set_own(result, "bytes", Napi::Number::New(env, static_cast<double>(counter.bytes)));
    set_own(result, "programs", Napi::Number::New(env, static_cast<double>(counter.programs)));
    return result;
  });
}

Napi::Value fma_peak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return guarded(env, [&]() -> Napi::Value {
    const DType dtype = parse_dtype(read_string("ERR_ARGUMENT", "dtype", info[0]));
    const auto threads =
        static_cast<int>(read_integer("ERR_ARGUMENT", "threads", info[1], 0, 1024));
    const double milliseconds =
        static_cast<double>(read_integer("ERR_ARGUMENT", "milliseconds", info[2], 1, 60000));
    return Napi::Number::New(env, measure_fma_peak(kernels(), dtype, threads, milliseconds));
  });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  return guarded(env, [&] {
    pin_image();
    env.SetInstanceData(new Environment(env));
    set_own(exports, "cpuInfo", Napi::Function::New<cpu_info>(env, "cpuInfo"));
    set_own(exports, "setThreads", Napi::Function::New<set_threads>(env, "setThreads"));
    set_own(exports, "scratchBytes", Napi::Function::New<scratch_bytes>(env, "scratchBytes"));
    set_own(exports, "packedElements", Napi::Function::New<packed_elements>(env, "packedElements"));
    set_own(exports, "fmaPeak", Napi::Function::New<fma_peak>(env, "fmaPeak"));
    set_own(exports, "memory", Napi::Function::New<memory>(env, "memory"));
    set_own(exports, "Program", ProgramObject::define(env));
    return exports;
  });
}

}  // namespace
}  // namespace stridenet::addon

static Napi::Object initialize_stridenet(Napi::Env env, Napi::Object exports) {
  return stridenet::addon::initialize(env, exports);
}

NODE_API_MODULE(stridenet, initialize_stridenet)
