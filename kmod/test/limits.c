// SPDX-License-Identifier: GPL-2.0
// How much there is, and for whom: capacities, users, memory cgroups, a node that is full.
#include <grp.h>

#include "test.h"

static int device;

static void capacities(void)
{
	struct emucxl_migrate m;
	uint64_t before = use_of(device, REMOTE).capacity;
	char *p, *q;

	CHECK(set_capacity(device, REMOTE, 64 * PAGE) == 0 &&
		      read_number(SYSFS "/node1/capacity") == 64 * (long)PAGE,
	      "a capacity of 64 pages; sysfs shows it");
	p = map(device, 64 * PAGE, REMOTE, 0);
	CHECK(p != MAP_FAILED, "64 of 64");
	FAILS(ENOMEM, map(device, PAGE, REMOTE, 0), "the 65th: ENOMEM");
	q = map(device, 4 * PAGE, LOCAL, 0);
	FAILS(ENOMEM, migrate(device, q, 4 * PAGE, REMOTE, &m), "migrate to it: ENOMEM");
	CHECK(m.moved == 0 && m.failed == 0 && all_on(device, q, 4 * PAGE, LOCAL), "nothing moved");
	write_text(SYSFS "/node1/capacity", "270336");
	FAILS(ENOMEM, migrate(device, q, 4 * PAGE, REMOTE, &m), "room for two, given by sysfs: ENOMEM");
	CHECK(m.moved == 2 && used_pages(device, REMOTE) == 66 && used_pages(device, LOCAL) == 2,
	      "two moved, the rest stayed");
	CHECK(set_capacity(device, REMOTE, 10 * PAGE) == 0 && p[0] == 0 &&
		      used_pages(device, REMOTE) == 66,
	      "a capacity below use keeps what is there");
	munmap(p, 64 * PAGE);
	munmap(q, 4 * PAGE);
	write_text(SYSFS "/node1/capacity", "max");
	CHECK(use_of(device, REMOTE).capacity == before, "back to all that the node has");
}

#define USER_LIMIT SYSFS "/user_limit"

static void user_limits(void)
{
	int second = open_device();
	struct emucxl_migrate m;
	char *p, *q;

	CHECK(use_of(device, LOCAL).user_limit == UINT64_MAX, "no user has a limit at first");
	write_text(USER_LIMIT, "1048576");
	CHECK(read_number(USER_LIMIT) == 1 << 20 && use_of(device, LOCAL).user_limit == 1 << 20,
	      "1 MiB for each user; sysfs shows it");
	p = map(device, 128 * PAGE, LOCAL, 0);
	q = map(second, 128 * PAGE, REMOTE, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED, "half of it by each of two files");
	FAILS(ENOMEM, map(second, PAGE, LOCAL, 0), "a page more: ENOMEM");
	CHECK(migrate(device, p, 128 * PAGE, REMOTE, &m) == 0 && m.moved == 128,
	      "what is at the limit can move");
	write_text(USER_LIMIT, "max");
	munmap(p, 128 * PAGE);
	p = map(device, 1024 * PAGE, LOCAL, 0);
	CHECK(p != MAP_FAILED && use_of(device, LOCAL).user_limit == UINT64_MAX, "no limit again");
	munmap(p, 1024 * PAGE);
	munmap(q, 128 * PAGE);
	close(second);
	CHECK(all_free(), "all free");
}

// Runs as an ordinary user who is in the device's group, or is not.
static bool as_user(bool member, bool (*body)(void))
{
	struct stat status;

	stat(DEVICE, &status);
	return IN_CHILD({
		gid_t group = status.st_gid;
		if (setgroups(member ? 1 : 0, &group) || setgid(65534) || setuid(65534))
			_exit(2);
		_exit(body() ? 0 : 1);
	});
}

static bool cannot_open(void)
{
	return open(DEVICE, O_RDWR) == -1 && errno == EACCES;
}

static bool can_use(void)
{
	int fd = open(DEVICE, O_RDWR);
	struct emucxl_migrate m;
	char *p = map(fd, 8 * PAGE, REMOTE, 0);

	return fd >= 0 && p != MAP_FAILED && migrate(fd, p, 8 * PAGE, LOCAL, &m) == 0 &&
	       m.moved == 8 && use_of(fd, LOCAL).user_used == 8 * PAGE;
}

static bool cannot_set_capacity(void)
{
	return set_capacity(open(DEVICE, O_RDWR), REMOTE, 0) == -1 && errno == EPERM &&
	       open(SYSFS "/node1/capacity", O_WRONLY) == -1 && errno == EACCES;
}

static bool cannot_see_users(void)
{
	return open(SYSFS "/users", O_RDONLY) == -1 && errno == EACCES &&
	       open(SYSFS "/files", O_RDONLY) == -1 && errno == EACCES;
}

static void users(void)
{
	struct stat status;

	stat(DEVICE, &status);
	CHECK((status.st_mode & 0777) == 0660, "the device's mode is 0660");
	CHECK(as_user(false, cannot_open), "one who is not in its group cannot open it");
	CHECK(as_user(true, can_use), "a member can use it");
	CHECK(as_user(true, cannot_set_capacity), "but not set capacities");
	CHECK(as_user(true, cannot_see_users), "nor see who uses it");
	CHECK(all_free(), "all free");
}

#define CGROUP "/sys/fs/cgroup/emucxl-test"

static void memory_cgroup(void)
{
	char pid[16];
	char *p, *q;
	long before, mapped, moved;
	struct emucxl_migrate m;

	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (!CHECK(mkdir(CGROUP, 0755) == 0, "a memory cgroup"))
		return;
	CHECK(IN_CHILD({
		      snprintf(pid, sizeof(pid), "%d", getpid());
		      write_text(CGROUP "/cgroup.procs", pid);
		      before = read_number(CGROUP "/memory.current");
		      p = map(device, 2048 * PAGE, REMOTE, 0);
		      mapped = read_number(CGROUP "/memory.current") - before;
		      CHECK(p != MAP_FAILED && mapped >= (long)(2048 * PAGE) && mapped < 10 << 20,
			    "8 MiB are charged to it");
		      // Somebody in another cgroup moves it: who mapped it goes on paying.
		      write_text("/sys/fs/cgroup/cgroup.procs", pid);
		      CHECK(migrate(device, p, 2048 * PAGE, LOCAL, &m) == 0 && m.moved == 2048,
			    "moved from outside");
		      moved = read_number(CGROUP "/memory.current") - before;
		      CHECK(labs(moved - mapped) < 2 << 20, "and still charged to it");
		      write_text(CGROUP "/cgroup.procs", pid);
		      write_text(CGROUP "/memory.max", "16M");
		      q = map(device, 4096 * PAGE, REMOTE, 0);
		      CHECK(q == MAP_FAILED && errno == ENOMEM,
			    "beyond memory.max: ENOMEM, and nobody is killed");
		      munmap(p, 2048 * PAGE);
		      CHECK(read_number(CGROUP "/memory.current") - before < 2 << 20, "uncharged");
		      _exit(test_failures);
	      }),
	      "in a memory cgroup");
	CHECK(all_free() && rmdir(CGROUP) == 0, "all free");
}

static void full_node(void)
{
	uint64_t all = use_of(device, REMOTE).capacity;
	double began = now();
	struct emucxl_migrate m;
	size_t most = 0;
	char *p, *q;

	FAILS(ENOMEM, map(device, all + PAGE, REMOTE, 0), "more than the node has: ENOMEM");
	CHECK(now() - began < 5, "at once");
	// The kernel keeps some of the node for itself: what it has is not all to be had.
	p = map(device, all, REMOTE, 0);
	CHECK(p == MAP_FAILED && errno == ENOMEM, "all that it has: ENOMEM, and nobody is killed");
	CHECK(all_free(), "all that was taken for it is free again");
	p = map(device, 64 * PAGE, REMOTE, 0);
	CHECK(p != MAP_FAILED && really_on(p, 64 * PAGE, REMOTE), "and there is memory there");
	munmap(p, 64 * PAGE);

	// As much of it as there is to be had, then a migration for which there is no room.
	for (size_t bytes = all / 2; bytes >= 1 << 20; bytes /= 2) {
		while (map(device, bytes, REMOTE, 0) != MAP_FAILED)
			most += bytes;
	}
	q = map(device, 4 << 20, LOCAL, 0);
	memset(q, 9, 4 << 20);
	FAILS(ENOMEM, migrate(device, q, 4 << 20, REMOTE, &m), "migrate to a full node: ENOMEM");
	CHECK(most > all / 2 && m.failed == 0 && used_pages(device, LOCAL) == 1024 - m.moved,
	      "what moved before that (%d pages) is counted", (int)m.moved);
	for (size_t i = 0; i < 4 << 20; i += PAGE)
		if (q[i] != 9)
			m.failed++;
	CHECK(m.failed == 0, "and all has its contents");
}

int main(void)
{
	device = open_device();
	capacities();
	users();
	user_limits();
	memory_cgroup();
	CHECK(IN_CHILD({
		      full_node();
		      _exit(test_failures);
	      }),
	      "a node that is full");
	CHECK(all_free(), "nothing is left");
	return test_end();
}
