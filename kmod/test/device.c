// SPDX-License-Identifier: GPL-2.0
// What /dev/emucxl promises, call by call: place, life, limits, errors.
//   device [hold]
#include <grp.h>
#include <pthread.h>

#include "test.h"

static int device;

static void placement(void)
{
	for (int node = LOCAL; node <= REMOTE; node++) {
		char *p = map(device, 16 * PAGE, node, 0);

		CHECK(p != MAP_FAILED && all_on(device, p, 16 * PAGE, node), "16 pages on node %d",
		      node);
		CHECK(really_on(p, 16 * PAGE, node), "the kernel says so, too");
		munmap(p, 16 * PAGE);
	}
}

static bool zeroed(const char *p, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (p[i])
			return false;
	return true;
}

// Pages that were just full of bytes and freed are what the next mapping is likely to get.
static void zeroing(void)
{
	bool ok = true;

	for (int round = 0; round < 8; round++) {
		char *p = map(device, 256 * PAGE, round % 2, 0);

		ok = ok && p != MAP_FAILED && zeroed(p, 256 * PAGE);
		memset(p, 0xa5, 256 * PAGE);
		munmap(p, 256 * PAGE);
	}
	CHECK(ok, "fresh memory is zeroed, whatever was in it");
}

static void counting(void)
{
	char *p = map(device, 16 * PAGE, REMOTE, 0), *q;
	struct emucxl_use use = use_of(device, REMOTE);
	int second;

	CHECK(use.used == 16 * PAGE && use.user_used == 16 * PAGE && use.file_used == 16 * PAGE,
	      "counted for the node, the user and the file");
	second = open_device();
	q = map(second, PAGE, REMOTE, 0);
	CHECK(use_of(second, REMOTE).file_used == PAGE && use_of(device, REMOTE).file_used == 16 * PAGE,
	      "each file counts its own");
	CHECK(use_of(second, REMOTE).user_used == 17 * PAGE, "the user counts both");
	munmap(q, PAGE);
	close(second);
	munmap(p + 4 * PAGE, PAGE);
	CHECK(used_pages(device, REMOTE) == 15, "a hole is freed at once");
	munmap(p, 4 * PAGE);
	CHECK(used_pages(device, REMOTE) == 11, "the beginning, too");
	q = mremap(p + 5 * PAGE, 11 * PAGE, 5 * PAGE, 0);
	CHECK(q == p + 5 * PAGE && used_pages(device, REMOTE) == 5, "and what mremap cuts off");
	munmap(q, 5 * PAGE);
	CHECK(used_pages(device, REMOTE) == 0, "all free");
	CHECK(read_number(SYSFS "/pages") == 0 && read_number(SYSFS "/objects") == 0,
	      "sysfs counts no page and no object");
}

static void moving(void)
{
	char *p = map(device, 4 * PAGE, REMOTE, 0), *target, *q;

	strcpy(p, "moved");
	FAILS(EFAULT, mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), "mremap does not grow it");
	errno = 0;
	CHECK(mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED, "nor duplicate it");
	CHECK(mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED,
	      "nor leave its place mapped");
	target = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	CHECK(q == target && !strcmp(q, "moved") && used_pages(device, REMOTE) == 4,
	      "it moves, with its contents");
	munmap(q, 4 * PAGE);
	CHECK(used_pages(device, REMOTE) == 0, "and is freed there");
}

static void sharing(void)
{
	char *p = map(device, 5 * PAGE, REMOTE, 0);
	struct emucxl_migrate moved;

	CHECK(IN_CHILD({
		      p[0] = 7;
		      munmap(p, 2 * PAGE);
		      if (migrate(device, p + 2 * PAGE, 3 * PAGE, LOCAL, &moved) || moved.moved != 3)
			      _exit(1);
	      }),
	      "a child unmaps two pages and moves three");
	CHECK(p[0] == 7, "its parent sees what it wrote");
	CHECK(used_pages(device, REMOTE) == 2 && used_pages(device, LOCAL) == 3,
	      "and keeps what the child unmapped");
	munmap(p, 5 * PAGE);
	CHECK(all_free(), "all free");

	int second = open_device();

	p = map(second, 8 * PAGE, REMOTE, 0);
	close(second);
	p[7 * PAGE] = 1;
	CHECK(used_pages(device, REMOTE) == 8, "memory outlives the close of its file");
	munmap(p, 8 * PAGE);
	CHECK(all_free(), "and is freed when it is unmapped");
	CHECK(IN_CHILD({
		      map(device, 64 * PAGE, LOCAL, 0);
		      map(open_device(), 64 * PAGE, REMOTE, 0);
	      }) && all_free(),
	      "the end of a process frees all it had");
}

static void access_rights(void)
{
	int readonly = open(DEVICE, O_RDONLY), writeonly = open(DEVICE, O_WRONLY);
	char *p = map(device, 2 * PAGE, LOCAL, 0);

	FAILS(EPERM, mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, device, 0),
	      "PROT_EXEC: EPERM");
	FAILS(EACCES, mprotect(p, PAGE, PROT_READ | PROT_EXEC), "mprotect to PROT_EXEC: EACCES");
	FAILS(EINVAL, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, device, 0),
	      "MAP_PRIVATE: EINVAL");
	FAILS(EACCES, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, readonly, 0),
	      "a descriptor for reading: EACCES");
	FAILS(EACCES, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, writeonly, 0),
	      "a descriptor for writing: EACCES");
	FAILS(EINVAL, madvise(p, PAGE, MADV_DODUMP), "MADV_DODUMP: EINVAL");
	FAILS(ENODEV, madvise(p, PAGE, MADV_REMOVE), "MADV_REMOVE: ENODEV");
	p[0] = 5;
	CHECK(madvise(p, 2 * PAGE, MADV_DONTNEED) == 0 && p[0] == 5,
	      "MADV_DONTNEED keeps the contents");
	CHECK(mlock(p, 2 * PAGE) == 0, "mlock");
	CHECK(msync(p, 2 * PAGE, MS_SYNC) == 0, "msync");
	CHECK(mprotect(p, PAGE, PROT_READ) == 0 && mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0 &&
		      p[0] == 5,
	      "mprotect to read-only and back");
	munmap(p, 2 * PAGE);
	close(readonly);
	close(writeonly);
}

// The flags of the mapping that begins at `at`, as /proc has them; "" if there is none.
static void vm_flags(const void *at, char *flags, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];
	bool here = false;
	unsigned long begin;

	flags[0] = 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-", &begin) == 1 && strchr(line, '-'))
			here = begin == (unsigned long)at;
		if (here && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, size, "%s", line + 8);
	}
	fclose(file);
}

static void core_dumps(void)
{
	char flags[512];
	char *p = map(device, PAGE, LOCAL, 0), *q = map(device, PAGE, LOCAL, EMUCXL_OFFSET_DUMP);

	vm_flags(p, flags, sizeof(flags));
	CHECK(strstr(flags, " dd"), "not in core dumps");
	vm_flags(q, flags, sizeof(flags));
	CHECK(flags[0] && !strstr(flags, " dd"), "unless asked for");
	munmap(p, PAGE);
	munmap(q, PAGE);
}

static void neighbours(void)
{
	char *room = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = map_at(device, room, PAGE, LOCAL, 0, MAP_FIXED);
	char *q = map_at(device, room + PAGE, PAGE, REMOTE, 0, MAP_FIXED);

	CHECK(p == room && q == room + PAGE && really_on(p, PAGE, LOCAL) && really_on(q, PAGE, REMOTE),
	      "neighbours with contiguous offsets stay on their own nodes");
	p[0] = 1;
	CHECK(q[0] == 0, "and apart");
	munmap(room, 2 * PAGE);
	p = map(device, PAGE, LOCAL, 0);
	q = map(device, PAGE, LOCAL, 0);
	p[0] = 1;
	CHECK(q[0] == 0, "equal offsets are not the same memory");
	munmap(p, PAGE);
	munmap(q, PAGE);
}

static void bad_offsets(void)
{
	FAILS(EINVAL, map(device, PAGE, 99, 0), "node 99: EINVAL");
	FAILS(EINVAL, map(device, PAGE, 0xffff, 0), "node 65535: EINVAL");
	FAILS(EINVAL, map(device, PAGE, 2, 0), "node 2, which may come but has no memory: EINVAL");
	FAILS(EINVAL, map(device, PAGE, LOCAL, 0x40000), "an unknown flag: EINVAL");
	FAILS(EOVERFLOW, map(device, PAGE, -1, 0), "offset -4096: EOVERFLOW");
	FAILS(EINVAL, map(device, 0, LOCAL, 0), "length 0: EINVAL");
	FAILS(ENOMEM, map(device, 1UL << 46, LOCAL, 0), "64 TiB: ENOMEM");
	CHECK(all_free(), "nothing is left of them");
}

static void counters(void)
{
	char *p = map(device, 16 * PAGE, REMOTE, 0);
	uint64_t counts[200];
	struct emucxl_where where = {
		.addr = (uintptr_t)p, .length = 16 * PAGE, .counts = (uintptr_t)counts, .nodes = 200
	};
	bool zeros = true;

	memset(counts, 0xff, sizeof(counts));
	CHECK(ioctl(device, EMUCXL_WHERE, &where) == 0 && counts[REMOTE] == 16, "where: 16 pages");
	for (int i = 0; i < 200; i++)
		zeros = zeros && (i == REMOTE || counts[i] == 0);
	CHECK(zeros, "and 0 for every other node, whatever was in the array");
	where.nodes = 1;
	counts[REMOTE] = 77;
	CHECK(ioctl(device, EMUCXL_WHERE, &where) == 0 && counts[LOCAL] == 0 && counts[REMOTE] == 77,
	      "nothing is written beyond the array");
	where.nodes = 70000;
	FAILS(EINVAL, ioctl(device, EMUCXL_WHERE, &where), "more counters than can be: EINVAL");
	munmap(p, 16 * PAGE);
}

// A system call as a 32-bit program makes it.
static long ioctl_32(int fd, unsigned int command, void *argument)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(54L), "b"((long)fd), "c"((long)command), "d"(argument)
		     : "memory", "r8", "r9", "r10", "r11");
	if (result >= 0)
		return result;
	errno = -(int)result;
	return -1;
}

static void programs_of_32_bits(void)
{
	int *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct emucxl_use *use = (void *)low;

	low[0] = 7;
	if (!IN_CHILD(ioctl_32(device, _IO('e', 2), NULL))) { // a fault
		printf("# this kernel has no system calls of 32 bits\n");
		return;
	}
	CHECK(ioctl_32(device, _IOW('e', 1, uint32_t), low) == 0 && low[0] == 0,
	      "32 bits: init writes a 0");
	CHECK(ioctl_32(device, _IO('e', 2), NULL) == 0 &&
		      ioctl_32(device, _IOR('e', 3, uint32_t), NULL) == 0 &&
		      ioctl_32(device, _IO('e', 4), NULL) == 0,
	      "32 bits: exit, alloc, free");
	*use = (struct emucxl_use){ .node = REMOTE };
	CHECK(ioctl_32(device, EMUCXL_USE, use) == 0 && use->capacity > 0, "32 bits: a new call");
	munmap(low, PAGE);
}

static void bad_calls(void)
{
	void *nowhere = (void *)16;
	char *p = map(device, 4 * PAGE, LOCAL, 0);
	struct emucxl_migrate m;
	struct emucxl_where where = {
		.addr = (uintptr_t)p, .length = PAGE, .counts = 16, .nodes = 2
	};
	struct emucxl_use use = { .node = 99 };
	struct emucxl_version version = { .major = EMUCXL_ABI_MAJOR, .minor = EMUCXL_ABI_MINOR };

	CHECK(ioctl(device, EMUCXL_VERSION, &version) == 0 && version.page_size == PAGE &&
		      version.nodes >= 2 && version.features == EMUCXL_FEATURE_HUGE,
	      "the handshake");
	version = (struct emucxl_version){ .major = EMUCXL_ABI_MAJOR + 1 };
	FAILS(EPROTO, ioctl(device, EMUCXL_VERSION, &version), "a newer caller: EPROTO");
	CHECK(version.major == EMUCXL_ABI_MAJOR, "and learns the module's version");
	version = (struct emucxl_version){ .major = EMUCXL_ABI_MAJOR, .minor = 999 };
	FAILS(EPROTO, ioctl(device, EMUCXL_VERSION, &version), "a newer minor version: EPROTO");

	FAILS(ENOTTY, ioctl(device, _IO('e', 99)), "an unknown call: ENOTTY");
	FAILS(ENOTTY, ioctl(device, _IO('x', 2)), "one of another device: ENOTTY");
	FAILS(EFAULT, ioctl(device, EMUCXL_INIT, nowhere), "init with a bad pointer: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_VERSION, nowhere), "version with a bad pointer: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_USE, nowhere), "use with a bad pointer: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_SET_CAPACITY, nowhere), "capacity with one: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_MIGRATE, nowhere), "migrate with one: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_WHERE, nowhere), "where with one: EFAULT");
	FAILS(EFAULT, ioctl(device, EMUCXL_WHERE, &where), "where with bad counters: EFAULT");
	where.nodes = 0;
	FAILS(EINVAL, ioctl(device, EMUCXL_WHERE, &where), "where without counters: EINVAL");
	FAILS(EINVAL, ioctl(device, EMUCXL_USE, &use), "use of node 99: EINVAL");
	use = (struct emucxl_use){ .flags = 1 };
	FAILS(EINVAL, ioctl(device, EMUCXL_USE, &use), "use with flags: EINVAL");
	FAILS(EINVAL, set_capacity(device, 99, 0), "capacity of node 99: EINVAL");

	FAILS(EINVAL, migrate(device, p + 1, PAGE, REMOTE, &m), "migrate from no page: EINVAL");
	FAILS(EINVAL, migrate(device, p, 1, REMOTE, &m), "migrate one byte: EINVAL");
	FAILS(EINVAL, migrate(device, p, 0, REMOTE, &m), "migrate nothing: EINVAL");
	FAILS(EINVAL, migrate(device, p, -PAGE, REMOTE, &m), "migrate around the end: EINVAL");
	FAILS(EINVAL, migrate(device, p, PAGE, 99, &m), "migrate to node 99: EINVAL");
	FAILS(EINVAL, migrate(device, p, PAGE, -1, &m), "migrate to node -1: EINVAL");
	FAILS(EFAULT, migrate(device, (void *)((uintptr_t)&use & -PAGE), PAGE, REMOTE, &m),
	      "migrate other memory: EFAULT");
	FAILS(EFAULT, migrate(device, (void *)PAGE, PAGE, REMOTE, &m),
	      "migrate what is not mapped: EFAULT");
	munmap(p + 2 * PAGE, 2 * PAGE);
	FAILS(EFAULT, migrate(device, p, 4 * PAGE, REMOTE, &m), "migrate beyond the end: EFAULT");
	CHECK(m.moved == 2 && all_on(device, p, 2 * PAGE, REMOTE), "after what is there was moved");
	m = (struct emucxl_migrate){ .addr = (uintptr_t)p, .length = PAGE, .node = LOCAL, .flags = 1 };
	FAILS(EINVAL, ioctl(device, EMUCXL_MIGRATE, &m), "migrate with flags: EINVAL");
	munmap(p, 2 * PAGE);
}

static void migrating(void)
{
	char *p = map(device, 100 * PAGE, LOCAL, 0), *q;
	struct emucxl_migrate m;
	bool same = true;

	for (int i = 0; i < 100; i++)
		p[i * PAGE + i] = i;
	CHECK(migrate(device, p, 100 * PAGE, REMOTE, &m) == 0 && m.moved == 100 && m.failed == 0,
	      "100 pages move");
	CHECK(really_on(p, 100 * PAGE, REMOTE), "are there");
	for (int i = 0; i < 100; i++)
		same = same && p[i * PAGE + i] == i;
	CHECK(same, "and have their contents");
	CHECK(used_pages(device, REMOTE) == 100 && used_pages(device, LOCAL) == 0, "and are counted");
	CHECK(migrate(device, p, 100 * PAGE, REMOTE, &m) == 0 && m.moved == 0 && m.failed == 0,
	      "once more: nothing is left to move");
	CHECK(migrate(device, p + 10 * PAGE, 5 * PAGE, LOCAL, &m) == 0 && m.moved == 5 &&
		      all_on(device, p + 10 * PAGE, 5 * PAGE, LOCAL) &&
		      all_on(device, p, 10 * PAGE, REMOTE),
	      "a part moves by itself");
	munmap(p, 100 * PAGE);

	p = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map_at(device, p, 4 * PAGE, LOCAL, 0, MAP_FIXED);
	q = map_at(device, p + 4 * PAGE, 4 * PAGE, LOCAL, 0, MAP_FIXED);
	CHECK(migrate(device, p, 8 * PAGE, REMOTE, &m) == 0 && m.moved == 8 &&
		      all_on(device, q, 4 * PAGE, REMOTE),
	      "a range over two mappings moves");
	munmap(p, 8 * PAGE);
}

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

static void on_alarm(int signal)
{
	(void)signal;
}

static void interrupted(void)
{
	const size_t pages = 32768;
	struct sigaction action = { .sa_handler = on_alarm };
	char *p = map(device, pages * PAGE, LOCAL, 0);
	struct emucxl_migrate m;
	int node = REMOTE;
	bool seen = false;

	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 50 && !seen; i++, node = !node) {
		ualarm(3000 + 500 * i, 0);
		seen = migrate(device, p, pages * PAGE, node, &m) == -1 && errno == EINTR &&
		       m.moved > 0 && m.moved < pages;
		ualarm(0, 0);
	}
	node = !node;
	CHECK(seen && m.failed == 0, "a signal interrupts a migration (EINTR)");
	CHECK(used_pages(device, node) == m.moved && all_on(device, p, m.moved * PAGE, node) &&
		      all_on(device, p + m.moved * PAGE, (pages - m.moved) * PAGE, !node),
	      "what was moved by then is counted, the rest is where it was");
	munmap(p, pages * PAGE);
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

static uint64_t physical(const void *address)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;

	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)address / PAGE * 8) != sizeof(entry))
		entry = 0;
	close(pagemap);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static bool gives_sigbus(volatile char *p)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(*p);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

// The kernel is told that the memory behind an address is damaged, as a real machine would tell it.
static void damage(char *p)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", (unsigned long)physical(p));
	madvise((void *)((uintptr_t)p & -PAGE), PAGE, MADV_DONTNEED);
	// It says that it could not take the page away from us: the mark is what counts.
	int fd = open("/sys/devices/system/memory/hard_offline_page", O_WRONLY);

	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

static void damaged_memory(void)
{
	struct emucxl_migrate m;
	char *p, *q;

	if (access("/sys/devices/system/memory/hard_offline_page", W_OK)) {
		printf("# this kernel does not handle damaged memory\n");
		return;
	}
	p = map(device, 8 * PAGE, LOCAL, 0);
	memset(p, 5, 8 * PAGE);
	migrate(device, p, 8 * PAGE, REMOTE, &m);
	CHECK(p[3 * PAGE] == 5, "moved, and only read since: the core takes it for a clean page");
	damage(p + 3 * PAGE);
	CHECK(gives_sigbus(p + 3 * PAGE) && gives_sigbus(p + 3 * PAGE), "damaged memory: SIGBUS");
	CHECK(p[2 * PAGE] == 5 && p[4 * PAGE] == 5, "its neighbours are there");
	CHECK(migrate(device, p, 8 * PAGE, LOCAL, &m) == 0 && m.moved == 7 && m.failed == 1,
	      "it is not moved, they are");
	munmap(p, 8 * PAGE);
	CHECK(all_free(), "all free");

	q = map(device, HUGE_PAGE, LOCAL, EMUCXL_OFFSET_HUGE);
	if (q == MAP_FAILED)
		return;
	CHECK(q[100 * PAGE] == 0, "a huge page");
	damage(q + 100 * PAGE);
	madvise(q, HUGE_PAGE, MADV_DONTNEED);
	CHECK(gives_sigbus(q + 100 * PAGE), "damaged in one place: SIGBUS");
	CHECK(migrate(device, q, HUGE_PAGE, REMOTE, &m) == 0 && m.moved == 0 && m.failed == 512,
	      "and not moved");
	munmap(q, HUGE_PAGE);
	CHECK(all_free(), "all free");
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

static void huge_pages(void)
{
	struct emucxl_migrate m;
	char *p = map(device, 2 * HUGE_PAGE, REMOTE, EMUCXL_OFFSET_HUGE);

	if (!CHECK(p != MAP_FAILED && (uintptr_t)p % HUGE_PAGE == 0, "two huge pages, aligned"))
		return;
	CHECK(zeroed(p, 2 * HUGE_PAGE), "zeroed");
	memset(p, 7, 2 * HUGE_PAGE);
	CHECK(read_field("/proc/self/smaps_rollup", "FilePmdMapped") >= 4096, "mapped as such");
	CHECK(really_on(p, 2 * HUGE_PAGE, REMOTE), "on their node");
	munmap(p + PAGE, PAGE);
	CHECK(used_pages(device, REMOTE) == 1024 && p[0] == 7 && p[2 * PAGE] == 7,
	      "a hole in one leaves it whole");
	CHECK(migrate(device, p + 2 * PAGE, PAGE, LOCAL, &m) == 0 && m.moved == 512 &&
		      p[2 * PAGE] == 7 && really_on(p + 2 * PAGE, 16 * PAGE, LOCAL),
	      "it moves as a whole");
	munmap(p, HUGE_PAGE);
	CHECK(used_pages(device, LOCAL) == 0 && used_pages(device, REMOTE) == 512,
	      "and is freed when none of it is mapped");
	munmap(p + HUGE_PAGE, HUGE_PAGE);
	CHECK(all_free(), "all free");
	FAILS(EINVAL, map(device, HUGE_PAGE + PAGE, REMOTE, EMUCXL_OFFSET_HUGE),
	      "a size that is no multiple: EINVAL");
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

#define BALANCING "/proc/sys/kernel/numa_balancing"
#define BALANCING_SETTINGS "/sys/kernel/debug/sched/numa_balancing/"

static void *sleeping(void *nothing)
{
	pause();
	return nothing;
}

// How many page table entries NUMA balancing takes away while a child uses memory for a while. It
// spares the local pages of those that have one thread.
static long hint_faults(char *p, size_t pages)
{
	long before = read_field("/proc/vmstat", "numa_pte_updates");

	IN_CHILD({
		double end = now() + 3;
		pthread_t thread;

		pthread_create(&thread, NULL, sleeping, NULL);
		while (now() < end)
			for (size_t i = 0; i < pages; i++)
				p[i * PAGE]++;
	});
	return read_field("/proc/vmstat", "numa_pte_updates") - before;
}

static void balancing(void)
{
	const size_t pages = 16384, bytes = pages * PAGE;
	char *p = map(device, bytes, REMOTE, 0);
	char *q = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long ours, others;

	write_text(BALANCING, "1");
	write_text(BALANCING_SETTINGS "scan_delay_ms", "50");
	write_text(BALANCING_SETTINGS "scan_period_min_ms", "50");
	ours = hint_faults(p, pages);
	others = hint_faults(q, pages);
	write_text(BALANCING, "0");
	printf("# NUMA balancing: %ld entries of ours, %ld of others\n", ours, others);
	CHECK(others >= (long)pages / 2, "NUMA balancing samples ordinary memory");
	CHECK(ours < (long)pages / 8, "but not ours, which it could not move");
	munmap(p, bytes);
	munmap(q, bytes);
}

// Holds a mapping, its file closed, until it is killed: for load.sh.
static void hold(void)
{
	map(device, PAGE, REMOTE, 0);
	close(device);
	pause();
}

int main(int argc, char **argv)
{
	device = open_device();
	if (argc > 1 && !strcmp(argv[1], "hold"))
		hold();
	placement();
	zeroing();
	counting();
	moving();
	sharing();
	access_rights();
	core_dumps();
	neighbours();
	bad_offsets();
	bad_calls();
	counters();
	programs_of_32_bits();
	migrating();
	interrupted();
	capacities();
	huge_pages();
	users();
	user_limits();
	memory_cgroup();
	balancing();
	damaged_memory();
	CHECK(IN_CHILD({
		      full_node();
		      _exit(test_failures);
	      }),
	      "a node that is full");
	CHECK(all_free(), "nothing is left");
	return test_end();
}
