// The functions that JavaScript sees, by file. Their arguments are those of lib/memory/addon.ts.
#pragma once

#include <node_api.h>

namespace emucxl {

// memory_calls.cc
napi_value backend_capacity(napi_env env, napi_callback_info info);
napi_value is_first(napi_env env, napi_callback_info info);
napi_value probe(napi_env env, napi_callback_info info);
napi_value open(napi_env env, napi_callback_info info);
napi_value close(napi_env env, napi_callback_info info);
napi_value abandon(napi_env env, napi_callback_info info);
napi_value alloc(napi_env env, napi_callback_info info);
napi_value free(napi_env env, napi_callback_info info);
napi_value resize(napi_env env, napi_callback_info info);
napi_value migrate(napi_env env, napi_callback_info info);
napi_value share(napi_env env, napi_callback_info info);
napi_value attach(napi_env env, napi_callback_info info);
napi_value set_capacity(napi_env env, napi_callback_info info);

// data_calls.cc
napi_value copy(napi_env env, napi_callback_info info);
napi_value fill(napi_env env, napi_callback_info info);

// query_calls.cc
napi_value node_of(napi_env env, napi_callback_info info);
napi_value size_of(napi_env env, napi_callback_info info);
napi_value where(napi_env env, napi_callback_info info);
napi_value stats(napi_env env, napi_callback_info info);
napi_value mappings(napi_env env, napi_callback_info info);
napi_value current_cpu(napi_env env, napi_callback_info info);
napi_value try_numa_calls(napi_env env, napi_callback_info info);
napi_value wraps_shared_memory(napi_env env, napi_callback_info info);

// memory_jobs.cc
napi_value alloc_async(napi_env env, napi_callback_info info);
napi_value free_async(napi_env env, napi_callback_info info);
napi_value resize_async(napi_env env, napi_callback_info info);
napi_value migrate_async(napi_env env, napi_callback_info info);
napi_value where_async(napi_env env, napi_callback_info info);
napi_value close_async(napi_env env, napi_callback_info info);
napi_value cancel(napi_env env, napi_callback_info info);

// data_jobs.cc
napi_value copy_async(napi_env env, napi_callback_info info);
napi_value fill_async(napi_env env, napi_callback_info info);

// measure_calls.cc
napi_value pin_thread(napi_env env, napi_callback_info info);
napi_value chase(napi_env env, napi_callback_info info);

// traffic_calls.cc
napi_value sweep(napi_env env, napi_callback_info info);
napi_value start_traffic(napi_env env, napi_callback_info info);
napi_value stop_traffic(napi_env env, napi_callback_info info);

}  // namespace emucxl
