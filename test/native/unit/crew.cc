// Threads that are started, meet, and are sent home. Also for the thread sanitizer.
#include "crew.h"

#include <doctest/doctest.h>

#include <atomic>

namespace emucxl {

TEST_CASE("each member of a crew has its own number") {
  std::atomic<uint64_t> seen{0};
  {
    Crew crew;
    CHECK_FALSE(crew.start(60, [&](size_t thread) { seen |= uint64_t{1} << thread; }));
  }
  CHECK(seen == (uint64_t{1} << 60) - 1);
}

TEST_CASE("nobody goes on before all are there, again and again") {
  constexpr size_t kThreads = 8;
  constexpr size_t kMeetings = 200;
  Meeting meeting(kThreads);
  std::atomic<size_t> arrived{0};
  std::atomic<size_t> early{0};
  size_t last = 0;  // guarded by the meeting
  Crew crew;
  CHECK_FALSE(crew.start(kThreads, [&](size_t) {
    for (size_t i = 1; i <= kMeetings; ++i) {
      ++arrived;
      if (!meeting.attend([&] { ++last; })) return;
      if (arrived < i * kThreads) ++early;
    }
  }));
  crew.join();
  CHECK(early == 0);
  CHECK(last == kMeetings);
}

TEST_CASE("a meeting that is called off keeps nobody") {
  Meeting meeting(5);
  std::atomic<size_t> sent_home{0};
  Crew crew;
  CHECK_FALSE(crew.start(4, [&](size_t) {
    if (!meeting.attend()) ++sent_home;
  }));
  meeting.call_off();
  crew.join();
  CHECK(sent_home == 4);
  CHECK_FALSE(meeting.attend());
}

}  // namespace emucxl
