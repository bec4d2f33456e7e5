// A test's body in a child process, for what would spoil the process that all tests share: limits
// that cannot be raised again, privileges given up, mappings used up.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace emucxl {

// Where it does not hold, the child ends and says so. Nothing is allocated: there may be nothing
// left.
#define EXPECT_IN_CHILD(condition) \
  expect_in_child(static_cast<bool>(condition), __FILE__ ": " #condition)

inline void expect_in_child(bool holds, const char* what) {
  if (!holds) _exit(write(STDOUT_FILENO, what, strlen(what)) < 0 ? 2 : 1);
}

// Runs `body` in a child. Empty when it came to its end; else what it expected, or its signal.
template <typename Body>
std::string in_child(Body body) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    body();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char text[512];
  for (;;) {
    const ssize_t n = read(ends[0], text, sizeof text);
    if (n <= 0) break;
    said.append(text, static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return "fork or waitpid";
  if (WIFSIGNALED(status)) return said + " signal " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) != 0) return said + " exit " + std::to_string(WEXITSTATUS(status));
  return {};
}

template <typename Body>
void check_in_child(Body body) {
  const std::string said = in_child(body);
  CHECK(said == "");
}

}  // namespace emucxl
