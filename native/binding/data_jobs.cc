// The twins of data_calls.cc that run off the main thread.
#include <algorithm>
#include <cstring>

#include "../core/lifecycle.h"
#include "calls.h"
#include "job.h"
#include "operands.h"
#include "results.h"

namespace emucxl {
namespace {

constexpr size_t kChunk = size_t{16} << 20;  // bytes between two looks at whether to stop
constexpr size_t kStaged = size_t{1} << 20;  // bytes that the main thread copies at a time

Failure check_live(const Memory& memory) {
  return memory.region && memory.region->freed
             ? fail("ERR_EMUCXL_FREED", "the memory was freed meanwhile")
             : success();
}

// Both sides stay where they are for as long as the job holds them.
class CopyJob final : public Job {
 public:
  CopyJob(Environment& e, uint32_t id, CopyOperands operands)
      : Job(e, id),
        operands_(std::move(operands)),
        to_(e.env, operands_.to.buffer),
        from_(e.env, operands_.from.buffer) {}

 protected:
  Failure run() override {
    const uint64_t began = now_ns();
    const size_t size = operands_.size;
    const bool downwards = operands_.to_data > operands_.from_data;  // they may overlap
    for (size_t done = 0; done < size;) {
      if (is_cancelled()) return aborted();
      const size_t n = std::min(kChunk, size - done);
      const size_t at = downwards ? size - done - n : done;
      memmove(operands_.to_data + at, operands_.from_data + at, n);
      done += n;
    }
    pace(operands_, began, &cancelled());
    return is_cancelled() ? aborted() : success();
  }

  bool land(Failure* failure, napi_value* /*result*/) override {
    if (!*failure) *failure = check_live(operands_.to);
    if (!*failure) *failure = check_live(operands_.from);
    return false;
  }

 private:
  const CopyOperands operands_;
  const Reference to_;
  const Reference from_;
};

// One side is an ordinary ArrayBuffer, which JavaScript may take away at any time: the main thread
// copies between it and a buffer of the job's own, the pool between that and the remote memory.
class StagedCopyJob final : public Job {
 public:
  StagedCopyJob(Environment& e, uint32_t id, CopyOperands operands)
      : Job(e, id),
        writes_(operands.to.region),
        size_(operands.size),
        remote_(writes_ ? operands.to_data : operands.from_data),
        offset_(static_cast<size_t>(writes_ ? operands.from_data - operands.from.start
                                            : operands.to_data - operands.to.start)),
        foreign_(e.env, writes_ ? operands.from.buffer : operands.to.buffer),
        memory_(writes_ ? std::move(operands.to) : std::move(operands.from)),
        staged_(new char[std::min(kStaged, std::max<size_t>(size_, 1))]) {}

  // The first chunk of a write.
  Failure prepare() { return writes_ ? exchange() : success(); }

 protected:
  Failure run() override {
    if (is_cancelled()) return aborted();
    const uint64_t began = now_ns();
    const size_t n = chunk();
    if (writes_) {
      memcpy(remote_ + done_, staged_.get(), n);
    } else {
      memcpy(staged_.get(), remote_ + done_, n);
    }
    pace(*memory_.region.get(), began, n, &cancelled());
    return is_cancelled() ? aborted() : success();
  }

  bool land(Failure* failure, napi_value* /*result*/) override {
    if (*failure) return false;
    *failure = check_live(memory_);
    if (!*failure && !writes_) *failure = exchange();
    if (*failure) return false;
    done_ += chunk();
    if (done_ == size_) return false;
    if (writes_) *failure = exchange();
    return !*failure;
  }

 private:
  size_t chunk() const { return std::min(kStaged, size_ - done_); }

  // Copies a chunk between the foreign buffer, as it is now, and the staged one.
  Failure exchange() {
    const size_t n = chunk();
    if (n == 0) return success();  // also where the view is out of bounds
    void* data = nullptr;
    size_t length = 0;
    const napi_value buffer = foreign_.get();
    const size_t at = offset_ + done_;
    if (buffer == nullptr || napi_get_arraybuffer_info(env(), buffer, &data, &length) != napi_ok ||
        at > length || n > length - at) {
      return fail("ERR_EMUCXL_DETACHED", "buffer was detached or made shorter meanwhile");
    }
    char* foreign = static_cast<char*>(data) + at;
    if (writes_) {
      memcpy(staged_.get(), foreign, n);
    } else {
      memcpy(foreign, staged_.get(), n);
    }
    return success();
  }

  const bool writes_;
  const size_t size_;
  char* const remote_;
  const size_t offset_;  // in the foreign buffer
  const Reference foreign_;
  const Memory memory_;
  const std::unique_ptr<char[]> staged_;
  size_t done_ = 0;
};

class FillJob final : public Job {
 public:
  FillJob(Environment& e, uint32_t id, FillOperands operands)
      : Job(e, id), operands_(std::move(operands)) {}

 protected:
  Failure run() override {
    const uint64_t began = now_ns();
    for (size_t done = 0; done < operands_.size; done += kChunk) {
      if (is_cancelled()) return aborted();
      memset(operands_.data + done, operands_.byte, std::min(kChunk, operands_.size - done));
    }
    pace(*operands_.address.region.get(), began, operands_.size, &cancelled());
    return is_cancelled() ? aborted() : success();
  }

  bool land(Failure* failure, napi_value* /*result*/) override {
    if (!*failure) *failure = check_live(operands_.address);
    return false;
  }

 private:
  const FillOperands operands_;
};

// An ordinary ArrayBuffer can be detached; memory of emucxl is held, and a SharedArrayBuffer stays.
bool can_vanish(napi_env env, const Memory& memory) {
  bool detachable = false;
  return !memory.region && napi_is_arraybuffer(env, memory.buffer, &detachable) == napi_ok &&
         detachable;
}

}  // namespace

// copyAsync(job, to, toOffset, from, fromOffset, size, kind)
napi_value copy_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  CopyOperands operands;
  if (!call.job(&id) || !copy_operands(call, 1, &operands)) return nullptr;
  Environment& e = call.environment();
  if (can_vanish(env, operands.to) || can_vanish(env, operands.from)) {
    auto job = std::make_unique<StagedCopyJob>(e, id, std::move(operands));
    if (Failure failure = job->prepare()) return throw_failure(e, failure);
    return Job::start(std::move(job));
  }
  return Job::start(std::make_unique<CopyJob>(e, id, std::move(operands)));
}

// fillAsync(job, address, offset, size, byte)
napi_value fill_async(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  uint32_t id = 0;
  FillOperands operands;
  if (!call.job(&id) || !fill_operands(call, 1, &operands)) return nullptr;
  return Job::start(std::make_unique<FillJob>(call.environment(), id, std::move(operands)));
}

}  // namespace emucxl
