// Threads that work side by side and meet now and then. pthreads, because std::thread ends the
// process where there is no thread to be had, and std::condition_variable needs a newer libstdc++
// than the prebuilt binary may ask for.
#pragma once

#include <pthread.h>

#include <functional>
#include <vector>

#include "failure.h"

namespace emucxl {

// Where threads wait for one another, asleep: there may be more of them than CPUs.
class Meeting {
 public:
  explicit Meeting(size_t members) : members_(members) {}
  ~Meeting();
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  // Returns once all members are there; then they can meet again. `last` is run by the one who
  // comes last, while the others wait. False: it was called off.
  bool attend(const std::function<void()>& last = nullptr);
  // Nobody waits any more, or ever again.
  void call_off();

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t complete_ = PTHREAD_COND_INITIALIZER;
  const size_t members_;
  size_t present_ = 0;
  size_t meetings_ = 0;  // that took place
  bool off_ = false;
};

class Crew {
 public:
  Crew() = default;
  ~Crew() { join(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Starts body(thread), thread from 0, in `threads` threads. Error: ERR_EMUCXL_NO_MEMORY; those
  // that were started are for the caller to end, and for join() to wait for.
  Failure start(size_t threads, std::function<void(size_t thread)> body);
  // Waits until every body has returned.
  void join();

 private:
  struct Member {
    const Crew* crew = nullptr;
    size_t thread = 0;
    pthread_t id{};
  };
  static void* run(void* member);

  std::function<void(size_t thread)> body_;
  std::vector<Member> members_;
};

}  // namespace emucxl
