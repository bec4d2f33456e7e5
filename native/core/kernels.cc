#include "kernels.h"

// As STREAM is compiled, whatever this build says: gcc -O3.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

namespace emucxl {
namespace {

uint64_t sum(const uint64_t* a, size_t n) {
  uint64_t total = 0;
  for (size_t i = 0; i < n; ++i) total += a[i];
  return total;
}

void write(uint64_t* a, size_t n, uint64_t value) {
  for (size_t i = 0; i < n; ++i) a[i] = value;
}

// GCC makes memcpy of it, here and in STREAM.
void copy(uint64_t* __restrict a, const uint64_t* __restrict b, size_t n) {
  for (size_t i = 0; i < n; ++i) a[i] = b[i];
}

void triad(double* __restrict a, const double* __restrict b, const double* __restrict c, size_t n) {
  for (size_t i = 0; i < n; ++i) a[i] = b[i] + kTriadFactor * c[i];
}

template <typename Word>
Word* words(char* operand) {
  return reinterpret_cast<Word*>(operand);
}

}  // namespace

uint64_t run_kernel(Kernel kernel, char* const* operands, size_t bytes, uint64_t value) {
  const size_t n = bytes / sizeof(uint64_t);
  switch (kernel) {
    case Kernel::read:
      return sum(words<uint64_t>(operands[0]), n);
    case Kernel::write:
      write(words<uint64_t>(operands[0]), n, value);
      return 0;
    case Kernel::copy:
      copy(words<uint64_t>(operands[0]), words<uint64_t>(operands[1]), n);
      return 0;
    case Kernel::triad:
      triad(words<double>(operands[0]), words<double>(operands[1]), words<double>(operands[2]), n);
      return 0;
  }
  return 0;
}

}  // namespace emucxl
