// Bandwidth, and what loads the memory while something else is measured: kernels in threads of the
// addon's own.
#include "../core/sweep.h"
#include "../core/traffic.h"
#include "calls.h"
#include "results.h"
#include "traffic_operands.h"

namespace emucxl {

// sweep(kernel, blocks, weights, cpus, passes): { nsPerPass, bytesPerPass, pinned, valid }
napi_value sweep(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Environment& e = call.environment();
  uint64_t passes = 0;
  if (!call.whole(4, &passes)) return nullptr;
  if (passes < 1 || passes > kMostPasses) {
    return throw_range_error(env, "passes must be from 1 to " + std::to_string(kMostPasses));
  }
  const auto operation = to_operation(call);
  if (operation == nullptr) return nullptr;
  SweepResult result;
  Failure failure = sweep(*operation, passes, &result);
  if (!failure && operation->any_freed()) {
    failure = fail("ERR_EMUCXL_FREED", "one of blocks was freed meanwhile");
  }
  if (failure) return throw_failure(e, failure);
  napi_value ns_per_pass = nullptr;
  napi_create_array_with_length(env, result.ns_of_pass.size(), &ns_per_pass);
  uint32_t i = 0;
  for (const uint64_t ns : result.ns_of_pass) {
    napi_set_element(env, ns_per_pass, i++, number(env, static_cast<double>(ns)));
  }
  napi_value o = object(env, {{"bytesPerPass", static_cast<double>(operation->bytes())}});
  napi_set_named_property(env, o, "nsPerPass", ns_per_pass);
  napi_set_named_property(env, o, "pinned", boolean(env, result.pinned));
  napi_set_named_property(env, o, "valid", boolean(env, result.valid));
  return o;
}

// startTraffic(kernel, blocks, weights, cpus): the number by which stopTraffic() finds it
napi_value start_traffic(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Environment& e = call.environment();
  const auto operation = to_operation(call);
  if (operation == nullptr) return nullptr;
  auto traffic = std::make_unique<Traffic>(std::move(*operation));
  if (Failure failure = traffic->start()) return throw_failure(e, failure);
  const uint64_t id = e.next_traffic++;
  e.traffic[id] = std::move(traffic);
  return number(env, static_cast<double>(id));
}

// stopTraffic(id): { bytes, ns, pinned }
napi_value stop_traffic(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  auto& running = call.environment().traffic;
  uint64_t id = 0;
  if (!call.whole(0, &id)) return nullptr;
  const auto found = running.find(id);
  if (found == running.end()) {
    return throw_range_error(env, "traffic must be a number that startTraffic returned, once");
  }
  const TrafficResult result = found->second->stop();
  running.erase(found);
  napi_value o = object(
      env, {{"bytes", static_cast<double>(result.bytes)}, {"ns", static_cast<double>(result.ns)}});
  napi_set_named_property(env, o, "pinned", boolean(env, result.pinned));
  return o;
}

}  // namespace emucxl
