// The operands of copy and fill, checked against the memory they lie in.
#pragma once

#include "arguments.h"

namespace emucxl {

// Which side must be memory of emucxl, and whether the two may overlap; as in lib/memory/addon.ts.
enum class CopyKind : uint8_t { read, write, copy, move };

struct CopyOperands {
  Memory to;
  Memory from;
  char* to_data = nullptr;
  char* from_data = nullptr;
  size_t size = 0;
};

struct FillOperands {
  Memory address;
  char* data = nullptr;
  size_t size = 0;
  int byte = 0;
};

// Arguments from `first` on: to, toOffset, from, fromOffset, size, kind.
bool copy_operands(const Call& call, size_t first, CopyOperands* out);

// Arguments from `first` on: address, offset, size, byte.
bool fill_operands(const Call& call, size_t first, FillOperands* out);

// As modelled() and pace() of lifecycle.h, for the slower side.
bool modelled(const CopyOperands& operands);
void pace(const CopyOperands& operands, uint64_t began, Cancelled cancelled = nullptr);

}  // namespace emucxl
