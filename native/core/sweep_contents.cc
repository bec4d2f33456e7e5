#include "sweep_contents.h"

#include <algorithm>
#include <cstring>

namespace emucxl {
namespace {

constexpr size_t kPiece = size_t{1} << 20;  // bytes
constexpr uint64_t kSeed = 0x2545f4914f6cdd1d;
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // times this, different words stay different
constexpr uint64_t kOperandsApart = uint64_t{1} << 60;
constexpr int kExact = 44;  // bits less: sums and products of what is left are exact as doubles

uint64_t hash(size_t operand, uint64_t word) {
  return (kSeed + operand * kOperandsApart + word) * kOdd;
}

double number(size_t operand, uint64_t word) {
  return static_cast<double>(hash(operand, word) >> kExact);
}

uint64_t bits(double value) {
  uint64_t word = 0;
  memcpy(&word, &value, sizeof word);
  return word;
}

uint64_t before(Kernel kernel, size_t operand, uint64_t word) {
  return kernel == Kernel::triad ? bits(number(operand, word)) : hash(operand, word);
}

uint64_t after(Kernel kernel, size_t operand, uint64_t word, uint64_t written) {
  if (operand != 0 || !has_target(kernel)) return before(kernel, operand, word);
  if (kernel == Kernel::write) return written;
  if (kernel == Kernel::copy) return hash(1, word);
  return bits(number(1, word) + kTriadFactor * number(2, word));
}

}  // namespace

SweepContents::SweepContents(const Operation& operation) : operation_(operation) {
  uint64_t first = 0;
  for (size_t part = 0; part < operation.shares.parts(); ++part) {
    const size_t used = operation.shares.used(part);
    for (size_t offset = 0; offset < used; offset += kPiece) {
      const size_t length = std::min(kPiece, used - offset);
      pieces_.push_back({{part, offset, length}, first});
      first += length / kShareWord;
    }
  }
}

void SweepContents::fill() {
  each_piece(&next_to_fill_, [this](size_t operand, const Piece& piece) {
    const uint64_t sum = fill(operand, piece);
    if (operand == 0) sum_ += sum;
  });
}

void SweepContents::check(uint64_t written) {
  each_piece(&next_to_check_, [this, written](size_t operand, const Piece& piece) {
    wrong_ += count_wrong(operand, piece, written);
  });
}

template <typename Body>
void SweepContents::each_piece(std::atomic<size_t>* next, Body body) {
  for (size_t i = (*next)++; i < pieces_.size(); i = (*next)++) {
    for (size_t operand = 0; operand < operation_.operands.size(); ++operand) {
      body(operand, pieces_[i]);
    }
  }
}

uint64_t* SweepContents::words(size_t operand, const Piece& piece) const {
  const Block& block = operation_.operands[operand][piece.run.part];
  return reinterpret_cast<uint64_t*>(block.start + piece.run.offset);
}

uint64_t SweepContents::fill(size_t operand, const Piece& piece) const {
  uint64_t* const word = words(operand, piece);
  uint64_t sum = 0;
  for (size_t i = 0; i < piece.run.length / kShareWord; ++i) {
    const uint64_t value = before(operation_.kernel, operand, piece.first + i);
    word[i] = value;
    sum += value;
  }
  return sum;
}

size_t SweepContents::count_wrong(size_t operand, const Piece& piece, uint64_t written) const {
  const uint64_t* const word = words(operand, piece);
  size_t wrong = 0;
  for (size_t i = 0; i < piece.run.length / kShareWord; ++i) {
    const uint64_t value = after(operation_.kernel, operand, piece.first + i, written);
    wrong += word[i] == value ? 0 : 1;
  }
  return wrong;
}

}  // namespace emucxl
