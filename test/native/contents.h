// What a range of memory holds, and what the process has mapped.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "pages.h"

namespace emucxl {

inline bool all_bytes(const char* start, size_t length, char value) {
  for (size_t i = 0; i < length; ++i) {
    if (start[i] != value) return false;
  }
  return true;
}

inline bool all_bytes(const Range& range, char value) {
  return all_bytes(range.start, range.length, value);
}

inline void write_all(const Range& range, char value) { memset(range.start, value, range.length); }

// Address space of the process in bytes. Of use for differences far above what a test and its
// sanitizer map on the side.
inline uint64_t mapped_bytes() {
  char text[32] = {};
  FILE* file = fopen("/proc/self/statm", "re");
  if (file == nullptr || fgets(text, sizeof text, file) == nullptr) return 0;
  fclose(file);
  return strtoull(text, nullptr, 10) * page_size();
}

// Mappings of the process; a test and its sanitizer make some dozens on the side.
inline uint64_t mapping_count() {
  uint64_t lines = 0;
  FILE* file = fopen("/proc/self/maps", "re");
  if (file == nullptr) return 0;
  for (int c = fgetc(file); c != EOF; c = fgetc(file)) lines += c == '\n' ? 1 : 0;
  fclose(file);
  return lines;
}

}  // namespace emucxl
