// The steps of a region's life that need no JavaScript: they can run on any thread.
#pragma once

#include <atomic>

#include "region.h"

namespace emucxl {

struct Wanted {
  Context* context = nullptr;
  uint32_t node = 0;
  size_t size = 0;  // bytes, more than 0
  HugePages huge = HugePages::off;
  bool lock = false;
  bool prefault = false;
  bool shared = false;
  bool hidden = true;  // from V8's count of external memory
};

// Books, maps, locks and populates a region; it is in no table yet. One that is to replace another
// (RegionTable::replace) books only what it takes more than its predecessor, so that capacity lets
// a block shrink always, and grow by what the node has left. While both exist, locked memory and
// pages of the huge-page pool are needed for both. On failure nothing is left of it.
Failure obtain(const Wanted& wanted, const Region* predecessor, Region** out,
               Cancelled cancelled = nullptr);

// Undoes obtain().
void give_back(Region* region);

// What a block was allocated with, but for its size; its pages are not touched beforehand.
Wanted like(const Region& region, size_t size);

// Moves or copies what fits from the old region, which was retired, to the new one.
void carry_over(Region* from, Region* to);

// Migrates a region on which begin_move() succeeded. Errors: those of Backend::move, and
// ERR_EMUCXL_NO_MEMORY where the node's capacity is used up.
Failure migrate(Region* region, uint32_t node, const std::atomic<bool>& cancelled, MoveResult* out);

// Whether the latency model makes accesses to the region slower.
bool modelled(const Region& region);

// Waits until an access of `bytes` to the region, begun at `began` (now_ns), has taken as long as
// the latency model says, or `cancelled` is set. Returns at once where there is no model.
void pace(const Region& region, uint64_t began, size_t bytes, Cancelled cancelled = nullptr);
// As `pace`, for accesses to several regions at the same time: those on one node share its
// bandwidth.
struct Access {
  const Region* region = nullptr;
  size_t bytes = 0;
};
void pace(const std::vector<Access>& accesses, uint64_t began, Cancelled cancelled = nullptr);
// As `pace`, for loads that each wait for the one before.
void pace_loads(const Region& region, uint64_t began, uint64_t loads);
uint64_t now_ns();

}  // namespace emucxl
