// How much memory a NUMA node has to give at the moment.
#pragma once

#include <cstdint>
#include <string>

namespace emucxl {

// Bytes that are free on the node, or that the kernel can free there at once (its file cache). With
// a negative node, or where the machine has one node, of the whole machine. Never more than the
// memory cgroups of the process may still take, and UINT64_MAX when unknown. `root`: where /proc
// and /sys are looked for.
uint64_t available_memory(int numa_node, const std::string& root = {});

}  // namespace emucxl
