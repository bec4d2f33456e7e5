/* The floor: what the same steps cost in bare C and Node-API, with no rule kept. */
#define _GNU_SOURCE
#define NAPI_VERSION 9
#include <node_api.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void nothing(napi_env env, void* data, void* hint) {
  (void)env;
  (void)data;
  (void)hint;
}

static size_t size_of(napi_env env, napi_value value) {
  int64_t size = 0;

  napi_get_value_int64(env, value, &size);
  return (size_t)size;
}

static char* bytes(napi_env env, napi_value value) {
  void* data = NULL;
  size_t length = 0;

  napi_get_arraybuffer_info(env, value, &data, &length);
  return data;
}

/* pair(size): maps, wraps in an external ArrayBuffer, detaches, unmaps */
static napi_value pair(napi_env env, napi_callback_info info) {
  napi_value argument, buffer;
  size_t count = 1, size;
  void* p;

  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  size = size_of(env, argument);
  p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return NULL;
  napi_create_external_arraybuffer(env, p, size, nothing, NULL, &buffer);
  napi_detach_arraybuffer(env, buffer);
  munmap(p, size);
  return NULL;
}

/* copy(to, from, size) */
static napi_value copy(napi_env env, napi_callback_info info) {
  napi_value a[3];
  size_t count = 3;

  napi_get_cb_info(env, info, &count, a, NULL, NULL);
  memcpy(bytes(env, a[0]), bytes(env, a[1]), size_of(env, a[2]));
  return NULL;
}

/* fill(address, byte, size) */
static napi_value fill(napi_env env, napi_callback_info info) {
  napi_value a[3];
  size_t count = 3;

  napi_get_cb_info(env, info, &count, a, NULL, NULL);
  memset(bytes(env, a[0]), (int)size_of(env, a[1]), size_of(env, a[2]));
  return NULL;
}

/* movePages(address, size, node): move_pages(2) of every page, in one call */
static napi_value move_pages(napi_env env, napi_callback_info info) {
  static void* page[1 << 18];
  static int node[1 << 18], status[1 << 18];
  napi_value a[3], result;
  size_t count = 3, pages, i;
  char* start;

  napi_get_cb_info(env, info, &count, a, NULL, NULL);
  start = bytes(env, a[0]);
  pages = size_of(env, a[1]) / 4096;
  if (pages > sizeof(page) / sizeof(page[0])) return NULL;
  for (i = 0; i < pages; i++) {
    page[i] = start + 4096 * i;
    node[i] = (int)size_of(env, a[2]);
  }
  napi_create_int64(
      env, syscall(SYS_move_pages, 0, pages, page, node, status, 2 /* MPOL_MF_MOVE */), &result);
  return result;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback call;
  } entries[] = {{"pair", pair}, {"copy", copy}, {"fill", fill}, {"movePages", move_pages}};
  size_t i;

  for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
    napi_value f;

    napi_create_function(env, entries[i].name, NAPI_AUTO_LENGTH, entries[i].call, NULL, &f);
    napi_set_named_property(env, exports, entries[i].name, f);
  }
  return exports;
}
