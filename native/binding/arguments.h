// Arguments of a native call. TypeScript has checked them and says what is wrong with them in the
// user's words; here they are checked again, because nothing may depend on that.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <utility>

#include "../core/region.h"
#include "environment.h"

namespace emucxl {

// A region, held for the length of a call.
class Held {
 public:
  Held() = default;
  explicit Held(Region* region) : region_(region) {}
  Held(Held&& other) noexcept : region_(other.region_) { other.region_ = nullptr; }
  Held& operator=(Held&& other) noexcept {
    std::swap(region_, other.region_);
    return *this;
  }
  ~Held() {
    if (region_ != nullptr) RegionTable::instance().drop(region_);
  }
  Region* get() const { return region_; }
  Region* operator->() const { return region_; }
  explicit operator bool() const { return region_ != nullptr; }

 private:
  Region* region_ = nullptr;
};

// Bytes that an argument points to: a buffer, or a view into one.
struct Memory {
  char* data = nullptr;
  size_t length = 0;
  napi_value buffer = nullptr;  // the ArrayBuffer or SharedArrayBuffer below it
  char* start = nullptr;        // of that buffer
  size_t size = 0;
  Held region;  // empty: not memory of emucxl
};

class Call {
 public:
  static constexpr size_t kMost = 8;

  Call(napi_env env, napi_callback_info info);

  Environment& environment() const { return *environment_; }
  napi_env env() const { return environment_->env; }
  napi_value operator[](size_t i) const { return arguments_[i]; }

  // Each returns false with an exception thrown. Take every number before the first memory().
  bool whole(size_t i, uint64_t* out) const;  // a whole number from 0 to 2^53 - 1
  bool flag(size_t i, bool* out) const;
  bool job(uint32_t* out) const;                // argument 0: the number by which cancel() finds it
  bool context(size_t i, Context** out) const;  // an open or closed context of this environment
  bool node(size_t i, const Context& context, uint32_t* out) const;

  // Any buffer or view. `name` is the parameter's.
  bool memory(size_t i, const char* name, Memory* out) const;
  // Memory of emucxl that was not freed.
  bool address(size_t i, const char* name, Memory* out) const;
  // As address, and at the start of its block.
  bool block(size_t i, const char* name, Memory* out) const;

 private:
  bool bad(size_t i, const char* expected) const;

  Environment* environment_ = nullptr;
  napi_value arguments_[kMost] = {};
};

}  // namespace emucxl
