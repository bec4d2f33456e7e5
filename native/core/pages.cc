#include "pages.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "mappings.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23  // Linux 5.14
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24  // Linux 5.18
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4  // Linux 5.7
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000  // Linux 4.17
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

namespace emucxl {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
constexpr int kHugeTlb2MiB = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT);

std::string bytes_text(size_t bytes) { return std::to_string(bytes) + " bytes"; }

Failure mmap_failed(size_t length, int error) {
  return fail("ERR_EMUCXL_NO_MEMORY",
              "cannot map " + bytes_text(length) +
                  ": free regions, or raise the process's limits (ulimit -v, vm.max_map_count, "
                  "vm.overcommit_memory)",
              "mmap", error);
}

Failure no_huge_pages(size_t length, const char* syscall, int error) {
  return fail("ERR_EMUCXL_NO_HUGE_PAGES",
              "hugePages 'require': the pool has not " + std::to_string(length / kHugePage) +
                  " free pages of 2 MiB there; as root: echo " +
                  std::to_string(length / kHugePage) +
                  " > /sys/devices/system/node/nodeN/hugepages/hugepages-2048kB/nr_hugepages, "
                  "or ask for 'prefer'",
              syscall, error);
}

bool transparent_huge_pages_always() {
  static const bool always = [] {
    char text[64] = {};
    FILE* file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (file == nullptr) return false;
    const size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    return n > 0 && strstr(text, "[always]") != nullptr;
  }();
  return always;
}

// A mapping that starts at a multiple of 2 MiB: one larger than needed, its edges cut off.
Failure map_aligned(size_t length, Range* out) {
  const size_t wide = length + kHugePage;
  void* p = mmap(nullptr, wide, kReadWrite, kAnonymous, -1, 0);
  if (p == MAP_FAILED) return mmap_failed(length, errno);
  auto* const whole = static_cast<char*>(p);
  const auto at = reinterpret_cast<uintptr_t>(whole);
  const size_t head = round_up(at, kHugePage) - at;
  char* const start = whole + head;
  const size_t tail = wide - head - length;
  if (head != 0 && munmap(whole, head) != 0) {
    const int error = errno;
    munmap(whole, wide);
    return mmap_failed(length, error);
  }
  if (tail != 0 && munmap(start + length, tail) != 0) {
    const int error = errno;
    munmap(start, length + tail);  // without the head, which may be another thread's by now
    return mmap_failed(length, error);
  }
  *out = Range{start, length, page_size(), true, false};
  return success();
}

}  // namespace

size_t page_size() {
  static const auto size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

Failure map_anonymous(size_t bytes, HugePages huge, Range* out) {
  if (!mappings_left()) return too_many_mappings();
  if (huge == HugePages::require) {
    const size_t length = round_up(bytes, kHugePage);
    void* p = mmap(nullptr, length, kReadWrite, kHugeTlb2MiB, -1, 0);
    if (p == MAP_FAILED) return no_huge_pages(length, "mmap", errno);
    *out = Range{static_cast<char*>(p), length, kHugePage, true, false};
    return success();
  }
  const size_t length = round_up(bytes, page_size());
  if (huge == HugePages::prefer && length >= kHugePage) {
    if (Failure failure = map_aligned(length, out)) return failure;
    madvise(out->start, out->length, MADV_HUGEPAGE);  // refused where the kernel has none: prefer
    return success();
  }
  void* p = mmap(nullptr, length, kReadWrite, kAnonymous, -1, 0);
  if (p == MAP_FAILED) return mmap_failed(length, errno);
  *out = Range{static_cast<char*>(p), length, page_size(), true, true};
  if (transparent_huge_pages_always() && length >= kHugePage) {
    madvise(p, length, MADV_NOHUGEPAGE);
    out->plain = false;
  }
  return success();
}

Failure populate(const Range& range) {
  if (madvise(range.start, range.length, MADV_POPULATE_WRITE) == 0) return success();
  const int error = errno;
  if (range.unit == kHugePage) return no_huge_pages(range.length, "madvise", error);
  if (error != EINVAL) {
    return fail("ERR_EMUCXL_NO_MEMORY",
                "prefault: the node has no room for " + bytes_text(range.length), "madvise", error);
  }
  // Before Linux 5.14: touch each page, with a value that loses nothing if it holds data already.
  for (size_t i = 0; i < range.length; i += range.unit) {
    __atomic_fetch_or(range.start + i, 0, __ATOMIC_RELAXED);
  }
  return success();
}

Failure lock(Range* range) {
  if (mlock(range->start, range->length) != 0) {
    const int error = errno;
    return fail("ERR_EMUCXL_LOCK_LIMIT",
                "lock: cannot lock " + bytes_text(range->length) +
                    " in memory; raise the limit (ulimit -l, LimitMEMLOCK=, CAP_IPC_LOCK) or "
                    "leave `lock` out",
                "mlock", error);
  }
  range->plain = false;
  return success();
}

bool overlay(const Range& range) {
  void* p = mmap(range.start, range.length, kReadWrite, kAnonymous | MAP_FIXED, -1, 0);
  if (p != MAP_FAILED) return true;
  // The limit of vm.max_map_count: splitting a merged mapping failed and left it as it was.
  if (range.anonymous) {
    if (madvise(range.start, range.length, MADV_DONTNEED) == 0) return true;
    if (madvise(range.start, range.length, MADV_DONTNEED_LOCKED) == 0) return true;
  }
  // Locked, or a device's: the memory is there already, so that this takes no more of it.
  memset(range.start, 0, range.length);
  return false;
}

bool discard_contents(const Range& range) {
  return range.anonymous && madvise(range.start, range.length, MADV_DONTNEED) == 0;
}

bool discard(const Range& range) {
  return (range.plain && discard_contents(range)) || overlay(range);
}

bool unmap(const Range& range) {
  if (munmap(range.start, range.length) != 0) return false;
  note_unmapped();
  return true;
}

void dispose(const Range& range) {
  if (!unmap(range)) discard(range);
}

void unmap_all(std::vector<Range>* ranges) {
  std::sort(ranges->begin(), ranges->end(),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  std::vector<Range> runs;
  for (const Range& range : *ranges) {
    if (!runs.empty() && runs.back().start + runs.back().length == range.start) {
      runs.back().length += range.length;
    } else {
      runs.push_back(range);
    }
  }
  ranges->clear();
  for (const Range& run : runs) {
    if (!unmap(run)) ranges->push_back(run);
  }
}

bool relocate(const Range& from, const Range& to, size_t offset, size_t length) {
  if (!from.anonymous || !to.anonymous || from.unit != page_size() || to.unit != page_size()) {
    return false;
  }
  if (!mappings_left()) return false;
  char* const target = to.start + offset;
  if (mremap(from.start + offset, length, length, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
             target) == MAP_FAILED) {
    // The target is unmapped before the kernel finds that it cannot move the source (short of
    // memory; until Linux 6.17 also a source in two mappings). A hole is closed, though without the
    // policy; refused where the target is as it was.
    static_cast<void>(mmap(target, length, kReadWrite, kAnonymous | MAP_FIXED_NOREPLACE, -1, 0));
    return false;
  }
  return true;
}

Failure residency(const Range& range, Residency* out, Cancelled cancelled) {
  constexpr size_t kBatch = 4096;
  const size_t pages = range.length / range.unit;
  std::vector<void*> address(std::min(kBatch, pages));
  std::vector<int> status(address.size());
  for (size_t done = 0; done < pages;) {
    if (is_set(cancelled)) return aborted();
    const size_t n = std::min(address.size(), pages - done);
    for (size_t i = 0; i < n; ++i) address[i] = range.start + (done + i) * range.unit;
    // By number, not through libnuma: this must work on every backend.
    if (syscall(SYS_move_pages, 0, n, address.data(), nullptr, status.data(), 0) != 0) {
      return fail("ERR_EMUCXL_NOT_PERMITTED",
                  "the kernel refuses to tell where pages are; " + allow_calls("move_pages"),
                  "move_pages", errno);
    }
    for (size_t i = 0; i < n; ++i) {
      if (status[i] >= 0) {
        ++out->by_node[status[i]];
      } else {
        ++out->untouched;  // -ENOENT: never touched; -EFAULT: only read so far, the zero page
      }
    }
    done += n;
  }
  return success();
}

}  // namespace emucxl
