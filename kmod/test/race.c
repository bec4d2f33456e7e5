// SPDX-License-Identifier: GPL-2.0
// One mapping under all that can befall it at a time: faults, two migrations, children that cut, move
// and end, advice that takes its page table entries away. No count that is added to it is lost. Beside
// it a second one, which comes and goes under those that migrate it and ask where it is.
//   race SECONDS [huge]
#include <pthread.h>

#include "test.h"

#define PAGES 1024UL
#define MOVERS 2
#define SHAKY_PAGES 64UL
#define ADDERS 3

static int device;
static char *start, *shaky;
static volatile bool stop;
static long strange, moved, forks, gone, there;

static size_t below(unsigned int *state, size_t n)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % n;
}

// A part of the mapping, at random.
static void part(unsigned int *state, char **at, size_t *length)
{
	size_t first = below(state, PAGES);

	*at = start + first * PAGE;
	*length = (1 + below(state, PAGES - first)) * PAGE;
}

static void *mover(void *number)
{
	unsigned int state = (uintptr_t)number;
	struct emucxl_migrate m;
	size_t length;
	char *at;

	while (!stop) {
		part(&state, &at, &length);
		if (migrate(device, at, length, below(&state, 2), &m) && errno != ENOMEM)
			__atomic_fetch_add(&strange, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&moved, m.moved, __ATOMIC_RELAXED);
	}
	return NULL;
}

// Another thread maps it and takes it away all the while: EFAULT is the answer then.
static void *prober(void *number)
{
	unsigned int state = (uintptr_t)number;
	struct emucxl_migrate m;
	int result;

	while (!stop) {
		if (below(&state, 4)) {
			result = migrate(device, shaky, SHAKY_PAGES * PAGE, below(&state, 2), &m);
		} else {
			uint64_t counts[2];
			struct emucxl_where where = {
				.addr = (uintptr_t)shaky,
				.length = SHAKY_PAGES * PAGE,
				.counts = (uintptr_t)counts,
				.nodes = 2,
			};

			result = ioctl(device, EMUCXL_WHERE, &where);
		}
		if (result == 0)
			__atomic_fetch_add(&there, 1, __ATOMIC_RELAXED);
		else if (errno == EFAULT)
			__atomic_fetch_add(&gone, 1, __ATOMIC_RELAXED);
		else if (errno != ENOMEM)
			__atomic_fetch_add(&strange, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *shaker(void *number)
{
	unsigned int state = (uintptr_t)number;
	size_t bytes = SHAKY_PAGES * PAGE;

	while (!stop) {
		map_at(device, shaky, bytes, below(&state, 2), 0, MAP_FIXED);
		memset(shaky, 1, below(&state, bytes));
		usleep(below(&state, 1000));
		// Nothing else may get its addresses.
		mmap(shaky, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		usleep(below(&state, 200));
	}
	return NULL;
}

static void *adder(void *number)
{
	unsigned int state = (uintptr_t)number;
	uintptr_t added = 0;

	for (; !stop; added++)
		__atomic_fetch_add((long *)(start + below(&state, PAGES) * PAGE), 1,
				   __ATOMIC_RELAXED);
	return (void *)added;
}

static void child(unsigned int state)
{
	size_t length;
	char *at;

	for (int i = 0; i < 20; i++) {
		part(&state, &at, &length);
		if (i % 2) {
			munmap(at, length);
		} else {
			char *room = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
					  0);

			mremap(at, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, room);
		}
	}
	_exit(0);
}

static void *troubler(void *number)
{
	static const int advice[] = { MADV_DONTNEED, MADV_COLD, MADV_PAGEOUT };
	unsigned int state = (uintptr_t)number;
	size_t length;
	char *at;
	pid_t pid;

	while (!stop) {
		part(&state, &at, &length);
		madvise(at, length, advice[below(&state, 3)]);
		pid = fork();
		if (pid == 0)
			child(state);
		usleep(below(&state, 5000));
		if (below(&state, 2))
			kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		forks++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 10;
	bool huge = argc > 2;
	pthread_t threads[MOVERS + ADDERS + 1], shaking[3];
	long sum = 0, added = 0;
	void *result;
	int i = 0;

	device = open_device();
	start = map(device, PAGES * PAGE, LOCAL, huge ? EMUCXL_OFFSET_HUGE : 0);
	if (!CHECK(start != MAP_FAILED, "%s pages", huge ? "huge" : "small"))
		return test_end();
	shaky = mmap(NULL, SHAKY_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (; i < MOVERS; i++)
		pthread_create(&threads[i], NULL, mover, (void *)(i + 1UL));
	for (; i < MOVERS + ADDERS; i++)
		pthread_create(&threads[i], NULL, adder, (void *)(i + 1UL));
	pthread_create(&threads[i], NULL, troubler, (void *)(i + 1UL));
	pthread_create(&shaking[0], NULL, shaker, (void *)7UL);
	pthread_create(&shaking[1], NULL, prober, (void *)8UL);
	pthread_create(&shaking[2], NULL, prober, (void *)9UL);
	sleep(seconds);
	stop = true;
	for (i = 0; i < 3; i++)
		pthread_join(shaking[i], NULL);
	for (i = 0; i <= MOVERS + ADDERS; i++) {
		pthread_join(threads[i], &result);
		if (i >= MOVERS && i < MOVERS + ADDERS)
			added += (uintptr_t)result;
	}
	for (size_t page = 0; page < PAGES; page++)
		sum += *(long *)(start + page * PAGE);
	printf("# %ld moves of a page, %ld children, %ld additions\n", moved, forks, added);
	CHECK(moved > 0 && forks > 0 && added > 0, "all of them did something");
	CHECK(sum == added, "no addition is lost: %ld of %ld", sum, added);
	printf("# %ld times a mapping was there, %ld times not\n", there, gone);
	CHECK(there > 0 && gone > 0, "one that comes and goes was met both ways");
	CHECK(strange == 0, "a call fails for want of memory, or of the mapping, alone");
	CHECK(used_pages(device, LOCAL) + used_pages(device, REMOTE) == PAGES, "all is counted");
	munmap(start, PAGES * PAGE);
	CHECK(all_free(), "nothing is left");
	return test_end();
}
