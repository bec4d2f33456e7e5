// How much memory a NUMA node has to give at the moment.
#pragma once

#include <cstdint>

namespace emucxl {

// Bytes that are free on the node, or that the kernel can free there at once (its file cache). With
// a negative node, or where the machine has one node, of the whole machine. UINT64_MAX when
// unknown.
uint64_t available_memory(int numa_node);

}  // namespace emucxl
