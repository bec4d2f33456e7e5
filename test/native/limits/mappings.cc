// At the limit of vm.max_map_count, where the kernel refuses whatever would split a mapping: what
// is freed then must still be zeros, and what cannot be unmapped must stay ours.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "child.h"
#include "contents.h"
#include "opened.h"
#include "scripted_backend.h"

namespace emucxl {
namespace {

constexpr size_t kPages = 8 << 20;  // 32 GiB of addresses; no machine allows so many mappings

void* reserve(size_t pages, int protection) {
  return mmap(nullptr, pages * page_size(), protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
              -1, 0);
}

// Splits one reservation into single pages of alternating protection, until the kernel refuses;
// then maps pages that do not merge. Returns the reservation.
void* use_up_mappings() {
  void* area = reserve(kPages, PROT_NONE);
  EXPECT_IN_CHILD(area != MAP_FAILED);
  size_t page = 1;
  while (page < kPages &&
         mprotect(static_cast<char*>(area) + page * page_size(), page_size(), PROT_READ) == 0) {
    page += 2;
  }
  EXPECT_IN_CHILD(page < kPages && errno == ENOMEM);
  int protection = PROT_READ;
  while (reserve(1, protection) != MAP_FAILED) protection ^= PROT_READ;
  return area;
}

Range written(size_t pages) {
  Range range;
  EXPECT_IN_CHILD(!map_anonymous(pages * page_size(), HugePages::off, &range));
  write_all(range, 1);
  return range;
}

Range page_of(const Range& all, size_t page) {
  Range range = all;
  range.start += page * page_size();
  range.length = page_size();
  return range;
}

// The middle of a mapping, so that to unmap or replace it would split it in three.
struct Middle {
  bool neighbours_are_whole() const {
    return all_bytes(all.start, 4 * page_size(), 1) &&
           all_bytes(range.start + page_size(), 4 * page_size(), 1);
  }

  Range all = written(9);
  Range range = page_of(all, 4);
};

}  // namespace

TEST_CASE("no further range can be mapped, and the error names the limit") {
  check_in_child([] {
    use_up_mappings();
    for (const HugePages huge : {HugePages::off, HugePages::prefer}) {
      Range range;
      const Failure failure = map_anonymous(2 * kHugePage, huge, &range);
      EXPECT_IN_CHILD(failure);
      EXPECT_IN_CHILD(failure.error == ENOMEM);
      EXPECT_IN_CHILD(failure.message.find("vm.max_map_count") != std::string::npos);
      EXPECT_IN_CHILD(range.start == nullptr);
    }
  });
}

TEST_CASE("discard and overlay still give the memory back") {
  check_in_child([] {
    const Middle discarded;
    const Middle overlaid;
    use_up_mappings();
    EXPECT_IN_CHILD(discard(discarded.range));
    EXPECT_IN_CHILD(overlay(overlaid.range));
    for (const Middle* middle : {&discarded, &overlaid}) {
      EXPECT_IN_CHILD(all_bytes(middle->range, 0));
      EXPECT_IN_CHILD(middle->neighbours_are_whole());
      Residency found;
      EXPECT_IN_CHILD(!residency(middle->range, &found));
      EXPECT_IN_CHILD(found.by_node.empty());
    }
  });
}

TEST_CASE("a range of a device is zeros, though its memory cannot go back") {
  check_in_child([] {
    Failure failure;
    const auto backend = open_device("/dev/zero", &failure);
    EXPECT_IN_CHILD(backend != nullptr);
    Range range;
    EXPECT_IN_CHILD(!backend->map({page_size(), 0, HugePages::off}, &range));
    write_all(range, 1);
    use_up_mappings();
    discard(range);
    EXPECT_IN_CHILD(all_bytes(range, 0));
  });
}

TEST_CASE("a locked range is zeros too once it was discarded") {
  check_in_child([] {
    // The whole is locked, then its middle discarded: unlocking it alone would split it.
    Middle locked;
    if (lock(&locked.all)) return;  // this user may lock nothing; limits/lock.cc says so
    locked.range.plain = false;
    use_up_mappings();
    EXPECT_IN_CHILD(discard(locked.range));
    EXPECT_IN_CHILD(all_bytes(locked.range, 0));
    EXPECT_IN_CHILD(locked.neighbours_are_whole());
  });
}

TEST_CASE("a range that cannot be unmapped says so, and stays mapped") {
  check_in_child([] {
    const Middle middle;
    use_up_mappings();
    EXPECT_IN_CHILD(!unmap(middle.range));
    EXPECT_IN_CHILD(all_bytes(middle.all, 1));
  });
}

TEST_CASE("pages that cannot be moved are where they were, and their target is mapped") {
  check_in_child([] {
    const Middle from;
    Middle to;
    use_up_mappings();
    EXPECT_IN_CHILD(!relocate(from.range, to.range, 0, page_size()));
    EXPECT_IN_CHILD(all_bytes(from.all, 1));
    EXPECT_IN_CHILD(all_bytes(to.all, 1));
  });
}

TEST_CASE("a region whose range cannot go is reserved for good, as zeros") {
  check_in_child([] {
    Script script;
    const Opened opened(std::make_unique<ScriptedBackend>(&script));
    // Neighbours, which merge into one mapping: the one in the middle cannot leave it.
    Region* regions[9];
    for (Region*& region : regions) {
      region = opened.alloc(page_size());
      EXPECT_IN_CHILD(region != nullptr);
      write_all(region->range, 1);
    }
    Region* middle = regions[4];
    char* const start = middle->range.start;
    use_up_mappings();
    free_region(middle);
    EXPECT_IN_CHILD(all_bytes(start, page_size(), 0));
    EXPECT_IN_CHILD(opened.account(0).pending.ranges == 1);
    table().drop(middle);
    EXPECT_IN_CHILD(is_empty(opened.account(0).pending));
    EXPECT_IN_CHILD(opened.account(0).reserved.ranges == 1);
    EXPECT_IN_CHILD(opened.account(0).reserved.bytes == page_size());
    EXPECT_IN_CHILD(all_bytes(start, page_size(), 0));
    Region* found = table().find(start, page_size());
    EXPECT_IN_CHILD(found == middle && found->freed);
    table().drop(found);
    for (Region* region : regions) {
      EXPECT_IN_CHILD(region == middle || all_bytes(region->range, 1));
    }
  });
}

TEST_CASE("regions still come from the span; one that needs a mapping fails, for the time being") {
  check_in_child([] {
    const Opened opened;
    EXPECT_IN_CHILD(opened.alloc(kMiB) != nullptr);
    void* area = use_up_mappings();
    EXPECT_IN_CHILD(opened.alloc(kMiB) != nullptr);
    EXPECT_IN_CHILD(opened.alloc(ReadyRanges::kLongest + 1) == nullptr);
    EXPECT_IN_CHILD(opened.account(0).regions == 2);
    EXPECT_IN_CHILD(opened.account(0).mapped == 2 * kMiB);
    EXPECT_IN_CHILD(munmap(area, kPages * page_size()) == 0);
    EXPECT_IN_CHILD(opened.alloc(ReadyRanges::kLongest + 1) != nullptr);
  });
}

TEST_CASE("emucxl stops before the limit, so that malloc and free still work") {
  check_in_child([] {
    Failure failure;
    const Opened opened(open_device("/dev/zero", &failure), 1024 * kMiB);
    std::vector<Region*> regions;
    Region* region = nullptr;
    while (!failure) {
      EXPECT_IN_CHILD(regions.size() < kPages);
      failure = obtain(opened.wanted(1), nullptr, &region);
      if (failure) break;
      table().enter(region, 1);
      regions.push_back(region);
    }
    EXPECT_IN_CHILD(strcmp(failure.code, "ERR_EMUCXL_NO_MEMORY") == 0);
    EXPECT_IN_CHILD(failure.message.find("vm.max_map_count") != std::string::npos);
    EXPECT_IN_CHILD(opened.account(0).regions == regions.size());
    // Each count of so many mappings takes some 10 ms.
    const uint64_t began = now_ns();
    for (int i = 0; i < 1000; ++i) EXPECT_IN_CHILD(obtain(opened.wanted(1), nullptr, &region));
    EXPECT_IN_CHILD(now_ns() - began < uint64_t{5} * 1000000000);
    for (int i = 0; i < 1000; ++i) {
      EXPECT_IN_CHILD(reserve(1, i % 2 == 0 ? PROT_READ : PROT_NONE) != MAP_FAILED);
    }
    for (Region* each : regions) table().drop(each);
    EXPECT_IN_CHILD(is_empty(opened.account(0)));
    EXPECT_IN_CHILD(is_empty(opened.account(0).reserved));
    EXPECT_IN_CHILD(!obtain(opened.wanted(1), nullptr, &region));
  });
}

}  // namespace emucxl
