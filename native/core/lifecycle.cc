#include "lifecycle.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>

#include "node_memory.h"

namespace emucxl {
namespace {

RegionTable& table() { return RegionTable::instance(); }

// Bytes that take as long to copy as the kernel takes to move them: 10 us.
constexpr size_t kWorthMoving = size_t{32} << 10;

size_t unit_of(HugePages huge) { return huge == HugePages::require ? kHugePage : page_size(); }

// Bytes that are given memory between two looks at whether more is there. Others may take it in the
// meantime, as threads that do the same.
constexpr size_t kPopulateStep = size_t{64} << 20;

Failure check_room(const Context& context, uint32_t node, uint64_t bytes, const char* remedy) {
  const bool places = context.backend->can().places;
  const uint64_t available = available_memory(places ? context.nodes[node].numa_node : -1);
  if (bytes <= available) return success();
  return fail("ERR_EMUCXL_NO_MEMORY", "node " + std::to_string(node) + " has " +
                                          std::to_string(available) +
                                          " bytes of memory left for this process, " +
                                          std::to_string(bytes) + " are needed now: " + remedy);
}

// A request that nothing could help out with would end the process, or others: ask first. Pages of
// the hugetlb pool, and those of a device, are there or not: no need to ask.
Failure populate(const Context& context, uint32_t node, const Range& range, bool ask,
                 Cancelled cancelled) {
  Backend& backend = *context.backend;
  const int numa_node = context.nodes[node].numa_node;
  for (size_t done = 0; done < range.length;) {
    if (is_set(cancelled)) return aborted();
    const size_t rest = range.length - done;
    Failure failure;
    if (ask) {
      failure = check_room(context, node, rest, "free some, or do without prefault and lock");
    }
    if (failure) return failure;
    Range step = range;
    step.start += done;
    step.length = std::min(rest, kPopulateStep);
    if (Failure refused = backend.populate(step, numa_node)) return refused;
    done += step.length;
  }
  return success();
}

Failure prepare(const Wanted& wanted, Range* range, Cancelled cancelled) {
  // A page of the hugetlb pool that is missing later would be a SIGBUS: take them all now. A lock
  // gives every page its memory too, but ends the process where the node is full.
  const bool pool = wanted.huge == HugePages::require;
  if (pool || wanted.prefault || (wanted.lock && range->anonymous)) {
    const bool ask = !pool && range->anonymous;
    Failure failure = populate(*wanted.context, wanted.node, *range, ask, cancelled);
    if (failure) return failure;
  }
  return wanted.lock ? lock(range) : success();
}

void wait_until(uint64_t began, double ns, Cancelled cancelled = nullptr) {
  constexpr double kMost = 1e18;        // 30 years; more would not be a number of nanoseconds
  constexpr uint64_t kSleep = 1000000;  // at a time; the last of it is waited for awake
  const uint64_t until = began + static_cast<uint64_t>(std::min(ns, kMost));
  for (uint64_t now = now_ns(); now < until && !is_set(cancelled); now = now_ns()) {
    const timespec pause{0, kSleep};
    if (until - now > 2 * kSleep) nanosleep(&pause, nullptr);
  }
}

// A node that is filled to the brim before the pages come back is a harm to others on it.
Failure check_target(const Region& region, uint32_t node) {
  if (region.huge == HugePages::require) return success();  // has pages of the pool
  Residency now;
  // A container that forbids the question will refuse the move as well.
  if (region.context->backend->where(region.range, &now, nullptr)) return success();
  uint64_t pages = 0;
  for (const auto& [numa_node, count] : now.by_node) {
    if (numa_node != region.context->nodes[node].numa_node) pages += count;
  }
  return check_room(*region.context, node, pages * region.range.unit, "free some there");
}

// A range that was mapped ahead, or one of its own.
Failure find_range(const Wanted& wanted, size_t mapped, Region* region) {
  Context* context = wanted.context;
  const bool ordinary = wanted.huge == HugePages::off && !wanted.lock;
  region->reusable = ordinary && mapped <= ReadyRanges::kLongest &&
                     context->backend->can().divisible &&
                     !table().take_ready(context, wanted.node, mapped, &region->range);
  if (region->reusable) return success();
  const int numa_node = context->nodes[wanted.node].numa_node;
  return context->backend->map({wanted.size, numa_node, wanted.huge}, &region->range);
}

}  // namespace

Failure obtain(const Wanted& wanted, const Region* predecessor, Region** out, Cancelled cancelled) {
  if (is_set(cancelled)) return aborted();
  const size_t mapped = round_up(wanted.size, unit_of(wanted.huge));
  Context* context = wanted.context;
  const bool counted = predecessor == nullptr;
  const size_t before = counted ? 0 : predecessor->range.length;
  const Booking charge{counted ? wanted.size : 0, mapped > before ? mapped - before : 0,
                       counted ? 1U : 0U};
  if (Failure failure = table().charge(context, wanted.node, charge)) return failure;
  auto region = std::make_unique<Region>();
  region->size = wanted.size;
  region->context = context;
  region->node = wanted.node;
  region->huge = wanted.huge;
  region->shared = wanted.shared;
  region->locked = wanted.lock;
  region->hidden = wanted.hidden;
  region->booked = charge.mapped;
  region->counted = counted;
  Failure failure = find_range(wanted, mapped, region.get());
  // Address space and mappings that nobody uses are in the way of nobody.
  const bool full = failure && strcmp(failure.code, "ERR_EMUCXL_NO_MEMORY") == 0;
  if (full && table().release_ready(context)) {
    failure = find_range(wanted, mapped, region.get());
  }
  if (!failure) {
    failure = prepare(wanted, &region->range, cancelled);
    if (failure) dispose(region->range);
  }
  if (failure) {
    table().uncharge(context, wanted.node, charge);
    return failure;
  }
  *out = region.release();
  return success();
}

void give_back(Region* region) {
  dispose(region->range);
  table().uncharge(region->context, region->node, booking(*region));
  delete region;
}

Wanted like(const Region& region, size_t size) {
  Wanted wanted;
  wanted.context = region.context;
  wanted.node = region.node;
  wanted.size = size;
  wanted.huge = region.huge;
  wanted.lock = region.locked;
  wanted.shared = region.shared;
  wanted.hidden = region.hidden;
  return wanted;
}

void carry_over(Region* from, Region* to) {
  const Range& old = from->range;
  const Range& fresh = to->range;
  const size_t bytes = std::min(from->size, to->size);
  // Whole pages move, one mapping of the kernel's after the other: it moves no two at once.
  const size_t end = std::min(round_up(bytes, old.unit), fresh.length);
  std::vector<size_t> seams = from->seams;
  seams.push_back(end);
  // Pieces that are copied faster than the kernel moves them are copied: the block is one piece
  // then.
  const bool worth_moving = end / seams.size() >= kWorthMoving;
  // Linux 6.12 counts the rest of a locked mapping as locked for good when a part of it is moved.
  const bool movable = worth_moving && (!from->locked || end == old.length);
  size_t done = 0;
  for (const size_t seam : seams) {
    const size_t next = std::min(seam, end);
    if (!movable || next == done) continue;
    if (!relocate(old, fresh, done, next - done)) break;
    done = next;
    if (done < fresh.length) to->seams.push_back(done);
  }
  if (done < bytes) memcpy(fresh.start + done, old.start + done, bytes - done);
  if (done == 0) return;
  // A block that shrinks leaves data behind its new end, in the last page that moved.
  if (done > bytes) memset(fresh.start + bytes, 0, done - bytes);
  // Both are mappings that will never merge with their neighbours again. The pieces of the old one
  // go when it is overlaid as a whole.
  from->range.plain = false;
  table().not_reusable(from);
  table().not_reusable(to);
}

Failure migrate(Region* region, uint32_t node, const std::atomic<bool>& cancelled,
                MoveResult* out) {
  Context* context = region->context;
  Backend& backend = *context->backend;
  const uint32_t from = region->node;
  const int from_numa = context->nodes[from].numa_node;
  const int to_numa = context->nodes[node].numa_node;
  if (from == node) {  // pages that failed to move earlier get another chance
    return backend.can().places ? backend.move(region->range, from_numa, to_numa, cancelled, out)
                                : success();
  }
  if (Failure failure = table().charge(context, node, whole(*region))) return failure;
  Failure failure;
  if (backend.can().places && from_numa != to_numa) {
    failure = check_target(*region, node);
    // From now on a mapping of its own, that no neighbour merges with.
    if (!failure) table().not_reusable(region);
  }
  if (!failure) failure = backend.move(region->range, from_numa, to_numa, cancelled, out);
  if (failure || !table().rebook(region, node)) {
    table().not_reusable(region);  // its policy may be the target's, or half one and half the other
    table().uncharge(context, node, whole(*region));
  }
  return failure;
}

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1000000000U + static_cast<uint64_t>(t.tv_nsec);
}

bool modelled(const Region& region) {
  return region.context->nodes[region.node].latency.bytes_per_ns > 0;
}

void pace(const Region& region, uint64_t began, size_t bytes, Cancelled cancelled) {
  if (!modelled(region)) return;
  const Latency& model = region.context->nodes[region.node].latency;
  wait_until(began, model.ns + static_cast<double>(bytes) / model.bytes_per_ns, cancelled);
}

void pace(const std::vector<Access>& accesses, uint64_t began, Cancelled cancelled) {
  double longest = 0;
  for (const Access& access : accesses) {
    const Context* context = access.region->context;
    const uint32_t node = access.region->node;  // once: a migrate may be under way
    const Latency& model = context->nodes[node].latency;
    if (!(model.bytes_per_ns > 0)) continue;
    double bytes = 0;
    for (const Access& other : accesses) {
      const bool same = other.region->context == context && other.region->node == node;
      if (same) bytes += static_cast<double>(other.bytes);
    }
    longest = std::max(longest, model.ns + bytes / model.bytes_per_ns);
  }
  wait_until(began, longest, cancelled);
}

void pace_loads(const Region& region, uint64_t began, uint64_t loads) {
  if (!modelled(region)) return;
  const Latency& model = region.context->nodes[region.node].latency;
  wait_until(began, model.ns * static_cast<double>(loads));
}

}  // namespace emucxl
