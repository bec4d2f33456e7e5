// SPDX-License-Identifier: GPL-2.0
// What /dev/emucxl promises, call by call: place, life, errors.
//   device [hold]

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
	use = use_of(device, REMOTE);
	CHECK(use.used == 0 && use.user_used == 0 && use.file_used == 0, "all free");
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
	CHECK(all_free(), "nothing is left");
	return test_end();
}
