#include "addon/environment.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "addon/values.h"
#include "core/background.h"
#include "core/block_signals.h"

namespace stridenet::addon {

Environment::Environment(Napi::Env env) {
  const Napi::Object global = env.Global();
  const auto keep = [&](DType dtype, const char* name) {
    constructors_[static_cast<std::size_t>(dtype)] =
        Napi::Persistent(global.Get(name).As<Napi::Function>());
  };
  keep(DType::float32, "Float32Array");
  keep(DType::float64, "Float64Array");
  keep(DType::int32, "Int32Array");
  keep(DType::uint8, "Uint8Array");

  const napi_value name = Napi::String::New(env, "stridenet run");
  napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                      &Environment::on_completed, &completed_call_);
  if (status != napi_ok) throw Error("ERR_MEMORY", "cannot create a thread-safe function");
  // Only a run under way keeps the event loop alive.
  napi_unref_threadsafe_function(env, completed_call_);
  // Hooks run in reverse: this one before the thread-safe function's own, so that no runner is
  // left to call it when it closes.
  status = napi_add_env_cleanup_hook(env, &Environment::on_cleanup, this);
  if (status != napi_ok) throw Error("ERR_MEMORY", "cannot add a cleanup hook");
}

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Napi::Object Environment::new_typed_array(DType dtype, std::int64_t elements) const {
  const Napi::Env env = constructors_[0].Env();
  try {
    return constructors_[static_cast<std::size_t>(dtype)].New(
        {Napi::Number::New(env, static_cast<double>(elements))});
  } catch (const Napi::Error& error) {
    throw Error("ERR_MEMORY", "cannot make an array of " + std::to_string(elements) + " " +
                                  dtype_name(dtype) + ": " + error.Message());
  }
}

void Environment::submit(std::unique_ptr<Job> job) {
  Job* const started = job.get();
  pending_.push_back(std::move(job));
  try {
    start_runner_for(started);
  } catch (...) {
    pending_.pop_back();
    throw;
  }
  if (pending_.size() == 1) {
    napi_ref_threadsafe_function(constructors_[0].Env(), completed_call_);
  }
}

void Environment::start_runner_for(Job* job) {
  Runners& runners = runners_[job->urgent];
  {
    const std::lock_guard lock(mutex_);
    if (closing_) throw Error("ERR_ABORTED", "the environment is ending");
    if (runners.queue.size() >= runners.idle && runners.threads.size() < Runners::kMost) {
      try {
        const BlockSignals block;
        runners.threads.emplace_back([this, urgent = job->urgent] { runner(urgent); });
      } catch (const std::system_error& error) {
        if (runners.threads.empty()) {
          throw Error("ERR_MEMORY", std::string("cannot start a thread: ") + error.what());
        }
      }
    }
    runners.queue.push_back(job);
  }
  runners.wake.notify_one();
}

void Environment::runner(bool urgent) noexcept {
  if (urgent) {
    name_thread("stridenet serve");
  } else {
    enter_background("stridenet run");
  }
  Runners& runners = runners_[urgent];
  std::unique_lock lock(mutex_);
  for (;;) {
    ++runners.idle;
    runners.wake.wait(lock, [&] { return closing_ || !runners.queue.empty(); });
    --runners.idle;
    if (closing_) return;
    Job* const job = runners.queue.front();
    runners.queue.pop_front();
    lock.unlock();
    job->outcome = job->program->run(job->steps, job->batch, job->budget);
    lock.lock();
    completed_.push_back(job);
    // The queue of the function is unbounded and the call needs no answer, so this cannot wait.
    if (!closing_) {
      napi_call_threadsafe_function(completed_call_, nullptr, napi_tsfn_nonblocking);
    }
  }
}

void Environment::on_completed(napi_env env, napi_value, void* context, void*) {
  // Without an environment it is ending, and this object may be gone.
  if (env == nullptr) return;
  try {
    const Napi::HandleScope scope(env);
    static_cast<Environment*>(context)->settle_completed(env);
  } catch (...) {
    // JavaScript can no longer be called: nobody is left to hear of the result.
  }
}

void Environment::settle_completed(Napi::Env env) {
  std::vector<Job*> completed;
  {
    const std::lock_guard lock(mutex_);
    completed.swap(completed_);
  }
  for (Job* const job : completed) {
    const auto at = std::find_if(pending_.begin(), pending_.end(),
                                 [job](const auto& owned) { return owned.get() == job; });
    const std::unique_ptr<Job> owned = std::move(*at);
    pending_.erase(at);
    if (pending_.empty()) napi_unref_threadsafe_function(env, completed_call_);
    try {
      const Napi::HandleScope scope(env);
      owned->settle(env);
    } catch (...) {
      // As above; the other jobs must still be released.
    }
  }
}

void Environment::on_cleanup(void* environment) {
  static_cast<Environment*>(environment)->shut_down();
}

void Environment::shut_down() noexcept {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (const auto& job : pending_) job->program->stop(Program::Stop::instruction);
  }
  for (Runners& runners : runners_) {
    runners.wake.notify_all();
    for (std::thread& thread : runners.threads) thread.join();
    runners.threads.clear();
  }
  pending_.clear();
}

}  // namespace stridenet::addon
