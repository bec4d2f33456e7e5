// Regions handed out as ArrayBuffers, and the moments at which the engine lets go of them. The
// memory rules are kept here; docs/memory-rules.md tells what was tried and why it is so.
#pragma once

#include <node_api.h>

#include "../core/region.h"
#include "arguments.h"
#include "environment.h"

namespace emucxl {

// Takes over a mapped and charged region that no table knows yet, and makes its ArrayBuffer; for a
// shared one a SharedArrayBuffer where this Node.js can. Null with an exception: all was given
// back.
napi_value hand_out(Environment& e, Region* region);

// Another buffer over a shared region, in the calling thread.
napi_value attach(Environment& e, Held region);

// True where this Node.js can wrap external memory in a SharedArrayBuffer (22 and later).
bool wraps_shared();

// Detaches `buffer`, which lies over the region; it has length 0 from then on. A buffer that is not
// the one that was handed out came by a transfer: then the addresses are kept. False with an
// exception thrown: nothing has changed.
bool detach(Environment& e, Region* region, napi_value buffer);

// As `detach`, for the buffer that was handed out for the region, wherever it is now.
void detach_original(Environment& e, Region* region);

}  // namespace emucxl
