// The addon's entry: one table of functions for each environment that loads it.
#include <dlfcn.h>
#include <node_api.h>

#include "binding/calls.h"
#include "binding/environment.h"
#include "binding/results.h"

namespace {

using namespace emucxl;  // NOLINT(google-build-using-namespace): the table below is all there is

struct Entry {
  const char* name;
  napi_callback call;
};

// setup(makeError): called once, by lib/memory/addon.ts
napi_value setup(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1] = {};
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
  auto* e = static_cast<Environment*>(data);
  napi_valuetype type = napi_undefined;
  napi_typeof(env, arguments[0], &type);
  if (type != napi_function) return throw_type_error(env, "setup needs a function");
  if (e->make_error != nullptr) napi_delete_reference(env, e->make_error);
  napi_create_reference(env, arguments[0], 1, &e->make_error);
  return undefined(env);
}

// Finalizers of shared memory can come after the last environment that loaded the addon.
void stay_loaded() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &info) != 0) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
  }
}

constexpr Entry kEntries[] = {
    {"setup", setup},
    {"backendCapacity", backend_capacity},
    {"isFirst", is_first},
    {"probe", probe},
    {"open", open},
    {"close", close},
    {"abandon", abandon},
    {"alloc", alloc},
    {"free", free},
    {"resize", resize},
    {"migrate", migrate},
    {"share", share},
    {"attach", attach},
    {"setCapacity", set_capacity},
    {"copy", copy},
    {"fill", fill},
    {"nodeOf", node_of},
    {"sizeOf", size_of},
    {"where", where},
    {"stats", stats},
    {"mappings", mappings},
    {"currentCpu", current_cpu},
    {"tryNumaCalls", try_numa_calls},
    {"wrapsShared", wraps_shared_memory},
    {"allocAsync", alloc_async},
    {"freeAsync", free_async},
    {"resizeAsync", resize_async},
    {"migrateAsync", migrate_async},
    {"copyAsync", copy_async},
    {"fillAsync", fill_async},
    {"whereAsync", where_async},
    {"closeAsync", close_async},
    {"cancel", cancel},
    {"pinThread", pin_thread},
    {"chase", chase},
    {"sweep", sweep},
    {"startTraffic", start_traffic},
    {"stopTraffic", stop_traffic},
};

}  // namespace

NAPI_MODULE_INIT() {
  stay_loaded();
  Environment* e = open_environment(env);
  if (e == nullptr) return throw_type_error(env, "emucxl: this environment cannot load addons");
  for (const Entry& entry : kEntries) {
    napi_value function = nullptr;
    if (napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.call, e, &function) !=
            napi_ok ||
        napi_set_named_property(env, exports, entry.name, function) != napi_ok) {
      return nullptr;
    }
  }
  return exports;
}
