// A kernel over blocks again and again in the background, until it is stopped.
#pragma once

#include <atomic>

#include "crew.h"
#include "operation.h"

namespace emucxl {

struct TrafficResult {
  uint64_t bytes = 0;  // since all threads had begun, by STREAM's count
  uint64_t ns = 0;     // the time in which they were
  bool pinned = true;  // every thread, to the CPU that was named for it
};

// Holds its blocks. Ends by itself once one of them was freed: what it wrote until then is lost,
// and nothing more is written to memory that has gone back.
class Traffic {
 public:
  explicit Traffic(Operation operation);
  ~Traffic() { stop(); }
  Traffic(const Traffic&) = delete;
  Traffic& operator=(const Traffic&) = delete;

  // Returns when all threads have begun. Memory that was never written gets its pages first, since
  // reading those would be no traffic. Error: ERR_EMUCXL_NO_MEMORY where there are not so many
  // threads.
  Failure start();
  // Ends the threads, which takes each as long as a mebibyte of each operand does.
  TrafficResult stop();

 private:
  void work(size_t thread);
  void touch(size_t thread);
  bool go_over(size_t thread);
  bool is_over() const { return is_set(&stopped_) || operation_.any_freed(); }

  const Operation operation_;
  const bool modelled_;
  Crew crew_;
  Meeting meeting_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> pinned_{true};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> ended_{0};  // now_ns() at the end of the last thread
  uint64_t began_ = 0;
};

}  // namespace emucxl
