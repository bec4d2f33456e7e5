// Contexts and regions: open, close, alloc, free, resize, migrate, share.
#include <algorithm>
#include <atomic>
#include <string>

#include "../core/libnuma.h"
#include "../core/lifecycle.h"
#include "buffers.h"
#include "calls.h"
#include "results.h"
#include "wanted.h"

namespace emucxl {
namespace {

RegionTable& table() { return RegionTable::instance(); }

std::string text(napi_env env, napi_value value) {
  char s[4096] = {};
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, s, sizeof s, &length) != napi_ok) return {};
  return {s, length};
}

std::unique_ptr<Backend> open_backend(const std::string& name, const std::string& path,
                                      Failure* failure) {
  if (name == "emulated") return open_emulated(failure);
  if (name == "numa") return open_numa(failure);
  if (name == "device") return open_device(path, failure);
  *failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", "there is no backend '" + name + "'");
  return nullptr;
}

// Rows of four numbers: NUMA node, capacity in bytes, ns per access, bytes per ns (0: no model).
bool node_accounts(napi_env env, napi_value rows, std::vector<NodeAccount>* out) {
  uint32_t length = 0;
  if (napi_get_array_length(env, rows, &length) != napi_ok || length == 0 || length % 4 != 0) {
    return false;
  }
  // A row at a time: the length alone proves nothing, an array of 2^32 - 1 holes has it too.
  for (uint32_t row = 0; row < length; row += 4) {
    double numbers[4] = {};
    for (uint32_t i = 0; i < 4; ++i) {
      napi_value element = nullptr;
      if (napi_get_element(env, rows, row + i, &element) != napi_ok ||
          napi_get_value_double(env, element, &numbers[i]) != napi_ok ||
          !(numbers[i] >= 0 && numbers[i] <= 9007199254740991.0)) {
        return false;
      }
    }
    NodeAccount account;
    account.numa_node = numbers[0] < 65536 ? static_cast<int>(numbers[0]) : 65536;
    account.capacity = static_cast<uint64_t>(numbers[1]);
    account.latency = {numbers[2], numbers[3]};
    out->push_back(account);
  }
  return true;
}

}  // namespace

// isFirst(): true the first time in the process, whichever thread asks
napi_value is_first(napi_env env, napi_callback_info /*info*/) {
  static std::atomic<bool> asked{false};
  return boolean(env, !asked.exchange(true));
}

// probe(backend or 'libnuma', devicePath): throws what keeps it from running here
napi_value probe(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  const std::string name = text(env, call[0]);
  Failure failure;
  if (name == "libnuma" ? libnuma(&failure) == nullptr
                        : open_backend(name, text(env, call[1]), &failure) == nullptr) {
    return throw_failure(call.environment(), failure);
  }
  return undefined(env);
}

// open(backend, devicePath, rows): the context's id
napi_value open(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Environment& e = call.environment();
  auto context = std::make_unique<Context>();
  if (!node_accounts(env, call[2], &context->nodes)) {
    return throw_type_error(env, "emucxl: argument 2 of a native call must be rows of nodes");
  }
  Failure failure;
  context->backend = open_backend(text(env, call[0]), text(env, call[1]), &failure);
  if (context->backend == nullptr) return throw_failure(e, failure);
  context->ready.resize(context->nodes.size());
  e.contexts.push_back(context.release());
  return number(env, static_cast<double>(e.contexts.size() - 1));
}

// backendCapacity(context, node): bytes that the backend has there, or 2^53 - 1
napi_value backend_capacity(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  uint32_t node = 0;
  if (!call.context(0, &context) || !call.node(1, *context, &node)) return nullptr;
  constexpr uint64_t kMost = (uint64_t{1} << 53) - 1;
  const uint64_t capacity = context->backend->capacity(context->nodes[node].numa_node);
  return number(env, static_cast<double>(std::min(capacity, kMost)));
}

// close(context, alsoShared): frees its regions, the shared ones only if told to
napi_value close(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  bool also_shared = false;
  if (!call.context(0, &context) || !call.flag(1, &also_shared)) return nullptr;
  table().close(context);
  for (Region* region : table().live(context)) {
    const Held held(region);
    if (region->shared && !also_shared) continue;
    detach_original(call.environment(), region);
    if (table().retire(region)) table().wipe(region);
  }
  return undefined(env);
}

// abandon(context): JavaScript has no use for it any more; its regions live on
napi_value abandon(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  uint64_t id = 0;
  if (!call.context(0, &context) || !call.whole(0, &id)) return nullptr;
  call.environment().contexts[id] = nullptr;
  table().drop(context);
  return undefined(env);
}

// alloc(context, size, node, flags): an ArrayBuffer, or a SharedArrayBuffer
napi_value alloc(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Wanted wanted;
  if (!wanted_region(call, 0, &wanted)) return nullptr;
  Region* region = nullptr;
  if (Failure failure = obtain(wanted, nullptr, &region)) {
    return throw_failure(call.environment(), failure);
  }
  return hand_out(call.environment(), region);
}

// free(address)
napi_value free(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Memory memory;
  if (!call.block(0, "address", &memory)) return nullptr;
  if (!let_go(call.environment(), memory)) return nullptr;
  if (table().retire(memory.region.get())) table().wipe(memory.region.get());
  return undefined(env);
}

// resize(address, size): the new ArrayBuffer
napi_value resize(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Environment& e = call.environment();
  uint64_t size = 0;
  Memory memory;
  if (!call.whole(1, &size) || !call.block(0, "address", &memory)) return nullptr;
  Region* old = memory.region.get();
  Region* fresh = nullptr;
  if (Failure failure = begin_resize(old, size)) return throw_failure(e, failure);
  Failure failure = obtain(like(*old, size), old, &fresh);
  if (!failure && (!let_go(e, memory) || !table().replace(old, fresh))) {
    give_back(fresh);
    failure = fail("ERR_EMUCXL_FREED", "address was freed meanwhile");
  }
  if (failure) {
    table().end_move(old);
    return throw_failure(e, failure);  // unless let_go has thrown
  }
  carry_over(old, fresh);
  table().wipe(old);
  table().end_move(old);
  return hand_out(e, fresh);
}

// migrate(address, node): { moved, failed, untouched }
napi_value migrate(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Environment& e = call.environment();
  Memory memory;
  uint32_t node = 0;
  if (!call.block(0, "address", &memory)) return nullptr;
  Region* region = memory.region.get();
  if (!call.node(1, *region->context, &node)) return nullptr;
  if (Failure failure = begin_move(region)) return throw_failure(e, failure);
  MoveResult result;
  const std::atomic<bool> never{false};
  Failure failure = migrate(region, node, never, &result);
  table().end_move(region);
  return failure ? throw_failure(e, failure) : to_value(env, result);
}

// share(address): the handle by which other threads attach
napi_value share(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Memory memory;
  if (!call.block(0, "address", &memory)) return nullptr;
  if (!memory.region->shared) {
    return throw_failure(
        call.environment(),
        fail("ERR_EMUCXL_NOT_SHARED",
             "address was not allocated as shared: pass { shared: true } to alloc"));
  }
  return number(env, static_cast<double>(memory.region->handle));
}

// attach(handle): a buffer over the shared region
napi_value attach(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint64_t handle = 0;
  if (!call.whole(0, &handle)) return nullptr;
  Held region(table().find_shared(handle));
  if (!region || region->freed) {
    return throw_failure(
        call.environment(),
        fail("ERR_EMUCXL_FREED",
             "handle: the shared region was freed, or no thread held it any longer"));
  }
  return attach(call.environment(), std::move(region));
}

// set_capacity(context, node, bytes)
napi_value set_capacity(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  Context* context = nullptr;
  uint32_t node = 0;
  uint64_t bytes = 0;
  if (!call.context(0, &context) || !call.node(1, *context, &node) || !call.whole(2, &bytes)) {
    return nullptr;
  }
  table().set_capacity(context, node, bytes);
  return undefined(env);
}

}  // namespace emucxl
