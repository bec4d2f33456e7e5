// SPDX-License-Identifier: GPL-2.0
// What becomes of the pages of a mapping: migration, huge pages, NUMA balancing, damage.
#include <limits.h>
#include <pthread.h>

#include "test.h"

static int device;

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

#define BALANCING "/proc/sys/kernel/numa_balancing"
#define BALANCING_SETTINGS "/sys/kernel/debug/sched/numa_balancing/"

static void *sleeping(void *nothing)
{
	pause();
	return nothing;
}

// How many page table entries NUMA balancing takes away while a child uses memory, for so many seconds
// or until there are `enough`. It spares the local pages of those that have one thread.
static long hint_faults(char *p, size_t pages, double seconds, long enough)
{
	long before = read_field("/proc/vmstat", "numa_pte_updates");

	IN_CHILD({
		double end = now() + seconds;
		pthread_t thread;

		pthread_create(&thread, NULL, sleeping, NULL);
		while (now() < end && read_field("/proc/vmstat", "numa_pte_updates") - before < enough)
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
	double began = now(), seconds;
	long ours, others;

	write_text(BALANCING, "1");
	write_text(BALANCING_SETTINGS "scan_delay_ms", "50");
	write_text(BALANCING_SETTINGS "scan_period_min_ms", "50");
	others = hint_faults(q, pages, 60, pages);
	seconds = now() - began;
	ours = hint_faults(p, pages, seconds < 3 ? 3 : seconds, LONG_MAX);
	write_text(BALANCING, "0");
	printf("# NUMA balancing: %ld entries of ours, %ld of others\n", ours, others);
	CHECK(others >= (long)pages, "NUMA balancing samples ordinary memory");
	CHECK(ours < (long)pages / 8, "but not ours, which it could not move");
	munmap(p, bytes);
	munmap(q, bytes);
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
	char *p, *q, *more[16];
	bool again = false;
	uint64_t lost;

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
	if (!CHECK(q != MAP_FAILED && q[100 * PAGE] == 0, "a huge page"))
		return;
	lost = physical(q);
	damage(q + 100 * PAGE);
	madvise(q, HUGE_PAGE, MADV_DONTNEED);
	CHECK(gives_sigbus(q + 100 * PAGE), "damaged in one place: SIGBUS");
	CHECK(migrate(device, q, HUGE_PAGE, REMOTE, &m) == 0 && m.moved == 0 && m.failed == 512,
	      "and not moved");
	munmap(q, HUGE_PAGE);
	// The kernel gives out next what was freed last.
	for (int i = 0; i < 16; i++) {
		more[i] = map(device, HUGE_PAGE, LOCAL, EMUCXL_OFFSET_HUGE);
		again = again || (more[i] != MAP_FAILED && !more[i][0] && physical(more[i]) == lost);
	}
	CHECK(lost && !again, "nobody is given it again");
	for (int i = 0; i < 16; i++)
		munmap(more[i], HUGE_PAGE);
	CHECK(all_free(), "all free");
}

int main(void)
{
	device = open_device();
	migrating();
	interrupted();
	huge_pages();
	balancing();
	damaged_memory();
	CHECK(all_free(), "nothing is left");
	return test_end();
}
