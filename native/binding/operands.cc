#include "operands.h"

#include <string>

#include "../core/lifecycle.h"

namespace emucxl {
namespace {

struct Names {
  const char* to;
  const char* from;
};

constexpr Names kNames[] = {
    {"buffer", "address"}, {"address", "buffer"}, {"to", "from"}, {"to", "from"}};

bool fits(const Call& call, const Memory& memory, const char* name, uint64_t offset,
          uint64_t size) {
  if (offset <= memory.length && size <= memory.length - offset) return true;
  throw_range_error(call.env(), std::string(name) + " has " + std::to_string(memory.length) +
                                    " bytes; " + std::to_string(size) + " bytes from offset " +
                                    std::to_string(offset) + " are not inside it");
  return false;
}

bool operand(const Call& call, size_t i, const char* name, bool ours, Memory* out) {
  if (ours) return call.address(i, name, out);
  if (!call.memory(i, name, out)) return false;
  bool detached = false;
  if (out->size == 0) napi_is_detached_arraybuffer(call.env(), out->buffer, &detached);
  if (detached) {
    throw_failure(call.environment(), fail("ERR_EMUCXL_DETACHED",
                                           std::string(name) + " has no memory: it is detached"));
    return false;
  }
  if (!out->region || !out->region->freed) return true;
  // A shared block that was freed keeps its length: what came to it would be lost without a word.
  throw_failure(call.environment(),
                fail("ERR_EMUCXL_FREED", std::string(name) + " was freed already"));
  return false;
}

}  // namespace

bool copy_operands(const Call& call, size_t first, CopyOperands* out) {
  uint64_t to_offset = 0;
  uint64_t from_offset = 0;
  uint64_t size = 0;
  uint64_t kind_number = 0;
  if (!call.whole(first + 1, &to_offset) || !call.whole(first + 3, &from_offset) ||
      !call.whole(first + 4, &size) || !call.whole(first + 5, &kind_number)) {
    return false;
  }
  const auto kind = static_cast<CopyKind>(kind_number & 3);
  const Names& names = kNames[kind_number & 3];
  if (!operand(call, first, names.to, kind != CopyKind::read, &out->to) ||
      !operand(call, first + 2, names.from, kind != CopyKind::write, &out->from) ||
      !fits(call, out->to, names.to, to_offset, size) ||
      !fits(call, out->from, names.from, from_offset, size)) {
    return false;
  }
  out->to_data = out->to.data + to_offset;
  out->from_data = out->from.data + from_offset;
  out->size = size;
  if (kind == CopyKind::copy && size != 0 && out->to_data < out->from_data + size &&
      out->from_data < out->to_data + size) {
    throw_range_error(call.env(), "to and from overlap: use move");
    return false;
  }
  return true;
}

bool fill_operands(const Call& call, size_t first, FillOperands* out) {
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t byte = 0;
  if (!call.whole(first + 1, &offset) || !call.whole(first + 2, &size) ||
      !call.whole(first + 3, &byte) || !call.address(first, "address", &out->address) ||
      !fits(call, out->address, "address", offset, size)) {
    return false;
  }
  out->data = out->address.data + offset;
  out->size = size;
  out->byte = static_cast<int>(byte & 0xff);
  return true;
}

bool modelled(const CopyOperands& operands) {
  return (operands.to.region && modelled(*operands.to.region.get())) ||
         (operands.from.region && modelled(*operands.from.region.get()));
}

void pace(const CopyOperands& operands, uint64_t began, Cancelled cancelled) {
  if (operands.to.region) pace(*operands.to.region.get(), began, operands.size, cancelled);
  if (operands.from.region) pace(*operands.from.region.get(), began, operands.size, cancelled);
}

}  // namespace emucxl
