// What the threads of a sweep or of traffic do with memory, by the definitions of STREAM (McCalpin,
// https://www.cs.virginia.edu/stream/): what is measured with them is a variant of STREAM.
#pragma once

#include <cstddef>
#include <cstdint>

namespace emucxl {

enum class Kernel : uint8_t { read, write, copy, triad };

constexpr size_t kMostOperands = 3;
constexpr double kTriadFactor = 3;  // STREAM's

// Targets come first. Also how often STREAM counts the bytes of one operand.
constexpr size_t operand_count(Kernel kernel) {
  return kernel == Kernel::triad ? 3 : kernel == Kernel::copy ? 2 : 1;
}
constexpr bool has_target(Kernel kernel) { return kernel != Kernel::read; }

// Goes over `bytes`, a multiple of 8, of each operand; they must not overlap. `value` is what write
// writes. Returns the sum of the words that read read, else 0.
uint64_t run_kernel(Kernel kernel, char* const* operands, size_t bytes, uint64_t value);

}  // namespace emucxl
