#include "traffic_operands.h"

#include <string>
#include <utility>

namespace emucxl {
namespace {

constexpr uint32_t kMostThreads = 1024;
constexpr uint32_t kMostParts = 64;

using Values = std::vector<napi_value>;

struct Named {
  const char* name;
  Kernel kernel;
};

constexpr Named kKernels[] = {{"read", Kernel::read},
                              {"write", Kernel::write},
                              {"copy", Kernel::copy},
                              {"triad", Kernel::triad}};

bool refuse(const Call& call, const std::string& message) {
  throw_range_error(call.env(), message);
  return false;
}

bool to_kernel(const Call& call, Kernel* out) {
  char text[8] = {};  // what is longer is cut off, and none of them
  size_t length = 0;
  if (napi_get_value_string_utf8(call.env(), call[0], text, sizeof text, &length) != napi_ok) {
    throw_type_error(call.env(), "kernel must be a string");
    return false;
  }
  for (const Named& named : kKernels) {
    if (std::string(text, length) != named.name) continue;
    *out = named.kernel;
    return true;
  }
  return refuse(call, "kernel must be 'read', 'write', 'copy' or 'triad'");
}

// The elements of an array of `least` to `most`.
bool elements(const Call& call, napi_value array, const char* name, uint32_t least, uint32_t most,
              Values* out) {
  uint32_t length = 0;
  if (napi_get_array_length(call.env(), array, &length) != napi_ok) {
    throw_type_error(call.env(), std::string(name) + " must be an array");
    return false;
  }
  if (length < least || length > most) {
    const std::string range = least == most ? std::to_string(least)
                                            : std::to_string(least) + " to " + std::to_string(most);
    return refuse(call, std::string(name) + " must have " + range + " elements");
  }
  for (uint32_t i = 0; i < length; ++i) {
    napi_value value = nullptr;
    if (napi_get_element(call.env(), array, i, &value) != napi_ok) return false;  // a getter threw
    out->push_back(value);
  }
  return true;
}

bool to_cpus(const Call& call, std::vector<int>* out) {
  Values values;
  if (!elements(call, call[3], "cpus", 1, kMostThreads, &values)) return false;
  out->resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (to_cpu(call.env(), values[i], &(*out)[i])) continue;
    throw_type_error(call.env(), "cpus must be numbers of CPUs, or -1");
    return false;
  }
  return true;
}

bool to_weights(const Call& call, std::vector<uint64_t>* out) {
  Values values;
  if (!elements(call, call[2], "weights", 1, kMostParts, &values)) return false;
  out->resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (to_whole(call.env(), values[i], &(*out)[i])) continue;
    throw_type_error(call.env(), "weights must be whole numbers from 0 to 2^53 - 1");
    return false;
  }
  return true;
}

bool is_among(const Region* region, const std::vector<std::vector<Block>>& operands) {
  for (const std::vector<Block>& parts : operands) {
    for (const Block& block : parts) {
      if (block.region.get() == region) return true;
    }
  }
  return false;
}

bool to_block(const Call& call, napi_value value, Operation* operation) {
  Memory memory;
  if (!call.block_value(value, "blocks", &memory)) return false;
  if (memory.length < kSharePage) {
    return refuse(call, "blocks must have a page of 4096 bytes or more");
  }
  if (is_among(memory.region.get(), operation->operands)) {
    return refuse(call, "blocks must be different blocks");
  }
  std::vector<Block>& parts = operation->operands.back();
  const size_t part = parts.size();
  if (operation->operands.front().size() > part &&
      operation->operands.front()[part].length != memory.length) {
    return refuse(call, "blocks must be of equal length in every operand, part by part");
  }
  parts.push_back({memory.data, memory.length, std::move(memory.region)});
  return true;
}

// One array for each operand, of one block for each part.
bool to_blocks(const Call& call, size_t parts, Operation* operation) {
  const auto count = static_cast<uint32_t>(operand_count(operation->kernel));
  const auto width = static_cast<uint32_t>(parts);
  Values operands;
  if (!elements(call, call[1], "blocks", count, count, &operands)) return false;
  std::vector<Values> blocks(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (!elements(call, operands[i], "an operand of blocks", width, width, &blocks[i])) {
      return false;
    }
  }
  for (const Values& values : blocks) {
    operation->operands.emplace_back();
    for (napi_value value : values) {
      if (!to_block(call, value, operation)) return false;
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<Operation> to_operation(const Call& call) {
  auto operation = std::make_unique<Operation>();
  std::vector<uint64_t> weights;
  if (!to_kernel(call, &operation->kernel) || !to_cpus(call, &operation->cpus) ||
      !to_weights(call, &weights) || !to_blocks(call, weights.size(), operation.get())) {
    return nullptr;
  }
  std::vector<size_t> bytes;
  for (const Block& block : operation->operands.front()) bytes.push_back(block.length);
  operation->shares = Shares(bytes, weights, operation->cpus.size());
  if (operation->shares.bytes() != 0) return operation;
  refuse(call, "weights must not all be 0, and blocks must have room for as many pages");
  return nullptr;
}

}  // namespace emucxl
