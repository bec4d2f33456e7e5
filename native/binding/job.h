// Work off the main thread, with a promise for its end. What can be pulled from under a job is held
// by it: regions by their holds, contexts likewise, buffers of JavaScript by looking again.
#pragma once

#include <node_api.h>

#include <atomic>
#include <memory>

#include "../core/failure.h"
#include "environment.h"

namespace emucxl {

class Job {
 public:
  Job(Environment& e, uint32_t id) : environment_(e), id_(id) {}
  virtual ~Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Queues it. Returns the promise, or null with an exception.
  static napi_value start(std::unique_ptr<Job> job);

  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

 protected:
  // In a thread of the pool: no JavaScript.
  virtual Failure run() = 0;

  // In the environment's thread, with what run() returned, or with a failure where the job could
  // not run; also while the environment ends, when calls of JavaScript fail. True: run() once more.
  // Else `failure`, a pending exception or `result` settles the promise.
  virtual bool land(Failure* failure, napi_value* result) = 0;

  Environment& environment() const { return environment_; }
  napi_env env() const { return environment_.env; }
  const std::atomic<bool>& cancelled() const { return cancelled_; }
  bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  napi_status queue();
  static void execute(napi_env env, void* data);
  static void complete(napi_env env, napi_status status, void* data);
  void settle(napi_value result);

  Environment& environment_;
  const uint32_t id_;
  std::atomic<bool> cancelled_{false};
  napi_async_work work_ = nullptr;
  napi_deferred deferred_ = nullptr;
  Failure failure_;
};

// A strong reference to a buffer of JavaScript, which can be detached all the same.
class Reference {
 public:
  Reference(napi_env env, napi_value value) : env_(env) {
    napi_create_reference(env, value, 1, &reference_);
  }
  ~Reference() {
    if (reference_ != nullptr) napi_delete_reference(env_, reference_);
  }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  napi_value get() const {
    napi_value value = nullptr;
    if (reference_ != nullptr) napi_get_reference_value(env_, reference_, &value);
    return value;
  }

 private:
  napi_env env_;
  napi_ref reference_ = nullptr;
};

}  // namespace emucxl
