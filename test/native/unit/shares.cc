// How memory is divided among threads: which bytes each of them touches, for odd sizes, many
// threads, and weights.
#include "shares.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace emucxl {
namespace {

struct Case {
  std::vector<size_t> bytes;
  std::vector<uint64_t> weights;
  size_t threads = 1;
};

std::vector<Run> runs_of(const Shares& shares, size_t thread, size_t most = SIZE_MAX) {
  std::vector<Run> runs;
  Run run;
  for (Shares::Walk walk(shares, thread); walk.next(most, &run);) runs.push_back(run);
  return runs;
}

size_t length_of(const std::vector<Run>& runs) {
  return std::accumulate(runs.begin(), runs.end(), size_t{0},
                         [](size_t sum, const Run& run) { return sum + run.length; });
}

// How often all threads together touch each word of each part.
std::vector<std::vector<int>> touched(const Case& one, const Shares& shares, size_t most) {
  std::vector<std::vector<int>> times;
  for (const size_t bytes : one.bytes) times.emplace_back(bytes / kShareWord);
  for (size_t thread = 0; thread < one.threads; ++thread) {
    for (const Run& run : runs_of(shares, thread, most)) {
      REQUIRE(run.length > 0);
      REQUIRE(run.length <= most);
      REQUIRE(run.offset % kShareWord == 0);
      REQUIRE(run.length % kShareWord == 0);
      REQUIRE(run.offset + run.length <= one.bytes[run.part]);
      auto first = times[run.part].begin() + static_cast<ptrdiff_t>(run.offset / kShareWord);
      std::for_each(first, first + static_cast<ptrdiff_t>(run.length / kShareWord),
                    [](int& n) { ++n; });
    }
  }
  return times;
}

void check_touched_once(const Case& one, size_t most) {
  const Shares shares(one.bytes, one.weights, one.threads);
  const auto times = touched(one, shares, most);
  size_t used = 0;
  for (size_t part = 0; part < one.bytes.size(); ++part) {
    const auto end = times[part].begin() + static_cast<ptrdiff_t>(shares.used(part) / kShareWord);
    CHECK(std::all_of(times[part].begin(), end, [](int n) { return n == 1; }));
    CHECK(std::all_of(end, times[part].end(), [](int n) { return n == 0; }));
    used += shares.used(part);
  }
  CHECK(used == shares.bytes());
}

}  // namespace

TEST_CASE("one part is cut into contiguous slices that differ by a word at most") {
  const Shares shares({100 * kShareWord + 7}, {5}, 3);
  CHECK(shares.bytes() == 100 * kShareWord);
  const std::array<size_t, 3> begin = {0, 34, 67};
  const std::array<size_t, 3> words = {34, 33, 33};
  for (size_t thread = 0; thread < 3; ++thread) {
    const std::vector<Run> runs = runs_of(shares, thread);
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].part == 0);
    CHECK(runs[0].offset == begin[thread] * kShareWord);
    CHECK(runs[0].length == words[thread] * kShareWord);
  }
}

TEST_CASE("several parts take turns, page by page, as their weights say") {
  const Shares shares({7 * kSharePage, 9 * kSharePage}, {3, 1}, 1);
  CHECK(shares.used(0) == 6 * kSharePage);  // two rounds: the seventh page is left over
  CHECK(shares.used(1) == 2 * kSharePage);
  const std::vector<Run> runs = runs_of(shares, 0);
  REQUIRE(runs.size() == 4);
  const std::array<Run, 4> wanted = {{{0, 0, 3 * kSharePage},
                                      {1, 0, kSharePage},
                                      {0, 3 * kSharePage, 3 * kSharePage},
                                      {1, kSharePage, kSharePage}}};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(runs[i].part == wanted[i].part);
    CHECK(runs[i].offset == wanted[i].offset);
    CHECK(runs[i].length == wanted[i].length);
  }
}

TEST_CASE("a slice may begin in the middle of a round") {
  const Shares shares({6 * kSharePage, 2 * kSharePage}, {3, 1}, 4);  // two pages each
  const std::vector<Run> second = runs_of(shares, 1);
  REQUIRE(second.size() == 2);
  CHECK(second[0].part == 0);
  CHECK(second[0].offset == 2 * kSharePage);
  CHECK(second[0].length == kSharePage);
  CHECK(second[1].part == 1);
  CHECK(second[1].offset == 0);
}

TEST_CASE("a part of weight 0 is left alone") {
  const Shares shares({kSharePage, 5 * kSharePage}, {0, 2}, 2);
  CHECK(shares.used(0) == 0);
  CHECK(shares.used(1) == 4 * kSharePage);
  check_touched_once({{kSharePage, 5 * kSharePage}, {0, 2}, 2}, SIZE_MAX);
}

TEST_CASE("no round, no bytes") {
  const uint64_t huge = (uint64_t{1} << 53) - 1;
  const std::array<Case, 5> none = {{{{kSharePage, kSharePage}, {0, 0}, 1},
                                     {{kSharePage, kSharePage}, {2, 1}, 1},
                                     {{kSharePage, kSharePage}, {huge, huge}, 1},
                                     {{kSharePage, kSharePage - 1}, {1, 1}, 1},
                                     {{7}, {1}, 1}}};
  for (const Case& one : none) {
    const Shares shares(one.bytes, one.weights, one.threads);
    CHECK(shares.bytes() == 0);
    CHECK(shares.used(0) == 0);
    CHECK(runs_of(shares, 0).empty());
  }
}

TEST_CASE("every byte belongs to one thread, whatever the sizes, weights and threads") {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Case one;
    for (size_t parts = 1 + random() % 4; parts > 0; --parts) {
      one.bytes.push_back(kSharePage + random() % (20 * kSharePage));
      one.weights.push_back(random() % 4);
    }
    one.threads = 1 + random() % 40;
    check_touched_once(one, SIZE_MAX);
    check_touched_once(one, kSharePage + random() % (3 * kSharePage));
  }
}

TEST_CASE("more threads than words: the rest have none") {
  const Shares shares({3 * kShareWord}, {1}, 1000);
  for (size_t thread = 0; thread < 1000; ++thread) {
    CHECK(length_of(runs_of(shares, thread)) == (thread < 3 ? kShareWord : 0));
  }
}

}  // namespace emucxl
