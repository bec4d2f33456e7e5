// What the operands of a sweep hold before it and must hold after it. Each word has a value of its
// own, so that one that was left out, or taken from elsewhere, is found. The memory is divided
// among the threads in another way than for the sweep itself, lest both make the same mistake.
#pragma once

#include <atomic>
#include <vector>

#include "operation.h"

namespace emucxl {

class SweepContents {
 public:
  explicit SweepContents(const Operation& operation);

  // Writes, or checks, pieces until none is left; all threads of a crew call it at the same time.
  void fill();
  // `written` is what write wrote last.
  void check(uint64_t written);

  // After fill(): what the words of the first operand amount to, for read.
  uint64_t sum() const { return sum_; }
  // After check() of operands that no other thread wrote to meanwhile.
  bool as_they_must_be() const { return wrong_ == 0; }

 private:
  struct Piece {
    Run run;
    uint64_t first = 0;  // number of its first word among all of an operand
  };
  template <typename Body>
  void each_piece(std::atomic<size_t>* next, Body body);
  uint64_t* words(size_t operand, const Piece& piece) const;
  uint64_t fill(size_t operand, const Piece& piece) const;
  size_t count_wrong(size_t operand, const Piece& piece, uint64_t written) const;

  const Operation& operation_;
  std::vector<Piece> pieces_;
  std::atomic<size_t> next_to_fill_{0};
  std::atomic<size_t> next_to_check_{0};
  std::atomic<uint64_t> sum_{0};
  std::atomic<size_t> wrong_{0};
};

}  // namespace emucxl
