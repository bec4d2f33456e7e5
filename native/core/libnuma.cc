#include "libnuma.h"

#include <dlfcn.h>

namespace emucxl {
namespace {

struct Loaded {
  Libnuma calls{};
  Failure failure;
};

template <typename Function>
bool find(void* library, const char* name, Function* out) {
  *out = reinterpret_cast<Function>(dlsym(library, name));
  return *out != nullptr;
}

Loaded load() {
  Loaded loaded;
  void* library = dlopen("libnuma.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    loaded.failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE",
                          "libnuma.so.1 not found: apt install libnuma1, or dnf install "
                          "numactl-libs");
    return loaded;
  }
  int (*available)() = nullptr;
  if (!find(library, "numa_available", &available) ||
      !find(library, "mbind", &loaded.calls.mbind) ||
      !find(library, "move_pages", &loaded.calls.move_pages)) {
    loaded.failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE",
                          "libnuma.so.1 lacks numa_available, mbind or move_pages: install "
                          "libnuma 2.0.12 or later");
  } else if (available() < 0) {
    loaded.failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE",
                          "this kernel has no NUMA support (numa_available() is -1), or "
                          "get_mempolicy is forbidden; " +
                              allow_calls("get_mempolicy, mbind and move_pages"));
  }
  return loaded;
}

}  // namespace

const Libnuma* libnuma(Failure* failure) {
  static const Loaded& loaded = *new Loaded(load());  // never destroyed: threads outlive exit()
  if (loaded.failure) {
    *failure = loaded.failure;
    return nullptr;
  }
  return &loaded.calls;
}

}  // namespace emucxl
