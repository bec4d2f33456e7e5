// What a failed step tells its caller. Nothing below the binding throws: a Failure is returned,
// and becomes an EmucxlError in one place (binding/environment.cc).
#pragma once

#include <atomic>
#include <string>
#include <utility>

namespace emucxl {

struct [[nodiscard]] Failure {
  const char* code = nullptr;     // "ERR_EMUCXL_…"; null when nothing failed
  std::string message;            // names what was asked for, and the remedy
  const char* syscall = nullptr;  // the system call that failed, if one did
  int error = 0;                  // its errno

  explicit operator bool() const { return code != nullptr; }
};

// Set by another thread to stop what is under way; null where nobody can.
using Cancelled = const std::atomic<bool>*;

inline bool is_set(Cancelled cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

inline Failure success() { return {}; }

inline Failure fail(const char* code, std::string message, const char* syscall = nullptr,
                    int error = 0) {
  return {code, std::move(message), syscall, error};
}

// What to do about NUMA calls that a container forbids. Neither Docker's default seccomp profile
// nor Podman's has move_pages, whatever capabilities are added; --cap-add SYS_NICE opens mbind
// alone.
inline std::string allow_calls(const std::string& names) {
  return "in a container, start it with --security-opt seccomp=unconfined, or with a seccomp "
         "profile that allows " +
         names;
}

inline Failure aborted() { return fail("ERR_EMUCXL_ABORTED", "the operation was aborted"); }

}  // namespace emucxl
