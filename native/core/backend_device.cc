// Memory of /dev/emucxl, the first paper's kernel module: the offset of mmap(2) names the node.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "backend.h"
#include "mappings.h"

namespace emucxl {
namespace {

class Device final : public Backend {
 public:
  explicit Device(int descriptor) : descriptor_(descriptor) {}
  ~Device() override { close(descriptor_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const char* name() const override { return "device"; }
  Capabilities can() const override { return {true, false, false, false}; }

  Failure map(const MapRequest& request, Range* out) override {
    if (!mappings_left()) return too_many_mappings();
    const size_t length = round_up(request.length, page_size());
    const off_t offset = static_cast<off_t>(request.numa_node) * 4096;
    void* p = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, offset);
    if (p == MAP_FAILED) {
      const int error = errno;
      if (error == EINVAL) {
        return fail("ERR_EMUCXL_BAD_NODE",
                    "the device refuses NUMA node " + std::to_string(request.numa_node) + " or " +
                        std::to_string(length) + " bytes on it",
                    "mmap", error);
      }
      return fail("ERR_EMUCXL_NO_MEMORY",
                  "the device has no " + std::to_string(length) + " bytes on NUMA node " +
                      std::to_string(request.numa_node) + ": free regions there",
                  "mmap", error);
    }
    *out = Range{static_cast<char*>(p), length, page_size(), false, false};
    return success();
  }

  Failure move(const Range& /*range*/, int /*from*/, int /*to*/,
               const std::atomic<bool>& /*cancelled*/, MoveResult* /*out*/) override {
    return fail("ERR_EMUCXL_UNSUPPORTED", "this device cannot migrate in place");
  }

 private:
  const int descriptor_;
};

std::string reason(const std::string& path, int error) {
  char text[128];
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return path + " is not there: the emucxl kernel module is not loaded";
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
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    *failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", reason(path, error), "open", error);
    return nullptr;
  }
  struct stat status {};
  if (fstat(descriptor, &status) != 0 || !S_ISCHR(status.st_mode)) {
    close(descriptor);
    *failure = fail("ERR_EMUCXL_BACKEND_UNAVAILABLE", path + " is not a character device");
    return nullptr;
  }
  return std::make_unique<Device>(descriptor);
}

}  // namespace emucxl
