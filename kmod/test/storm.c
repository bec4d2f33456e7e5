// SPDX-License-Identifier: GPL-2.0
// Processes that map, unmap, move, fork, migrate and are killed at random, with a check of all that
// they wrote, and of the module's counters at the end.
//   storm SECONDS [KILLS]
#include <sys/prctl.h>

#include "test.h"

#define SLOTS 16
#define MOST_PAGES 600
#define FAMILIES 2

// A mapping whose every page begins with a word that says which page of which mapping it is.
struct slot {
	char *start;
	size_t pages;
	uint64_t mark;
};

static int device;
static unsigned int state;
static struct slot slots[SLOTS];

static unsigned int below(unsigned int n)
{
	state = state * 1664525 + 1013904223;
	return (unsigned int)(((uint64_t)state * n) >> 32);
}

static uint64_t *word(const struct slot *slot, size_t page)
{
	return (uint64_t *)(slot->start + page * PAGE);
}

static void check(const struct slot *slot)
{
	for (size_t i = 0; i < slot->pages; i++)
		if (*word(slot, i) != slot->mark + i) {
			printf("# page %zu of %zu: %lx instead of %lx\n", i, slot->pages,
			       (unsigned long)*word(slot, i), (unsigned long)(slot->mark + i));
			fflush(stdout);
			_exit(2);
		}
}

static void make(struct slot *slot)
{
	size_t pages = 1 + below(MOST_PAGES);
	bool huge = below(8) == 0;
	char *p;

	if (huge)
		pages = 512;
	p = map_at(device, NULL, pages * PAGE, below(2), huge ? EMUCXL_OFFSET_HUGE : 0,
		   below(4) == 0 ? MAP_POPULATE : 0);
	if (p == MAP_FAILED) {
		if (errno != ENOMEM)
			_exit(3);
		return;
	}
	*slot = (struct slot){ p, pages, (uint64_t)below(1U << 31) << 20 };
	for (size_t i = 0; i < pages; i++) {
		if (*word(slot, i) || word(slot, i)[511]) {
			printf("# page %zu is not zeroed\n", i);
			fflush(stdout);
			_exit(4);
		}
		*word(slot, i) = slot->mark + i;
	}
}

static void cut(struct slot *slot)
{
	size_t n = 1 + below(slot->pages);

	if (n == slot->pages) {
		munmap(slot->start, n * PAGE);
		slot->start = NULL;
	} else if (below(2)) {
		munmap(slot->start + (slot->pages - n) * PAGE, n * PAGE);
		slot->pages -= n;
	} else {
		munmap(slot->start, n * PAGE);
		slot->start += n * PAGE;
		slot->pages -= n;
		slot->mark += n;
	}
}

static void shift(struct slot *slot)
{
	size_t bytes = slot->pages * PAGE;
	char *room = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p = mremap(slot->start, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, room);

	if (p == room)
		slot->start = p;
	else
		munmap(room, bytes);
}

static void move(const struct slot *slot)
{
	size_t first = below(slot->pages), n = 1 + below(slot->pages - first);
	struct emucxl_migrate m;

	if (migrate(device, slot->start + first * PAGE, n * PAGE, below(2), &m) && errno != ENOMEM)
		_exit(5);
}

// A child that shares all, takes part of it away from itself, and ends or is killed.
static void child(void)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0); /* it was killed before that */
		for (int i = 0; i < SLOTS; i++) {
			if (!slots[i].start)
				continue;
			check(&slots[i]);
			if (below(2))
				move(&slots[i]);
			if (below(2))
				cut(&slots[i]);
		}
		if (below(2))
			for (;;)
				pause();
		_exit(0);
	}
	if (pid > 0) {
		int status;

		if (below(2))
			usleep(below(20000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status) && WEXITSTATUS(status))
			_exit(WEXITSTATUS(status));
	}
}

static void family(unsigned int seed, double seconds)
{
	double end = now() + seconds;

	state = seed;
	device = open_device();
	while (now() < end) {
		struct slot *slot = &slots[below(SLOTS)];

		if (!slot->start) {
			make(slot);
			continue;
		}
		check(slot);
		switch (below(5)) {
		case 0:
			cut(slot);
			break;
		case 1:
			shift(slot);
			break;
		case 2:
		case 3:
			move(slot);
			break;
		default:
			if (below(4) == 0)
				child();
		}
	}
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].start)
			check(&slots[i]);
	_exit(0);
}

static void storm(unsigned int seed, double seconds)
{
	int status;

	fflush(stdout);
	for (unsigned int i = 0; i < FAMILIES; i++)
		if (fork() == 0)
			family(seed + i, seconds);
	for (int i = 0; i < FAMILIES; i++) {
		wait(&status);
		CHECK(status == 0, "family %d found what it wrote, zeros in what is new (%x)", i,
		      status);
	}
	CHECK(all_free(), "nothing is left of the storm");
}

static void kills(unsigned int seed, int count)
{
	state = seed;
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		unsigned int its = state + i;
		pid_t pid = fork();

		if (pid == 0)
			family(its, 1e9);
		usleep(below(15000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	/* Their children are killed, too, but nobody here can wait for those. */
	for (int i = 0; i < 500 && !all_free(); i++)
		usleep(10000);
	CHECK(all_free(), "nothing is left of %d processes killed at random points", count);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	int count = argc > 2 ? atoi(argv[2]) : 100;
	unsigned int seed = argc > 3 ? strtoul(argv[3], NULL, 0) : (unsigned int)time(NULL);

	printf("# seed %u\n", seed);
	storm(seed, seconds);
	kills(seed, count);
	return test_end();
}
