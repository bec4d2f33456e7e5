#include "arguments.h"

#include <cmath>
#include <string>

namespace emucxl {
namespace {

constexpr double kMaxSafe = 9007199254740991.0;

// Bytes in an element; 0: a type that this addon does not know, as later engines may have.
size_t element_width(napi_typedarray_type type) {
  switch (static_cast<int>(type)) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
    case 11:  // Float16Array, from Node.js 24 on
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0;
  }
}

// A SharedArrayBuffer answers here too, on Node.js 22 and later.
bool buffer_bytes(napi_env env, napi_value value, char** data, size_t* length) {
  void* p = nullptr;
  if (napi_get_arraybuffer_info(env, value, &p, length) != napi_ok) return false;
  *data = static_cast<char*>(p);
  return true;
}

bool view_bytes(napi_env env, napi_value value, Memory* out) {
  bool is = false;
  void* data = nullptr;  // of a view: byteOffset is in it already
  size_t offset = 0;
  if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
    auto type = static_cast<napi_typedarray_type>(-1);
    size_t elements = 0;
    if (napi_get_typedarray_info(env, value, &type, &elements, &data, &out->buffer, &offset) !=
        napi_ok) {
      return false;
    }
    const size_t width = element_width(type);
    out->data = static_cast<char*>(data);
    out->length = elements * width;
    return width != 0;
  }
  if (napi_is_dataview(env, value, &is) == napi_ok && is) {
    if (napi_get_dataview_info(env, value, &out->length, &data, &out->buffer, &offset) != napi_ok) {
      return false;
    }
    out->data = static_cast<char*>(data);
    return true;
  }
  return false;
}

// A whole number between the two.
bool to_integer(napi_env env, napi_value value, double least, double most, double* out) {
  return napi_get_value_double(env, value, out) == napi_ok && *out >= least && *out <= most &&
         *out == std::floor(*out);
}

}  // namespace

bool to_whole(napi_env env, napi_value value, uint64_t* out) {
  double number = 0;
  if (!to_integer(env, value, 0, kMaxSafe, &number)) return false;
  *out = static_cast<uint64_t>(number);
  return true;
}

bool to_cpu(napi_env env, napi_value value, int* out) {
  double number = 0;
  if (!to_integer(env, value, -1, INT32_MAX, &number)) return false;
  *out = static_cast<int>(number);
  return true;
}

Call::Call(napi_env env, napi_callback_info info) {
  size_t count = kMost;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, arguments_, nullptr, &data);
  environment_ = static_cast<Environment*>(data);
}

bool Call::bad(size_t i, const char* expected) const {
  throw_type_error(
      env(), "emucxl: argument " + std::to_string(i) + " of a native call must be " + expected);
  return false;
}

bool Call::whole(size_t i, uint64_t* out) const {
  return to_whole(env(), arguments_[i], out) || bad(i, "a whole number from 0 to 2^53 - 1");
}

bool Call::flag(size_t i, bool* out) const {
  return napi_get_value_bool(env(), arguments_[i], out) == napi_ok || bad(i, "a boolean");
}

bool Call::cpu(size_t i, int* out) const {
  return to_cpu(env(), arguments_[i], out) || bad(i, "a whole number from -1 to 2^31 - 1");
}

bool Call::job(uint32_t* out) const {
  uint64_t id = 0;
  if (!whole(0, &id)) return false;
  *out = static_cast<uint32_t>(id);
  return true;
}

bool Call::context(size_t i, Context** out) const {
  uint64_t id = 0;
  if (!whole(i, &id)) return false;
  const auto& contexts = environment_->contexts;
  if (id >= contexts.size() || contexts[id] == nullptr) return bad(i, "the id of a context");
  *out = contexts[id];
  return true;
}

bool Call::node(size_t i, const Context& context, uint32_t* out) const {
  uint64_t node = 0;
  if (!whole(i, &node)) return false;
  if (node >= context.nodes.size()) {
    throw_failure(*environment_, fail("ERR_EMUCXL_BAD_NODE",
                                      "node " + std::to_string(node) + " is not in this context"));
    return false;
  }
  *out = static_cast<uint32_t>(node);
  return true;
}

bool Call::memory_value(napi_value value, const char* name, Memory* out) const {
  if (buffer_bytes(env(), value, &out->start, &out->size)) {
    out->buffer = value;
    out->data = out->start;
    out->length = out->size;
  } else if (!view_bytes(env(), value, out) ||
             !buffer_bytes(env(), out->buffer, &out->start, &out->size)) {
    // A view of a SharedArrayBuffer on Node.js 20 has a buffer that cannot be asked: not ours.
    if (out->data != nullptr && out->buffer != nullptr) return true;
    throw_type_error(
        env(), std::string(name) + " must be an ArrayBuffer, a SharedArrayBuffer or a view of one");
    return false;
  }
  if (out->start != nullptr && out->size != 0) {
    out->region = Held(RegionTable::instance().find(out->start, out->size));
  }
  // A view that its engine says is wider than the buffer below it is not trusted.
  if (out->region && (out->data < out->start || out->length > out->size ||
                      static_cast<size_t>(out->data - out->start) > out->size - out->length)) {
    if (out->length != 0) {
      throw_type_error(env(), std::string(name) + " must be a view inside its buffer");
      return false;
    }
    out->data = out->start;
  }
  return true;
}

bool Call::address_value(napi_value value, const char* name, Memory* out) const {
  if (!memory_value(value, name, out)) return false;
  bool detached = false;
  if (out->size == 0) napi_is_detached_arraybuffer(env(), out->buffer, &detached);
  if (detached) {
    throw_failure(*environment_,
                  fail("ERR_EMUCXL_DETACHED",
                       std::string(name) +
                           " has no memory: it was freed, resized or transferred, or its context "
                           "was closed"));
    return false;
  }
  if (!out->region) {
    throw_failure(*environment_,
                  fail("ERR_EMUCXL_NOT_ALLOCATED",
                       std::string(name) + " was not allocated by emucxl: pass what alloc, resize "
                                           "or attach returned, or a view of it"));
    return false;
  }
  if (out->region->freed) {
    throw_failure(*environment_,
                  fail("ERR_EMUCXL_FREED", std::string(name) + " was freed already"));
    return false;
  }
  return true;
}

bool Call::block_value(napi_value value, const char* name, Memory* out) const {
  if (!address_value(value, name, out)) return false;
  if (out->data != out->start) {
    throw_range_error(env(), std::string(name) + " must be the start of its block, not byte " +
                                 std::to_string(out->data - out->start) + " of it");
    return false;
  }
  return true;
}

}  // namespace emucxl
