// What the addon keeps for one environment of Node.js: the main thread, or one worker. There may be
// any number of them, also two in one thread (the addon required twice).
#pragma once

#include <node_api.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../core/context.h"
#include "../core/failure.h"
#include "../core/traffic.h"

namespace emucxl {

class Job;

struct Environment {
  napi_env env = nullptr;
  napi_ref make_error = nullptr;   // the function of JavaScript that makes an EmucxlError
  bool balance_based = false;      // see balance.cc
  size_t counted = 0;              // bytes that were left to V8's count until then
  std::vector<Context*> contexts;  // opened here, by id; null when abandoned
  std::unordered_map<uint32_t, Job*> jobs;
  std::unordered_map<uint64_t, std::unique_ptr<Traffic>> traffic;  // that was started here, by id
  uint64_t next_traffic = 1;
};

// A number for the calling thread, never used twice. References to JavaScript objects belong to
// it: two environments of one thread share it, as they share the engine.
uint32_t this_thread();

// True while the environment is torn down, when JavaScript can no longer run.
bool stopping(napi_env env);

// Throw, unless an exception is pending, and return null for the caller to return.
napi_value throw_failure(Environment& e, const Failure& failure);
napi_value throw_type_error(napi_env env, const std::string& message);
napi_value throw_range_error(napi_env env, const std::string& message);
// For a Node-API call that failed for no reason of the user's.
napi_value throw_status(napi_env env, napi_status status, const char* what);

Environment* open_environment(napi_env env);

}  // namespace emucxl
