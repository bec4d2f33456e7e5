#include "buffers.h"

#include <dlfcn.h>

#include "balance.h"

namespace emucxl {
namespace {

RegionTable& table() { return RegionTable::instance(); }

using CreateShared = napi_status (*)(napi_env, void*, size_t, void (*)(void*, void*), void*,
                                     napi_value*);

CreateShared create_shared() {
  static const auto create = reinterpret_cast<CreateShared>(
      dlsym(RTLD_DEFAULT, "node_api_create_external_sharedarraybuffer"));
  return create;
}

// The ArrayBuffer as which the region was handed out in this thread; null when it was collected.
napi_value object_of(napi_env env, const Attachment& attachment) {
  napi_value object = nullptr;
  if (attachment.thread == this_thread() && attachment.object != nullptr) {
    napi_get_reference_value(env, attachment.object, &object);
  }
  return object;
}

// Gives back one of the two holds of an attachment; the first one of a region is part of it.
void end_use(Region* region, Attachment* attachment) {
  if (--attachment->uses == 0 && attachment != &region->attachment) delete attachment;
  table().drop(region);
}

// The backing store is gone: the buffer was detached or collected, or its environment ends. Runs in
// the thread that made the buffer. At the end of an environment Node.js calls this also for memory
// that was transferred and is in use in another thread.
void on_store_dead(napi_env env, void* /*data*/, void* hint) {
  auto* attachment = static_cast<Attachment*>(hint);
  const bool ends = stopping(env);
  if (!attachment->released && (ends || object_of(env, *attachment) != nullptr)) {
    // The object outlives its memory, and not by our doing: it was transferred.
    table().keep(attachment->region);
  }
  if (attachment->balanced && !ends) {
    show_to_v8(env, attachment->region->size);
    attachment->balanced = false;
  }
  end_use(attachment->region, attachment);
}

// The ArrayBuffer object was collected; with it every job that ran over it has ended. At the end of
// an environment this comes after our own clean-up hook: only the region may be touched.
void on_object_dead(napi_env env, void* /*data*/, void* hint) {
  auto* attachment = static_cast<Attachment*>(hint);
  napi_delete_reference(env, attachment->object);
  attachment->object = nullptr;
  end_use(attachment->region, attachment);
}

// The last SharedArrayBuffer over the region is gone, in whatever thread; no environment is here.
void on_shared_dead(void* /*data*/, void* hint) { table().drop(static_cast<Region*>(hint)); }

napi_value creation_failed(Environment& e, napi_status status) {
  if (status == napi_no_external_buffers_allowed) {
    return throw_failure(e, fail("ERR_EMUCXL_NO_EXTERNAL",
                                 "this runtime forbids ArrayBuffers over memory of an addon (as "
                                 "Electron and other builds with V8's sandbox do): run under plain "
                                 "Node.js"));
  }
  return throw_status(e.env, status, "napi_create_external_arraybuffer");
}

// Needs a hold of the caller's.
napi_value wrap(Environment& e, Region* region, Attachment* attachment) {
  attachment->region = region;
  attachment->thread = this_thread();
  attachment->uses = 2;  // the store and the object
  table().hold(region, 2);
  attachment->balanced = region->hidden && hide_from_v8(e, region->size);
  napi_value buffer = nullptr;
  napi_status status = napi_create_external_arraybuffer(e.env, region->range.start, region->size,
                                                        on_store_dead, attachment, &buffer);
  if (status != napi_ok) {
    // Node.js 20 has run the finalizer when the size was what it refused, and left an exception.
    if (attachment->balanced) show_to_v8(e.env, region->size);
    attachment->balanced = false;
    for (uint8_t left = attachment->uses; left > 0; --left) end_use(region, attachment);
    return creation_failed(e, status);
  }
  status = napi_add_finalizer(e.env, buffer, attachment, on_object_dead, attachment,
                              &attachment->object);
  if (status != napi_ok) {
    attachment->object = nullptr;
    table().keep(region);
    end_use(region, attachment);
    return throw_status(e.env, status, "napi_add_finalizer");
  }
  return buffer;
}

// Needs a hold of the caller's.
napi_value wrap_shared(Environment& e, Region* region) {
  table().hold(region);
  napi_value buffer = nullptr;
  const napi_status status =
      create_shared()(e.env, region->range.start, region->size, on_shared_dead, region, &buffer);
  if (status == napi_ok) return buffer;
  table().drop(region);
  return creation_failed(e, status);
}

}  // namespace

bool wraps_shared() { return create_shared() != nullptr; }

napi_value hand_out(Environment& e, Region* region) {
  table().enter(region, 1);
  const Held held(region);
  return region->shared && wraps_shared() ? wrap_shared(e, region)
                                          : wrap(e, region, &region->attachment);
}

napi_value attach(Environment& e, Held region) {
  if (wraps_shared()) return wrap_shared(e, region.get());
  return wrap(e, region.get(), new Attachment);
}

bool detach(Environment& e, Region* region, napi_value buffer) {
  Attachment& attachment = region->attachment;
  const napi_value object = object_of(e.env, attachment);
  bool original = false;
  if (object != nullptr) napi_strict_equals(e.env, object, buffer, &original);
  const napi_status status = napi_detach_arraybuffer(e.env, buffer);
  if (status != napi_ok) {
    throw_status(e.env, status, "napi_detach_arraybuffer");
    return false;
  }
  if (!original) {
    table().keep(region);
    return true;
  }
  attachment.released = true;
  if (attachment.balanced) show_to_v8(e.env, region->size);
  attachment.balanced = false;
  return true;
}

void detach_original(Environment& e, Region* region) {
  const napi_value object = object_of(e.env, region->attachment);
  bool detached = false;
  if (object == nullptr || napi_is_detached_arraybuffer(e.env, object, &detached) != napi_ok) {
    return;  // collected, or another thread's: its finalizer decides
  }
  if (detached) {
    table().keep(region);  // transferred
  } else {
    detach(e, region, object);
  }
}

}  // namespace emucxl
