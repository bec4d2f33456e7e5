// libnuma, loaded when first asked for and never linked, so that the addon loads where it is
// missing. Only its system call wrappers are used.
#pragma once

#include "failure.h"

namespace emucxl {

struct Libnuma {
  long (*mbind)(void* start, unsigned long length, int mode, const unsigned long* nodes,
                unsigned long max_node, unsigned flags);
  long (*move_pages)(int pid, unsigned long count, void** pages, const int* nodes, int* status,
                     int flags);
};

// The library, or null with a failure that says what is missing and how to install it.
const Libnuma* libnuma(Failure* failure);

}  // namespace emucxl
