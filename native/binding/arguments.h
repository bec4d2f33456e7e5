// Arguments of a native call. TypeScript has checked them and says what is wrong with them in the
// user's words; here they are checked again, because nothing may depend on that.
#pragma once

#include <node_api.h>

#include <cstdint>

#include "../core/held.h"
#include "environment.h"

namespace emucxl {

// Bytes that an argument points to: a buffer, or a view into one.
struct Memory {
  char* data = nullptr;
  size_t length = 0;
  napi_value buffer = nullptr;  // the ArrayBuffer or SharedArrayBuffer below it
  char* start = nullptr;        // of that buffer
  size_t size = 0;
  Held region;  // empty: not memory of emucxl
};

// Of one value; false, and nothing thrown, where it is something else.
bool to_whole(napi_env env, napi_value value, uint64_t* out);  // a whole number up to 2^53 - 1
bool to_cpu(napi_env env, napi_value value, int* out);         // the number of a CPU, or -1

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
  bool cpu(size_t i, int* out) const;  // the number of a CPU, which need not be there, or -1
  bool job(uint32_t* out) const;       // argument 0: the number by which cancel() finds it
  bool context(size_t i, Context** out) const;  // an open or closed context of this environment
  bool node(size_t i, const Context& context, uint32_t* out) const;

  // Any buffer or view. `name` is the parameter's.
  bool memory(size_t i, const char* name, Memory* out) const {
    return memory_value(arguments_[i], name, out);
  }
  // Memory of emucxl that was not freed.
  bool address(size_t i, const char* name, Memory* out) const {
    return address_value(arguments_[i], name, out);
  }
  // As address, and at the start of its block.
  bool block(size_t i, const char* name, Memory* out) const {
    return block_value(arguments_[i], name, out);
  }
  // As block, of a value that is no argument itself.
  bool block_value(napi_value value, const char* name, Memory* out) const;

 private:
  bool memory_value(napi_value value, const char* name, Memory* out) const;
  bool address_value(napi_value value, const char* name, Memory* out) const;
  bool bad(size_t i, const char* expected) const;

  Environment* environment_ = nullptr;
  napi_value arguments_[kMost] = {};
};

}  // namespace emucxl
