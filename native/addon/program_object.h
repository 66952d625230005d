#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/program.h"

namespace stridenet::addon {

/// The JavaScript class Program: one core Program, who may use it when, and its conversion of
/// arrays. All methods run on the JavaScript thread.
class ProgramObject : public Napi::ObjectWrap<ProgramObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit ProgramObject(const Napi::CallbackInfo& info);
  ~ProgramObject() override;

 private:
  class Running;
  class RunJob;
  struct Request;

  void write(const Napi::CallbackInfo& info);
  void read(const Napi::CallbackInfo& info);
  Napi::Value run_sync(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  void cancel(const Napi::CallbackInfo& info);
  void dispose(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  Napi::Value seconds(const Napi::CallbackInfo& info);

  /// Throws ERR_DISPOSED after dispose() and ERR_BUSY during a run.
  void expect_idle() const;
  std::size_t persistent_id(Napi::Value value) const;
  Request read_request(Napi::Value value) const;
  std::vector<std::int32_t> begin(Napi::Env env, const Request& request);
  Napi::Object finish(Napi::Env env, const Outcome& outcome, std::int64_t requested,
                      const std::vector<Napi::Value>& into);
  void end_run(Napi::Env env) noexcept;
  /// Tells V8 how much native memory this object keeps.
  void report_memory(Napi::Env env) noexcept;

  std::shared_ptr<Program> program_;  // null once disposed
  bool running_ = false;
  bool disposed_ = false;
  std::int64_t reported_ = 0;
};

}  // namespace stridenet::addon
