// Regions and the table of them: one for the process, whatever the number of threads. How long a
// range of addresses lives is decided here; see docs/memory-rules.md for why.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "context.h"
#include "failure.h"
#include "pages.h"

struct napi_ref__;

namespace emucxl {

struct Region;

// One ArrayBuffer that was made over a region. It holds the region twice: for the engine's backing
// store, which can move to another ArrayBuffer, and for the ArrayBuffer object itself, which a job
// in the thread pool keeps alive after the store has gone.
struct Attachment {
  Region* region = nullptr;
  napi_ref__* object = nullptr;  // weak; only the thread that made it may use it
  uint32_t thread = 0;           // which that is
  bool released = false;         // detached by us, as the object it was made as
  bool balanced = false;         // its size is hidden from V8's count of external memory
  uint8_t uses = 0;              // how many of the two holds are left
};

// What a region takes of the account of its node.
struct Booking {
  uint64_t size = 0;    // bytes asked for
  uint64_t mapped = 0;  // bytes of its pages
  uint64_t regions = 0;
};

struct Region {
  Range range;
  size_t size = 0;      // bytes asked for: the byteLength
  uint64_t booked = 0;  // bytes of its pages that are in the account of its node
  Context* context = nullptr;
  Region* next = nullptr;  // among the live regions of the context
  Region* previous = nullptr;
  uint64_t handle = 0;             // names a shared region to other threads
  std::atomic<uint32_t> node{0};   // emucxl's number, an index of context->nodes
  std::atomic<uint32_t> holds{0};  // comes from 1 to 0, and up again, under the table's mutex only
  HugePages huge = HugePages::off;
  bool shared = false;
  bool locked = false;
  bool hidden = true;              // from V8's count of external memory
  std::atomic<bool> freed{false};  // by free, resize or close: its memory has gone
  bool keep = false;               // somebody unknown may hold the addresses: never give them back
  bool overlaid = false;           // kept, and made zeros for good
  bool moving = false;             // a migrate or resize is under way
  bool counted = false;            // its account has its size and itself, not only pages
  // Once nobody knows it, its range can serve another region of the node. A migrate may end that
  // while another thread frees the region.
  std::atomic<bool> reusable{false};
  // Offsets at which the range may go from one mapping of the kernel's to another, in order: where
  // it has grown. Only whoever began a move of the region touches them.
  std::vector<size_t> seams;
  Attachment attachment;
};

// Of a live region that is no replacement under way.
inline Booking whole(const Region& region) { return {region.size, region.range.length, 1}; }
// What it has booked now; nothing once it was freed.
inline Booking booking(const Region& region) {
  return {region.counted ? region.size : 0, region.booked, region.counted ? 1U : 0U};
}

class RegionTable {
 public:
  static RegionTable& instance();

  // Errors: ERR_EMUCXL_NO_MEMORY where the node's capacity leaves no room, ERR_EMUCXL_CLOSED.
  Failure charge(Context* context, uint32_t node, const Booking& booking);
  void uncharge(Context* context, uint32_t node, const Booking& booking);

  // Enters a mapped and charged region, with `holds` holds; takes it over.
  void enter(Region* region, uint32_t holds);

  // The region that starts at `start` and has `size` bytes, with one more hold; also a freed one.
  Region* find(const void* start, size_t size);
  Region* find_shared(uint64_t handle);
  void hold(Region* region, uint32_t count = 1);

  // Gives a hold back. With the last one the range is unmapped, or idle for the next region, or
  // kept as zeros.
  void drop(Region* region);

  // Marks a region as freed and takes it off its node's account. False if it was freed before.
  // The caller then discards the memory.
  bool retire(Region* region);
  // As retire, and books `fresh`, which has booked only what it takes more than `old`, as a whole.
  bool replace(Region* old, Region* fresh);
  // The memory of a retired region goes back, and all who still reach the range see zeros.
  void wipe(Region* region);

  void keep(Region* region);
  void not_reusable(Region* region);
  // Begins and ends a migrate or resize. False: freed, or another is under way.
  bool begin_move(Region* region);
  void end_move(Region* region);
  // Books a region on `node`, which was charged for it. False: it was freed meanwhile.
  bool rebook(Region* region, uint32_t node);

  // Live regions of a context, each with one more hold.
  std::vector<Region*> live(Context* context);

  // Refuses new regions from now on. False if it was closed before.
  bool close(Context* context);
  // A range of the node for a region of this length in ordinary pages, mapped ahead.
  Failure take_ready(Context* context, uint32_t node, size_t length, Range* out);
  // Unmaps all that is ready on any node of the context. False: there was nothing.
  bool release_ready(Context* context);
  bool is_closed(Context* context);
  void hold(Context* context);
  void drop(Context* context);
  NodeAccount account(Context* context, uint32_t node);
  void set_capacity(Context* context, uint32_t node, uint64_t bytes);

 private:
  void unlink(Region* region);
  void retire_locked(Region* region);
  void leave_account(Region* region);
  void enter_account(Region* region);
  // Gives a hold back. The context, where it was the last one: to be deleted outside the lock,
  // since that unmaps and closes.
  [[nodiscard]] std::unique_ptr<Context> release(Context* context);
  bool give_range_back(Region* region);
  void reserve(Region* region);

  std::mutex mutex_;
  std::unordered_map<uintptr_t, Region*> by_start_;
  std::unordered_map<uint64_t, Region*> by_handle_;
  uint64_t next_handle_ = 1;
};

}  // namespace emucxl
