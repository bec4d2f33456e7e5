// Remote bytes must not make V8 collect garbage: they are no load on its heap. V8 counts every
// external ArrayBuffer and collects when the count grows; this keeps the count where it was.
#pragma once

#include <node_api.h>

#include <cstddef>

#include "environment.h"

namespace emucxl {

// Before an ArrayBuffer of `size` bytes is made. False: it is left to V8 (too large for this to
// help, or among the first that an environment makes), and must not be given to show_to_v8.
bool hide_from_v8(Environment& e, size_t size);

// After such a buffer was detached, or has been collected.
void show_to_v8(napi_env env, size_t size);

}  // namespace emucxl
