// SPDX-License-Identifier: GPL-2.0
// What the module's test programs share: results as TAP lines, and the device's calls.
#ifndef EMUCXL_TEST_H
#define EMUCXL_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../emucxl.h"

#define DEVICE "/dev/emucxl"
#define SYSFS "/sys/class/misc/emucxl"
#define PAGE 4096UL
#define HUGE_PAGE (512 * PAGE)
#define LOCAL 0
#define REMOTE 1

static int test_failures;

// With EMUCXL_STOP in the environment, the first failure ends the program.
static inline void test_result(bool ok, const char *file, int line, const char *format, ...)
{
	int error = errno;
	va_list args;

	test_failures += !ok;
	printf("%sok - ", ok ? "" : "not ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	if (!ok)
		printf("# %s:%d: errno %d: %s\n", file, line, error, strerror(error));
	fflush(stdout);
	if (!ok && getenv("EMUCXL_STOP"))
		exit(1);
}

// A test: `condition` is to hold. Returns whether it did.
#define CHECK(condition, ...)                                                                      \
	({                                                                                         \
		bool check_ok = (condition);                                                       \
		test_result(check_ok, __FILE__, __LINE__, __VA_ARGS__);                            \
		check_ok;                                                                          \
	})

// A test: `call` is to fail with an errno.
#define FAILS(expected, call, ...)                                                                 \
	({                                                                                         \
		errno = 0;                                                                         \
		long fails_result = (long)(call);                                                  \
		CHECK(fails_result == -1 && errno == (expected), __VA_ARGS__);                     \
	})

// The program's exit code. Its last line tells that it came to its end.
static inline int test_end(void)
{
	printf("# %d failed\n", test_failures);
	return test_failures != 0;
}

static inline int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		printf("Bail out! %s: %s\n", DEVICE, strerror(errno));
		exit(1);
	}
	return fd;
}

static inline void *map_at(int fd, void *at, size_t length, int node, unsigned long flags, int how)
{
	return mmap(at, length, PROT_READ | PROT_WRITE, MAP_SHARED | how, fd,
		    (off_t)((node | flags) * PAGE));
}

static inline char *map(int fd, size_t length, int node, unsigned long flags)
{
	return map_at(fd, NULL, length, node, flags, 0);
}

static inline struct emucxl_use use_of(int fd, int node)
{
	struct emucxl_use use = { .node = node };

	if (ioctl(fd, EMUCXL_USE, &use))
		memset(&use, 0xff, sizeof(use));
	return use;
}

static inline unsigned long used_pages(int fd, int node)
{
	return use_of(fd, node).used / PAGE;
}

static inline int set_capacity(int fd, int node, uint64_t bytes)
{
	struct emucxl_capacity capacity = { .node = node, .capacity = bytes };

	return ioctl(fd, EMUCXL_SET_CAPACITY, &capacity);
}

static inline int migrate(int fd, void *at, size_t length, int node, struct emucxl_migrate *out)
{
	*out = (struct emucxl_migrate){ .addr = (uintptr_t)at, .length = length, .node = node };
	return ioctl(fd, EMUCXL_MIGRATE, out);
}

// Whether every page of a range is on a node, by the module's word.
static inline bool all_on(int fd, void *at, size_t length, int node)
{
	uint64_t counts[8] = { 0 };
	struct emucxl_where where = {
		.addr = (uintptr_t)at,
		.length = length,
		.counts = (uintptr_t)counts,
		.nodes = 8,
	};

	return ioctl(fd, EMUCXL_WHERE, &where) == 0 && counts[node] == length / PAGE;
}

// The same by the kernel's word, for which the pages have to be touched.
static inline bool really_on(void *at, size_t length, int node)
{
	size_t count = length / PAGE, i;
	void **pages = calloc(count, sizeof(*pages));
	int *nodes = calloc(count, sizeof(*nodes));
	bool ok;

	for (i = 0; i < count; i++) {
		pages[i] = (char *)at + i * PAGE;
		(void)*(volatile char *)pages[i];
	}
	ok = syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) == 0;
	for (i = 0; i < count; i++)
		ok = ok && nodes[i] == node;
	free(pages);
	free(nodes);
	return ok;
}

static inline bool zeroed(const char *p, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p[i])
			return false;
	return true;
}

static inline long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long number = -1;

	if (file) {
		if (fscanf(file, "%ld", &number) != 1)
			number = -1;
		fclose(file);
	}
	return number;
}

// The value after "NAME" or "NAME:" in a file of such lines, or -1.
static inline long read_field(const char *path, const char *name)
{
	FILE *file = fopen(path, "r");
	size_t length = strlen(name);
	char line[256];
	long number = -1;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && strchr(": \t", line[length]))
			number = atol(line + length + 1);
	if (file)
		fclose(file);
	return number;
}

static inline void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path);
	if (fd >= 0)
		close(fd);
}

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

// Runs `body` in a child; returns whether it exited with 0.
#define IN_CHILD(body)                                                                             \
	({                                                                                         \
		int child_status;                                                                  \
		fflush(stdout);                                                                    \
		pid_t child = fork();                                                              \
		if (child == 0) {                                                                  \
			body;                                                                      \
			_exit(0);                                                                  \
		}                                                                                  \
		waitpid(child, &child_status, 0);                                                  \
		child_status == 0;                                                                 \
	})

// Waits for what processes that have ended still hold: the kernel lets go of it a little later.
static inline bool all_free(void)
{
	for (int i = 0; i < 500; i++) {
		if (read_number(SYSFS "/objects") == 0 && read_number(SYSFS "/pages") == 0 &&
		    read_number(SYSFS "/node0/used") == 0 && read_number(SYSFS "/node1/used") == 0)
			return true;
		usleep(10000);
	}
	return false;
}

#endif
