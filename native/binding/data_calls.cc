// Bytes in and out of regions, in the calling thread.
#include <cstring>

#include "../core/lifecycle.h"
#include "calls.h"
#include "operands.h"
#include "results.h"

namespace emucxl {

// copy(to, toOffset, from, fromOffset, size, kind)
napi_value copy(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  CopyOperands operands;
  if (!copy_operands(call, 0, &operands)) return nullptr;
  const uint64_t began = modelled(operands) ? now_ns() : 0;
  // A buffer without bytes has no address either, which memmove may not be given.
  if (operands.size != 0) memmove(operands.to_data, operands.from_data, operands.size);
  if (began != 0) pace(operands, began);
  return undefined(env);
}

// fill(address, offset, size, byte)
napi_value fill(napi_env env, napi_callback_info info) {
  const Call call(env, info);
  FillOperands operands;
  if (!fill_operands(call, 0, &operands)) return nullptr;
  const Region& region = *operands.address.region.get();
  const uint64_t began = modelled(region) ? now_ns() : 0;
  memset(operands.data, operands.byte, operands.size);
  if (began != 0) pace(region, began, operands.size);
  return undefined(env);
}

}  // namespace emucxl
