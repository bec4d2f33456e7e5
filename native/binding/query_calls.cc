// Questions about regions and nodes.
#include <sched.h>

#include "../core/numa_calls.h"
#include "buffers.h"
#include "calls.h"
#include "results.h"

namespace emucxl {
namespace {

RegionTable& table() { return RegionTable::instance(); }

}  // namespace

napi_value node_of(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Memory memory;
  return call.address(0, "address", &memory) ? number(env, memory.region->node) : nullptr;
}

napi_value size_of(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Memory memory;
  if (!call.address(0, "address", &memory)) return nullptr;
  return number(env, static_cast<double>(memory.region->size));
}

// where(address): { pageSize, untouched, nodes }
napi_value where(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Memory memory;
  if (!call.address(0, "address", &memory)) return nullptr;
  const Range& range = memory.region->range;
  Residency found;
  if (Failure failure = memory.region->context->backend->where(range, &found, nullptr)) {
    return throw_failure(call.environment(), failure);
  }
  return to_value(env, found, range.unit);
}

// stats(context, node)
napi_value stats(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  uint32_t node = 0;
  if (!call.context(0, &context) || !call.node(1, *context, &node)) return nullptr;
  const NodeAccount a = table().account(context, node);
  return object(env, {{"allocated", static_cast<double>(a.allocated)},
                      {"mapped", static_cast<double>(a.mapped)},
                      {"capacity", static_cast<double>(a.capacity)},
                      {"regions", static_cast<double>(a.regions)},
                      {"pendingRanges", static_cast<double>(a.pending.ranges)},
                      {"pendingBytes", static_cast<double>(a.pending.bytes)},
                      {"reservedRanges", static_cast<double>(a.reserved.ranges)},
                      {"reservedBytes", static_cast<double>(a.reserved.bytes)},
                      {"idleRanges", static_cast<double>(a.idle.ranges)},
                      {"idleBytes", static_cast<double>(a.idle.bytes)}});
}

// mappings(context): rows
napi_value mappings(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  if (!call.context(0, &context)) return nullptr;
  napi_value rows = nullptr;
  napi_create_array(env, &rows);
  uint32_t i = 0;
  for (Region* region : table().live(context)) {
    const Held held(region);
    napi_value row = object(env, {{"node", static_cast<double>(region->node.load())},
                                  {"size", static_cast<double>(region->size)},
                                  {"mapped", static_cast<double>(region->range.length)},
                                  {"pageSize", static_cast<double>(region->range.unit)},
                                  {"hugePages", static_cast<double>(region->huge)}});
    napi_set_named_property(env, row, "shared", boolean(env, region->shared));
    napi_set_named_property(env, row, "locked", boolean(env, region->locked));
    napi_set_element(env, rows, i++, row);
  }
  return rows;
}

napi_value current_cpu(napi_env env, napi_callback_info /*info*/) {
  return number(env, sched_getcpu());
}

// tryNumaCalls(): errno by name, 0 where the call works
napi_value try_numa_calls(napi_env env, napi_callback_info /*info*/) {
  napi_value errors = object(env, {});
  for (const NumaCall& call : try_numa_calls()) {
    napi_set_named_property(env, errors, call.name, number(env, call.error));
  }
  return errors;
}

napi_value wraps_shared_memory(napi_env env, napi_callback_info /*info*/) {
  return boolean(env, wraps_shared());
}

}  // namespace emucxl
