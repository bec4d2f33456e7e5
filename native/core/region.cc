#include "region.h"

#include <algorithm>

namespace emucxl {
namespace {

uintptr_t key(const void* start) { return reinterpret_cast<uintptr_t>(start); }

void add(const Booking& booking, NodeAccount* account) {
  account->allocated += booking.size;
  account->mapped += booking.mapped;
  account->regions += booking.regions;
}

void subtract(const Booking& booking, NodeAccount* account) {
  account->allocated -= booking.size;
  account->mapped -= booking.mapped;
  account->regions -= booking.regions;
}

}  // namespace

RegionTable& RegionTable::instance() {
  // Never destroyed: threads outlive exit().
  // NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one for the process
  static RegionTable& table = *new RegionTable;
  return table;
}

Failure RegionTable::charge(Context* context, uint32_t node, const Booking& booking) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (context->closed) return fail("ERR_EMUCXL_CLOSED", "the context is closed");
  NodeAccount& account = context->nodes[node];
  const uint64_t available =
      account.capacity > account.mapped ? account.capacity - account.mapped : 0;
  if (booking.mapped > available) {
    return fail("ERR_EMUCXL_NO_MEMORY", "node " + std::to_string(node) + " has " +
                                            std::to_string(available) + " of " +
                                            std::to_string(account.capacity) +
                                            " bytes available, " + std::to_string(booking.mapped) +
                                            " are needed: free regions, or raise its capacity");
  }
  add(booking, &account);
  return success();
}

void RegionTable::uncharge(Context* context, uint32_t node, const Booking& booking) {
  const std::lock_guard<std::mutex> guard(mutex_);
  subtract(booking, &context->nodes[node]);
}

void RegionTable::enter(Region* region, uint32_t holds) {
  const std::lock_guard<std::mutex> guard(mutex_);
  Context* context = region->context;
  region->holds = holds;
  region->next = context->first;
  if (context->first != nullptr) context->first->previous = region;
  context->first = region;
  ++context->holds;
  by_start_[key(region->range.start)] = region;
  if (region->shared) {
    region->handle = next_handle_++;
    by_handle_[region->handle] = region;
  }
}

Region* RegionTable::find(const void* start, size_t size) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto found = by_start_.find(key(start));
  if (found == by_start_.end() || found->second->size != size) return nullptr;
  ++found->second->holds;
  return found->second;
}

Region* RegionTable::find_shared(uint64_t handle) {
  const std::lock_guard<std::mutex> guard(mutex_);
  const auto found = by_handle_.find(handle);
  if (found == by_handle_.end()) return nullptr;
  ++found->second->holds;
  return found->second;
}

void RegionTable::hold(Region* region, uint32_t count) {
  const std::lock_guard<std::mutex> guard(mutex_);
  region->holds += count;
}

void RegionTable::drop(Region* region) {
  uint32_t holds = region->holds.load(std::memory_order_relaxed);
  while (holds > 1) {
    if (region->holds.compare_exchange_weak(holds, holds - 1, std::memory_order_acq_rel)) return;
  }
  bool stays = false;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (--region->holds != 0 || region->overlaid) return;
    if (!region->freed) {
      leave_account(region);
      unlink(region);
    } else {
      region->context->nodes[region->node].pending.subtract(region->range.length);
    }
    region->freed = true;
    if (region->handle != 0) by_handle_.erase(region->handle);
    region->handle = 0;
    stays = region->keep;
    if (stays) {
      reserve(region);
    } else {
      by_start_.erase(key(region->range.start));
    }
  }
  // Outside the lock, since the pages go back now. Until the range has gone as well, nobody else
  // can be given these addresses.
  if (stays) {
    overlay(region->range);
    return;
  }
  const bool gone = give_range_back(region);
  if (!gone) overlay(region->range);  // the limit of mappings: reserved rather than lost from sight
  std::unique_ptr<Context> last;
  const std::lock_guard<std::mutex> guard(mutex_);
  if (gone) {
    last = release(region->context);
    delete region;
  } else {
    by_start_[key(region->range.start)] = region;
    reserve(region);
  }
}

// The record stays, so that a later call on the addresses is told that they were freed.
void RegionTable::reserve(Region* region) {
  region->overlaid = region->keep = true;
  region->context->nodes[region->node].reserved.add(region->range.length);
}

bool RegionTable::give_range_back(Region* region) {
  // A job may have written here after the region was freed. A range that the kernel does not empty
  // (mlockall) must not serve another region: that one would not be zeroed.
  if (!region->reusable || !discard_contents(region->range)) return unmap(region->range);
  Context* context = region->context;
  std::vector<Range> surplus;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (context->closed) {
      surplus.push_back(region->range);
    } else {
      context->ready[region->node].put(region->range, &surplus);
    }
  }
  unmap_all(&surplus);
  // At the limit of mappings some may be left: addresses without memory, reserved for good.
  const std::lock_guard<std::mutex> guard(mutex_);
  Tally& reserved = context->nodes[region->node].reserved;
  for (const Range& range : surplus) reserved.add(range.length);
  return true;
}

bool RegionTable::retire(Region* region) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (region->freed) return false;
  retire_locked(region);
  return true;
}

bool RegionTable::replace(Region* old, Region* fresh) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (old->freed) return false;
  retire_locked(old);
  leave_account(fresh);
  enter_account(fresh);
  return true;
}

void RegionTable::retire_locked(Region* region) {
  leave_account(region);
  unlink(region);
  region->freed = true;
  region->context->nodes[region->node].pending.add(region->range.length);
}

void RegionTable::wipe(Region* region) {
  if (region->reusable && discard_contents(region->range)) return;
  not_reusable(region);
  discard(region->range);
}

void RegionTable::keep(Region* region) {
  const std::lock_guard<std::mutex> guard(mutex_);
  region->keep = true;
}

void RegionTable::not_reusable(Region* region) { region->reusable = false; }

bool RegionTable::begin_move(Region* region) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (region->freed || region->moving) return false;
  return region->moving = true;
}

void RegionTable::end_move(Region* region) {
  const std::lock_guard<std::mutex> guard(mutex_);
  region->moving = false;
}

bool RegionTable::rebook(Region* region, uint32_t node) {
  const std::lock_guard<std::mutex> guard(mutex_);
  if (region->freed) return false;
  leave_account(region);
  subtract(whole(*region), &region->context->nodes[node]);  // was charged, and is entered now
  region->node = node;
  enter_account(region);
  return true;
}

std::vector<Region*> RegionTable::live(Context* context) {
  const std::lock_guard<std::mutex> guard(mutex_);
  std::vector<Region*> regions;
  for (Region* r = context->first; r != nullptr; r = r->next) {
    ++r->holds;
    regions.push_back(r);
  }
  return regions;
}

bool RegionTable::close(Context* context) {
  std::vector<ReadyRanges> ready;  // unmapped at the end, outside the lock
  const std::lock_guard<std::mutex> guard(mutex_);
  if (context->closed) return false;
  ready.swap(context->ready);
  return context->closed = true;
}

Failure RegionTable::take_ready(Context* context, uint32_t node, size_t length, Range* out) {
  for (;;) {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      if (context->closed) return fail("ERR_EMUCXL_CLOSED", "the context is closed");
      if (context->ready[node].take(length, out)) return success();
    }
    // Outside the lock; another thread may do the same, and then one rest is given back unused.
    Range span;
    Range rest;
    const MapRequest request{ReadyRanges::kSpan, context->nodes[node].numa_node, HugePages::off};
    if (Failure failure = context->backend->map(request, &span)) return failure;
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      if (context->closed) {
        rest = span;
      } else {
        context->ready[node].add_span(span, &rest);
      }
    }
    if (rest.length != 0) unmap(rest);
  }
}

bool RegionTable::release_ready(Context* context) {
  std::vector<ReadyRanges> ready;  // unmapped at the end, outside the lock
  const std::lock_guard<std::mutex> guard(mutex_);
  if (context->closed) return false;
  const bool any = std::any_of(context->ready.begin(), context->ready.end(),
                               [](const ReadyRanges& ranges) { return !ranges.empty(); });
  ready.resize(context->nodes.size());
  ready.swap(context->ready);
  return any;
}

bool RegionTable::is_closed(Context* context) {
  const std::lock_guard<std::mutex> guard(mutex_);
  return context->closed;
}

void RegionTable::hold(Context* context) {
  const std::lock_guard<std::mutex> guard(mutex_);
  ++context->holds;
}

NodeAccount RegionTable::account(Context* context, uint32_t node) {
  const std::lock_guard<std::mutex> guard(mutex_);
  NodeAccount account = context->nodes[node];
  if (!context->closed) account.idle = context->ready[node].tally();
  return account;
}

void RegionTable::set_capacity(Context* context, uint32_t node, uint64_t bytes) {
  const std::lock_guard<std::mutex> guard(mutex_);
  context->nodes[node].capacity = bytes;
}

void RegionTable::drop(Context* context) {
  std::unique_ptr<Context> last;
  const std::lock_guard<std::mutex> guard(mutex_);
  last = release(context);
}

void RegionTable::unlink(Region* region) {
  Context* context = region->context;
  if (region->previous != nullptr) region->previous->next = region->next;
  if (region->next != nullptr) region->next->previous = region->previous;
  if (context->first == region) context->first = region->next;
  region->next = region->previous = nullptr;
}

void RegionTable::leave_account(Region* region) {
  subtract(booking(*region), &region->context->nodes[region->node]);
  region->booked = 0;
  region->counted = false;
}

void RegionTable::enter_account(Region* region) {
  region->booked = region->range.length;
  region->counted = true;
  add(booking(*region), &region->context->nodes[region->node]);
}

std::unique_ptr<Context> RegionTable::release(Context* context) {
  return std::unique_ptr<Context>(--context->holds == 0 ? context : nullptr);
}

}  // namespace emucxl
