#include "environment.h"

#include <atomic>

#include "../core/region.h"

namespace emucxl {
namespace {

napi_value text(napi_env env, const char* s) {
  napi_value value = nullptr;
  if (s == nullptr) {
    napi_get_undefined(env, &value);
  } else {
    napi_create_string_utf8(env, s, NAPI_AUTO_LENGTH, &value);
  }
  return value;
}

bool exception_pending(napi_env env) {
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  return pending;
}

// The buffers' finalizers have run by now, or will run later; they need nothing of this. A region
// that is kept for good keeps its context too: so the ranges that wait for further regions go now.
void close_environment(void* data) {
  auto* e = static_cast<Environment*>(data);
  e->traffic.clear();  // ends its threads, which hold regions
  for (Context* context : e->contexts) {
    if (context == nullptr) continue;
    RegionTable::instance().close(context);
    RegionTable::instance().drop(context);
  }
  delete e;
}

// An EmucxlError; null when it cannot be made.
napi_value to_error(Environment& e, const Failure& failure) {
  napi_value make = nullptr;
  napi_value receiver = nullptr;
  napi_value error = nullptr;
  napi_value number = nullptr;
  if (e.make_error == nullptr || napi_get_reference_value(e.env, e.make_error, &make) != napi_ok) {
    return nullptr;
  }
  napi_get_undefined(e.env, &receiver);
  napi_create_int32(e.env, -failure.error, &number);  // negative, as Node.js has it
  napi_value arguments[] = {text(e.env, failure.code), text(e.env, failure.message.c_str()),
                            text(e.env, failure.syscall), number};
  if (napi_call_function(e.env, receiver, make, 4, arguments, &error) != napi_ok) return nullptr;
  return error;
}

}  // namespace

uint32_t this_thread() {
  static std::atomic<uint32_t> last{0};
  thread_local const uint32_t mine = ++last;
  return mine;
}

bool stopping(napi_env env) {
  // Refused before its argument is looked at when JavaScript cannot run; no side effect otherwise.
  return napi_object_freeze(env, nullptr) != napi_invalid_arg;
}

napi_value throw_failure(Environment& e, const Failure& failure) {
  if (exception_pending(e.env)) return nullptr;
  napi_value error = to_error(e, failure);
  if (error != nullptr) {
    napi_throw(e.env, error);
  } else if (!exception_pending(e.env)) {
    napi_throw_error(e.env, failure.code, failure.message.c_str());
  }
  return nullptr;
}

napi_value throw_type_error(napi_env env, const std::string& message) {
  if (!exception_pending(env)) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message.c_str());
  return nullptr;
}

napi_value throw_range_error(napi_env env, const std::string& message) {
  if (!exception_pending(env)) napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message.c_str());
  return nullptr;
}

napi_value throw_status(napi_env env, napi_status status, const char* what) {
  if (!exception_pending(env)) {
    const std::string message =
        std::string("emucxl: ") + what + " failed with Node-API status " + std::to_string(status);
    napi_throw_error(env, "ERR_EMUCXL_INTERNAL", message.c_str());
  }
  return nullptr;
}

Environment* open_environment(napi_env env) {
  auto* e = new Environment;
  e->env = env;
  if (napi_add_env_cleanup_hook(env, close_environment, e) != napi_ok) {
    delete e;
    return nullptr;
  }
  return e;
}

}  // namespace emucxl
