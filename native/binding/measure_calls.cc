// Measurements that must run in native code: a loop in JavaScript would measure the engine.
#include <sched.h>

#include <algorithm>
#include <memory>
#include <new>
#include <numeric>
#include <random>

#include "../core/lifecycle.h"
#include "../core/pinned.h"
#include "arguments.h"
#include "calls.h"
#include "results.h"

namespace emucxl {
namespace {

constexpr size_t kLine = 64;     // bytes; what one load brings in
constexpr size_t kSlice = 4096;  // loads between two looks at the latency model
constexpr size_t kPlace = 8;     // where in the first line a chase leaves its place in the cycle
// Loads that warm a fresh cycle: a longer one fits into few caches, and would take seconds.
constexpr size_t kMostWarming = size_t{1} << 20;

// Links the lines of a block into one random cycle (Sattolo's shuffle), so that neither the
// prefetchers nor a short cycle can help. A link is the offset of the next line, not its address:
// the block may be shared, and whatever another thread writes into it must not become a pointer.
// `first` is the line that was linked first: the caches hold those before it in the cycle, linked
// last, and a chase from there on meets them last. False where there is no memory for the order of
// the lines, a sixteenth of the block.
bool link_cycle(char* start, size_t lines, uint64_t seed, uint64_t* first) {
  const std::unique_ptr<uint32_t[]> order(new (std::nothrow) uint32_t[lines]);
  if (order == nullptr) return false;
  std::iota(order.get(), order.get() + lines, 0U);
  std::mt19937_64 random(seed);
  for (size_t i = lines - 1; i > 0; --i) std::swap(order[i], order[random() % i]);
  for (size_t i = 0; i < lines; ++i) {
    const size_t next = order[(i + 1) % lines];
    *reinterpret_cast<uint64_t*>(start + kLine * order[i]) = kLine * next;
  }
  *first = kLine * order[0];
  return true;
}

// Follows `loads` links from `at` on. The comparison is predicted and costs no latency.
uint64_t follow(const char* start, uint64_t at, uint64_t loads, uint64_t last) {
  for (uint64_t i = 0; i < loads; ++i) {
    at = *reinterpret_cast<const volatile uint64_t*>(start + at);
    if (at > last) at = 0;
  }
  return at;
}

}  // namespace

// pinThread(cpu): whether the calling thread stays there from now on
napi_value pin_thread(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  int cpu = -1;
  if (!call.cpu(0, &cpu)) return nullptr;
  return boolean(env, pin_this_thread(cpu));
}

// chase(address, loads, samples, seed, cpu): ns a load of each sample; overwrites the block. Seed 0
// goes on in the cycle of an earlier call where that one stopped, so that samples of two blocks can
// alternate without each time linking and warming them anew.
napi_value chase(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint64_t loads = 0;
  uint64_t samples = 0;
  uint64_t seed = 0;
  int cpu = -1;
  Memory memory;
  if (!call.whole(1, &loads) || !call.whole(2, &samples) || !call.whole(3, &seed) ||
      !call.cpu(4, &cpu) || !call.address(0, "address", &memory)) {
    return nullptr;
  }
  const size_t lines = memory.length / kLine;
  if (lines < 2 || loads == 0 || lines > UINT32_MAX ||
      reinterpret_cast<uintptr_t>(memory.data) % sizeof(void*) != 0) {
    return throw_range_error(env,
                             "address must be aligned and have two lines of 64 bytes, and "
                             "loads must be 1 or more");
  }
  const Region& region = *memory.region.get();
  const bool slowed = modelled(region);
  const Pinned pinned(cpu);
  const uint64_t last = kLine * (lines - 1);
  auto* const place = reinterpret_cast<volatile uint64_t*>(memory.data + kPlace);
  uint64_t at = *place;
  if (at > last) at = 0;
  if (seed != 0) {
    if (!link_cycle(memory.data, lines, seed, &at)) {
      return throw_failure(call.environment(),
                           fail("ERR_EMUCXL_NO_MEMORY", "chase: no memory for the cycle of " +
                                                            std::to_string(lines) + " lines"));
    }
    at = follow(memory.data, at, std::min(lines, kMostWarming), last);  // the TLB and the caches
  }
  napi_value results = nullptr;
  napi_create_array(env, &results);
  for (uint64_t s = 0; s < samples; ++s) {
    const uint64_t began = now_ns();
    for (uint64_t done = 0; done < loads;) {
      const uint64_t slice = slowed ? std::min<uint64_t>(kSlice, loads - done) : loads;
      const uint64_t slice_began = now_ns();
      at = follow(memory.data, at, slice, last);
      done += slice;
      if (slowed) pace_loads(region, slice_began, slice);
    }
    const double ns = static_cast<double>(now_ns() - began) / static_cast<double>(loads);
    napi_set_element(env, results, static_cast<uint32_t>(s), number(env, ns));
  }
  *place = at;
  napi_value o = object(
      env, {{"lines", static_cast<double>(lines)}, {"cpu", static_cast<double>(sched_getcpu())}});
  napi_set_named_property(env, o, "pinned", boolean(env, pinned.ok()));
  napi_set_named_property(env, o, "nsPerLoad", results);
  return o;
}

}  // namespace emucxl
