#include "wanted.h"

#include "buffers.h"

namespace emucxl {
namespace {

// Flags of lib/memory/addon.ts: 1 and 2 are the HugePages.
constexpr uint64_t kHugeMask = 3;
constexpr uint64_t kLock = 4;
constexpr uint64_t kPrefault = 8;
constexpr uint64_t kShared = 16;
constexpr uint64_t kCounted = 32;

// Past this no range of addresses is that long; it keeps sums of sizes far from overflow.
constexpr uint64_t kLongest = uint64_t{1} << 47;

Failure check_size(uint64_t size) {
  if (size == 0 || size > kLongest) {
    return fail("ERR_EMUCXL_NO_MEMORY",
                "no range of " + std::to_string(size) + " bytes can be mapped");
  }
  return success();
}

}  // namespace

bool wanted_region(const Call& call, size_t first, Wanted* out) {
  uint64_t size = 0;
  uint64_t flags = 0;
  if (!call.context(first, &out->context) || !call.whole(first + 1, &size) ||
      !call.node(first + 2, *out->context, &out->node) || !call.whole(first + 3, &flags)) {
    return false;
  }
  if (Failure failure = check_size(size)) {
    throw_failure(call.environment(), failure);
    return false;
  }
  out->size = size;
  const auto huge = static_cast<uint8_t>(flags & kHugeMask);
  out->huge = huge == 2 ? HugePages::require : huge == 1 ? HugePages::prefer : HugePages::off;
  out->lock = (flags & kLock) != 0;
  out->prefault = (flags & kPrefault) != 0;
  out->shared = (flags & kShared) != 0;
  out->hidden = (flags & kCounted) == 0;
  if (out->huge != HugePages::off && !out->context->backend->can().huge_pages) {
    throw_failure(call.environment(),
                  fail("ERR_EMUCXL_UNSUPPORTED", std::string("the backend '") +
                                                     out->context->backend->name() +
                                                     "' has no huge pages here: hugePages 'off'"));
    return false;
  }
  return true;
}

Failure begin_move(Region* region) {
  if (RegionTable::instance().begin_move(region)) return success();
  if (region->freed) return fail("ERR_EMUCXL_FREED", "address was freed already");
  return fail("ERR_EMUCXL_BUSY",
              "a migrate or resize of this block is under way: wait for it, or abort it");
}

Failure begin_resize(Region* region, size_t size) {
  if (region->shared) {
    return fail("ERR_EMUCXL_SHARED",
                "address is shared: other threads map it, so it cannot be resized; allocate "
                "another block and copy");
  }
  if (Failure failure = check_size(size)) return failure;
  return begin_move(region);
}

bool let_go(Environment& e, const Memory& memory) {
  // A SharedArrayBuffer cannot be detached: freeing makes it zeros for all who have it.
  if (memory.region->shared && wraps_shared()) return true;
  return detach(e, memory.region.get(), memory.buffer);
}

}  // namespace emucxl
