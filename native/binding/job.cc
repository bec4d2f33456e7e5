#include "job.h"

namespace emucxl {

// An item of work can be queued once: each run gets one of its own.
napi_status Job::queue() {
  napi_async_work work = nullptr;
  napi_value name = nullptr;
  napi_create_string_utf8(env(), "emucxl", NAPI_AUTO_LENGTH, &name);
  napi_status status =
      napi_create_async_work(env(), nullptr, name, &Job::execute, &Job::complete, this, &work);
  if (status != napi_ok) return status;
  status = napi_queue_async_work(env(), work);
  if (status == napi_ok) {
    work_ = work;
  } else {
    napi_delete_async_work(env(), work);
  }
  return status;
}

napi_value Job::start(std::unique_ptr<Job> job) {
  napi_env env = job->env();
  napi_value promise = nullptr;
  napi_status status = napi_create_promise(env, &job->deferred_, &promise);
  if (status == napi_ok) status = job->queue();
  if (status != napi_ok) {
    Failure failure = aborted();
    napi_value ignored = nullptr;
    job->land(&failure, &ignored);  // gives back what was taken for it
    return throw_status(env, status, "napi_queue_async_work");
  }
  job->environment_.jobs[job->id_] = job.get();
  static_cast<void>(job.release());  // complete() deletes it
  return promise;
}

void Job::execute(napi_env /*env*/, void* data) {
  auto* job = static_cast<Job*>(data);
  job->failure_ = job->run();
}

void Job::complete(napi_env env, napi_status status, void* data) {
  std::unique_ptr<Job> job(static_cast<Job*>(data));
  if (status != napi_ok) job->failure_ = aborted();
  if (stopping(env)) job->cancel();
  napi_value result = nullptr;
  napi_get_undefined(env, &result);
  napi_delete_async_work(env, job->work_);
  if (job->land(&job->failure_, &result)) {
    if (job->queue() == napi_ok) {
      static_cast<void>(job.release());
      return;
    }
    job->failure_ = aborted();
    job->land(&job->failure_, &result);
  }
  job->environment_.jobs.erase(job->id_);
  job->settle(result);
}

void Job::settle(napi_value result) {
  if (failure_) throw_failure(environment_, failure_);
  napi_value error = nullptr;
  bool pending = false;
  napi_is_exception_pending(env(), &pending);
  if (pending) napi_get_and_clear_last_exception(env(), &error);
  if (error != nullptr) {
    napi_reject_deferred(env(), deferred_, error);
  } else if (!failure_ && result != nullptr) {
    napi_resolve_deferred(env(), deferred_, result);
  }
}

}  // namespace emucxl
