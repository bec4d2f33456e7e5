// How threads divide memory among them. Memory of one part is cut into contiguous slices, one a
// thread, as by OpenMP's static schedule. Memory of several parts (of different nodes) is one
// sequence of pages, so many of each part in turn as its weight says, as in the kernel's weighted
// interleave; of this sequence each thread has a contiguous slice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace emucxl {

constexpr size_t kSharePage = 4096;              // bytes, whatever the pages of the machine
constexpr size_t kShareWord = sizeof(uint64_t);  // the unit in which one part is divided

// Bytes that lie side by side.
struct Run {
  size_t part = 0;
  size_t offset = 0;
  size_t length = 0;
};

class Shares {
 public:
  Shares() = default;  // of nothing
  // One number of bytes, and one weight, for each part. Of a part is used what the ratio of the
  // weights allows: whole rounds of pages. The weight of a single part is of no meaning.
  Shares(const std::vector<size_t>& bytes, const std::vector<uint64_t>& weights, size_t threads);

  size_t bytes() const { return units_ * unit_; }  // of all parts; 0: not one round
  size_t threads() const { return threads_; }
  size_t parts() const { return weights_.size(); }
  size_t used(size_t part) const;  // bytes, from the start of the part

  // The runs of a thread, in order.
  class Walk {
   public:
    Walk(const Shares& shares, size_t thread);
    // The next run, of `most` bytes (a page or more) or less. False: the slice is done.
    bool next(size_t most, Run* out);

   private:
    const Shares& shares_;
    size_t at_;  // in units, of the sequence of all
    size_t end_;
  };

 private:
  std::vector<size_t> weights_;
  size_t threads_ = 1;
  size_t unit_ = kShareWord;  // bytes: a page, or a word where there is one part
  size_t round_ = 0;          // units of one round
  size_t units_ = 0;          // of all
};

}  // namespace emucxl
