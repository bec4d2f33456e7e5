// The twins of memory_calls.cc that run off the main thread. Each takes the job's id first, by
// which cancel() finds it.
#include "../core/lifecycle.h"
#include "buffers.h"
#include "calls.h"
#include "job.h"
#include "results.h"
#include "wanted.h"

namespace emucxl {
namespace {

RegionTable& table() { return RegionTable::instance(); }

// A region that was obtained while JavaScript went on: it may have closed the context since.
napi_value deliver(Environment& e, Region* region, Failure* failure) {
  if (table().is_closed(region->context)) {
    give_back(region);
    *failure = fail("ERR_EMUCXL_CLOSED", "the context was closed meanwhile");
    return nullptr;
  }
  return hand_out(e, region);
}

class AllocJob final : public Job {
 public:
  AllocJob(Environment& e, uint32_t id, const Wanted& wanted) : Job(e, id), wanted_(wanted) {
    table().hold(wanted.context);
  }
  ~AllocJob() override { table().drop(wanted_.context); }

 protected:
  Failure run() override { return obtain(wanted_, nullptr, &region_, &cancelled()); }

  bool land(Failure* failure, napi_value* result) override {
    if (region_ == nullptr) return false;
    if (*failure || is_cancelled()) {
      give_back(region_);
      *failure = aborted();
    } else {
      *result = deliver(environment(), region_, failure);
    }
    return false;
  }

 private:
  const Wanted wanted_;
  Region* region_ = nullptr;
};

// Of regions that were retired: nobody else can give their memory back. Where the job does not come
// to run, as when a worker is terminated, the environment's thread does it.
class WipeJob final : public Job {
 public:
  WipeJob(Environment& e, uint32_t id, std::vector<Held> regions)
      : Job(e, id), regions_(std::move(regions)) {}
  ~WipeJob() override { wipe(); }

 protected:
  Failure run() override {
    wipe();
    return success();
  }
  bool land(Failure* /*failure*/, napi_value* /*result*/) override { return false; }

 private:
  void wipe() {
    for (const Held& region : regions_) table().wipe(region.get());
    regions_.clear();
  }

  std::vector<Held> regions_;
};

// Maps the new range; then takes the buffer away in the environment's thread; then moves the pages.
class ResizeJob final : public Job {
 public:
  ResizeJob(Environment& e, uint32_t id, Memory memory, size_t size)
      : Job(e, id), buffer_(e.env, memory.buffer), old_(std::move(memory.region)), size_(size) {}
  ~ResizeJob() override { table().end_move(old_.get()); }

 protected:
  Failure run() override {
    if (!detached_) return obtain(like(*old_.get(), size_), old_.get(), &fresh_, &cancelled());
    carry_over(old_.get(), fresh_);
    table().wipe(old_.get());
    return success();
  }

  bool land(Failure* failure, napi_value* result) override {
    if (*failure && fresh_ == nullptr) return false;
    if (detached_) {
      if (*failure) {
        give_back(fresh_);
        table().wipe(old_.get());
      } else {
        *result = deliver(environment(), fresh_, failure);
      }
      return false;
    }
    if (!*failure) *failure = take_away();
    if (!*failure) return detached_;
    give_back(fresh_);
    return false;
  }

 private:
  Failure take_away() {
    if (is_cancelled()) return aborted();
    if (old_->freed) return fail("ERR_EMUCXL_FREED", "address was freed meanwhile");
    void* data = nullptr;
    size_t length = 0;
    const napi_value buffer = buffer_.get();
    if (buffer == nullptr || napi_get_arraybuffer_info(env(), buffer, &data, &length) != napi_ok ||
        data != old_->range.start) {
      return fail("ERR_EMUCXL_DETACHED", "address was transferred meanwhile");
    }
    if (!detach(environment(), old_.get(), buffer) || !table().replace(old_.get(), fresh_)) {
      return fail("ERR_EMUCXL_FREED", "address was freed meanwhile");
    }
    detached_ = true;
    return success();
  }

  const Reference buffer_;
  const Held old_;
  const size_t size_;
  Region* fresh_ = nullptr;
  bool detached_ = false;
};

class MigrateJob final : public Job {
 public:
  MigrateJob(Environment& e, uint32_t id, Held region, uint32_t node)
      : Job(e, id), region_(std::move(region)), node_(node) {}
  ~MigrateJob() override { table().end_move(region_.get()); }

 protected:
  Failure run() override { return migrate(region_.get(), node_, cancelled(), &moved_); }

  bool land(Failure* failure, napi_value* result) override {
    if (*failure) return false;
    if (region_->freed) {
      *failure = fail("ERR_EMUCXL_FREED", "address was freed meanwhile");
    } else {
      *result = to_value(env(), moved_);
    }
    return false;
  }

 private:
  const Held region_;
  const uint32_t node_;
  MoveResult moved_;
};

class WhereJob final : public Job {
 public:
  WhereJob(Environment& e, uint32_t id, Held region) : Job(e, id), region_(std::move(region)) {}

 protected:
  Failure run() override {
    return region_->context->backend->where(region_->range, &found_, &cancelled());
  }
  bool land(Failure* failure, napi_value* result) override {
    if (!*failure && is_cancelled()) *failure = aborted();
    if (!*failure) *result = to_value(env(), found_, region_->range.unit);
    return false;
  }

 private:
  const Held region_;
  Residency found_;
};

}  // namespace

// allocAsync(job, context, size, node, flags)
napi_value alloc_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  Wanted wanted;
  if (!call.job(&id) || !wanted_region(call, 1, &wanted)) return nullptr;
  return Job::start(std::make_unique<AllocJob>(call.environment(), id, wanted));
}

// freeAsync(job, address)
napi_value free_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  Memory memory;
  if (!call.job(&id) || !call.block(1, "address", &memory)) return nullptr;
  if (!let_go(call.environment(), memory)) return nullptr;
  table().retire(memory.region.get());
  std::vector<Held> regions;
  regions.push_back(std::move(memory.region));
  return Job::start(std::make_unique<WipeJob>(call.environment(), id, std::move(regions)));
}

// resizeAsync(job, address, size)
napi_value resize_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  uint64_t size = 0;
  Memory memory;
  if (!call.job(&id) || !call.whole(2, &size) || !call.block(1, "address", &memory)) {
    return nullptr;
  }
  if (Failure failure = begin_resize(memory.region.get(), size)) {
    return throw_failure(call.environment(), failure);
  }
  return Job::start(std::make_unique<ResizeJob>(call.environment(), id, std::move(memory), size));
}

// migrateAsync(job, address, node)
napi_value migrate_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  uint32_t node = 0;
  Memory memory;
  if (!call.job(&id) || !call.block(1, "address", &memory) ||
      !call.node(2, *memory.region->context, &node)) {
    return nullptr;
  }
  if (Failure failure = begin_move(memory.region.get())) {
    return throw_failure(call.environment(), failure);
  }
  return Job::start(
      std::make_unique<MigrateJob>(call.environment(), id, std::move(memory.region), node));
}

// whereAsync(job, address)
napi_value where_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  Memory memory;
  if (!call.job(&id) || !call.address(1, "address", &memory)) return nullptr;
  return Job::start(std::make_unique<WhereJob>(call.environment(), id, std::move(memory.region)));
}

// closeAsync(job, context): detaches all buffers before it returns
napi_value close_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  Context* context = nullptr;
  if (!call.job(&id) || !call.context(1, &context)) return nullptr;
  table().close(context);
  std::vector<Held> regions;
  for (Region* region : table().live(context)) {
    Held held(region);
    detach_original(call.environment(), region);
    if (table().retire(region)) regions.push_back(std::move(held));
  }
  return Job::start(std::make_unique<WipeJob>(call.environment(), id, std::move(regions)));
}

// cancel(job): nothing where it has ended
napi_value cancel(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  if (!call.job(&id)) return nullptr;
  const auto& jobs = call.environment().jobs;
  const auto found = jobs.find(id);
  if (found != jobs.end()) found->second->cancel();
  return undefined(env);
}

}  // namespace emucxl
