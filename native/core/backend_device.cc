// Memory of /dev/emucxl: the offset of mmap(2) names the node. The kernel module of this project
// moves pages in place and tells where they are; the first paper's original can map only, and there
// a migration copies.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "../../kmod/emucxl.h"
#include "backend.h"
#include "mappings.h"

namespace emucxl {
namespace {

constexpr size_t kOffsetUnit = 4096;         // of the node in the offset
constexpr size_t kBatch = size_t{32} << 20;  // bytes in one call, then a look at whether to stop
constexpr size_t kQuestion = size_t{256} << 20;  // bytes in one question: some ms
constexpr uint32_t kMostNodes = 1024;            // MAX_NUMNODES of the largest kernels

// ioctl(2), again where a signal came first.
template <typename T>
int control(int descriptor, unsigned long request, T* argument) {
  int result = 0;
  do {
    result = ioctl(descriptor, request, argument);
  } while (result != 0 && errno == EINTR);
  return result;
}

Failure no_room(int numa_node, size_t bytes, const char* syscall, int error) {
  return fail("ERR_EMUCXL_NO_MEMORY",
              "the device has no " + std::to_string(bytes) + " bytes on NUMA node " +
                  std::to_string(numa_node) + ": free regions there",
              syscall, error);
}

Failure bad_node(int numa_node, const char* syscall, int error) {
  return fail("ERR_EMUCXL_BAD_NODE",
              "the device has no NUMA node " + std::to_string(numa_node) + " with memory", syscall,
              error);
}

// Closes on its way out.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(other.value_) { other.value_ = -1; }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

// What both modules can do: map, and copy to another node.
class Original : public Backend {
 public:
  explicit Original(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  const char* name() const override { return "device"; }
  Capabilities can() const override { return {true, false, false}; }

  Failure map(const MapRequest& request, Range* out) override {
    return map_at(request.numa_node, round_up(request.length, page_size()), 0, page_size(), out);
  }

  // Copies to fresh pages on the target, which then take the place of the old ones. What another
  // thread writes into the range meanwhile may be lost.
  Failure move(const Range& range, int from, int to, const std::atomic<bool>& cancelled,
               MoveResult* out) override {
    if (from == to) {
      out->moved = range.length / range.unit;
      return success();
    }
    Range fresh;
    if (Failure failure = map_at(to, range.length, 0, range.unit, &fresh)) return failure;
    for (size_t done = 0; done < range.length; done += kBatch) {
      if (cancelled.load(std::memory_order_relaxed)) {
        unmap(fresh);
        return fail("ERR_EMUCXL_ABORTED", "the migration was aborted");
      }
      memcpy(fresh.start + done, range.start + done, std::min(kBatch, range.length - done));
    }
    if (mremap(fresh.start, range.length, range.length, MREMAP_MAYMOVE | MREMAP_FIXED,
               range.start) == MAP_FAILED) {
      const int error = errno;
      unmap(fresh);
      return no_room(to, range.length, "mremap", error);
    }
    out->moved = range.length / range.unit;
    return success();
  }

 protected:
  int descriptor() const { return descriptor_.get(); }

  Failure map_at(int numa_node, size_t length, size_t flags, size_t unit, Range* out) {
    if (static_cast<size_t>(numa_node) > EMUCXL_OFFSET_NODE) {
      return bad_node(numa_node, "mmap", EINVAL);
    }
    if (!mappings_left()) return too_many_mappings();
    const auto offset = static_cast<off_t>((static_cast<size_t>(numa_node) | flags) * kOffsetUnit);
    void* p = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor(), offset);
    if (p == MAP_FAILED) {
      const int error = errno;
      return error == EINVAL ? bad_node(numa_node, "mmap", error)
                             : no_room(numa_node, length, "mmap", error);
    }
    *out = Range{static_cast<char*>(p), length, unit, false, false};
    return success();
  }

 private:
  const Descriptor descriptor_;
};

// This project's module.
class Device final : public Original {
 public:
  Device(Descriptor descriptor, const emucxl_version& version)
      : Original(std::move(descriptor)),
        nodes_(std::min(version.nodes, kMostNodes)),
        huge_((version.features & EMUCXL_FEATURE_HUGE) != 0) {}

  Capabilities can() const override { return {true, huge_, false}; }

  Failure map(const MapRequest& request, Range* out) override {
    const size_t huge = round_up(request.length, kHugePage);
    if (request.huge == HugePages::require) {
      Failure failure = map_at(request.numa_node, huge, EMUCXL_OFFSET_HUGE, kHugePage, out);
      if (!failure || strcmp(failure.code, "ERR_EMUCXL_NO_MEMORY") != 0) return failure;
      return fail("ERR_EMUCXL_NO_HUGE_PAGES",
                  "the device has no " + std::to_string(huge) + " bytes of 2 MiB pages on NUMA " +
                      "node " + std::to_string(request.numa_node) +
                      ": free regions there, or take hugePages 'prefer'",
                  "mmap", failure.error);
    }
    const size_t length = round_up(request.length, page_size());
    // A block that is no multiple gets small pages: rounding it up is not what was asked for.
    if (request.huge == HugePages::prefer && length == huge &&
        !map_at(request.numa_node, length, EMUCXL_OFFSET_HUGE, page_size(), out)) {
      return success();
    }
    return map_at(request.numa_node, length, 0, page_size(), out);
  }

  Failure move(const Range& range, int from, int to, const std::atomic<bool>& cancelled,
               MoveResult* out) override {
    size_t done = 0;
    Failure failure;
    uint64_t failed = 0;
    while (done < range.length && !failure) {
      const size_t bytes = std::min(kBatch, range.length - done);
      if (cancelled.load(std::memory_order_relaxed)) {
        failure = fail("ERR_EMUCXL_ABORTED", "the migration was aborted");
      } else {
        failure = move_part(range, done, bytes, to, &failed);
      }
      done += bytes;
    }
    if (failure) {
      if (from != to) move_back(range, std::min(done, range.length), from);
      return failure;
    }
    const size_t pages_of_unit = range.unit / page_size();
    out->failed = failed / pages_of_unit;
    out->moved = range.length / range.unit - out->failed;
    return success();
  }

  Failure where(const Range& range, Residency* out, Cancelled cancelled) override {
    std::vector<__u64> counts(nodes_);
    for (size_t done = 0; done < range.length; done += kQuestion) {
      if (is_set(cancelled)) return aborted();
      emucxl_where question{};
      question.addr = reinterpret_cast<uintptr_t>(range.start + done);
      question.length = std::min(kQuestion, range.length - done);
      question.counts = reinterpret_cast<uintptr_t>(counts.data());
      question.nodes = nodes_;
      // Freed by another thread meanwhile: nothing of it is anywhere.
      if (control(descriptor(), EMUCXL_WHERE, &question) != 0) {
        out->untouched += question.length / range.unit;
        continue;
      }
      for (uint32_t node = 0; node < nodes_; ++node) {
        const uint64_t pages = counts[node] * page_size() / range.unit;
        if (pages != 0) out->by_node[static_cast<int>(node)] += pages;
      }
    }
    return success();
  }

  uint64_t capacity(int numa_node) const override {
    emucxl_use use{};
    use.node = static_cast<__u32>(numa_node);
    return control(descriptor(), EMUCXL_USE, &use) == 0 ? use.capacity : UINT64_MAX;
  }

 private:
  Failure move_part(const Range& range, size_t offset, size_t bytes, int to, uint64_t* failed) {
    emucxl_migrate request{};
    request.addr = reinterpret_cast<uintptr_t>(range.start + offset);
    request.length = bytes;
    request.node = static_cast<__u32>(to);
    const int result = control(descriptor(), EMUCXL_MIGRATE, &request);
    const int error = errno;
    *failed += request.failed;
    if (result == 0 || error == EFAULT) return success();  // EFAULT: freed by another thread
    return error == EINVAL ? bad_node(to, "ioctl", error)
                           : no_room(to, range.length, "ioctl", error);
  }

  // Best effort: what cannot go back stays readable where it is.
  void move_back(const Range& range, size_t bytes, int from) {
    uint64_t ignored = 0;
    for (size_t done = 0; done < bytes; done += kBatch) {
      if (move_part(range, done, std::min(kBatch, bytes - done), from, &ignored)) return;
    }
  }

  const uint32_t nodes_;
  const bool huge_;
};

Failure unavailable(std::string message, const char* syscall, int error) {
  return fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", std::move(message), syscall, error);
}

std::string reason(const std::string& path, int error) {
  char text[128];
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return path + " is not there: load the emucxl kernel module (kmod/ in this package)";
    case EACCES:
    case EPERM:
      return path + " may not be opened by this user: join the group that owns it (ls -l " + path +
             "), or run as root";
    default:
      return path + " cannot be opened: " + strerror_r(error, text, sizeof text);
  }
}

}  // namespace

std::unique_ptr<Backend> open_device(const std::string& path, Failure* failure) {
  Descriptor descriptor(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (descriptor.get() < 0) {
    const int error = errno;
    *failure = unavailable(reason(path, error), "open", error);
    return nullptr;
  }
  struct stat status {};
  if (fstat(descriptor.get(), &status) != 0 || !S_ISCHR(status.st_mode)) {
    *failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", path + " is not a character device");
    return nullptr;
  }
  emucxl_version version{};
  version.major = EMUCXL_ABI_MAJOR;
  version.minor = EMUCXL_ABI_MINOR;
  if (control(descriptor.get(), EMUCXL_VERSION, &version) == 0) {
    return std::make_unique<Device>(std::move(descriptor), version);
  }
  if (const int error = errno; error == EPROTO) {
    *failure =
        unavailable(path + " is the emucxl kernel module " + std::to_string(version.major) + "." +
                        std::to_string(version.minor) + ", and this is for " +
                        std::to_string(EMUCXL_ABI_MAJOR) + "." + std::to_string(EMUCXL_ABI_MINOR) +
                        ": load the module of this version",
                    "ioctl", error);
    return nullptr;
  }
  auto original = std::make_unique<Original>(std::move(descriptor));
  Range page;
  if (Failure refused = original->map({page_size(), 0, HugePages::off}, &page)) {
    *failure = unavailable(path + " is not the device of an emucxl kernel module", refused.syscall,
                           refused.error);
    return nullptr;
  }
  unmap(page);
  return original;
}

}  // namespace emucxl
