// SPDX-License-Identifier: GPL-2.0
// Migration under fire: threads and forked processes add to, write and read a region all the time
// that it moves there and back. No word may be lost, torn or stale.
//   fire SECONDS [MIB] [huge]
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "test.h"

#define THREADS 4
#define PROCESSES 2
#define WORKERS (THREADS + PROCESSES)
#define STEP 64 // pages between two looks at the clock

// A page: words that all add to, one word of each worker's own, and pairs written in order.
struct page {
	atomic_ulong sum;
	atomic_ulong own[WORKERS];
	atomic_ulong first[WORKERS], second[WORKERS];
};

struct results {
	atomic_ulong adds[WORKERS];
	atomic_ulong lost, stale, torn;
	atomic_bool stop;
};

static char *region;
static size_t pages;
static struct results *results;

static struct page *at(size_t i)
{
	return (struct page *)(region + i * PAGE);
}

static void *work(void *argument)
{
	unsigned int me = (uintptr_t)argument;
	unsigned long *mine = calloc(pages, sizeof(*mine)), *seen = calloc(pages, sizeof(*seen));
	unsigned long adds = 0;
	unsigned int random = me * 2654435761U + 1, other = (me + 1) % WORKERS;

	while (!results->stop) {
		for (int i = 0; i < STEP; i++) {
			size_t n = (random = random * 1664525 + 1013904223) % pages;
			struct page *page = at(n);
			unsigned long word, a, b;

			atomic_fetch_add(&page->sum, 1);
			adds++;
			if (atomic_load(&page->own[me]) != mine[n])
				results->lost++;
			atomic_store(&page->own[me], ++mine[n]);
			if (atomic_load(&page->own[me]) != mine[n])
				results->lost++;
			word = atomic_load(&page->own[other]);
			if (word < seen[n])
				results->stale++;
			seen[n] = word;
			atomic_store(&page->first[me], mine[n]);
			atomic_store(&page->second[me], mine[n]);
			b = atomic_load(&page->second[other]);
			a = atomic_load(&page->first[other]);
			if (a < b)
				results->torn++;
		}
	}
	results->adds[me] = adds;
	free(mine);
	free(seen);
	return NULL;
}

// Holds pages for moments: those must stay, and move later.
static void *hold(void *argument)
{
	int ends[2];
	char sink[PAGE];

	(void)argument;
	if (pipe(ends))
		return NULL;
	for (unsigned int random = 1; !results->stop; random = random * 1664525 + 1013904223) {
		struct iovec page = { region + random % pages * PAGE, PAGE };

		if (vmsplice(ends[1], &page, 1, 0) != (ssize_t)PAGE ||
		    (usleep(random >> 24), read(ends[0], sink, PAGE)) != (ssize_t)PAGE)
			results->lost++;
		usleep(1000);
	}
	close(ends[0]);
	close(ends[1]);
	return NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10, end;
	size_t mib = argc > 2 ? atoi(argv[2]) : 16;
	unsigned long flags = argc > 3 ? EMUCXL_OFFSET_HUGE : 0, sum = 0, adds = 0, own = 0;
	uint64_t moved = 0, failed = 0, rounds = 0;
	int device = open_device(), node = LOCAL, status;
	pthread_t threads[THREADS + 1];
	struct emucxl_migrate m;
	bool ok = true;

	pages = mib << 8;
	region = map(device, pages * PAGE, LOCAL, flags);
	if (!CHECK(region != MAP_FAILED, "%zu MiB%s", mib, flags ? " in huge pages" : ""))
		return test_end();
	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	fflush(stdout);
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			work((void *)(uintptr_t)(THREADS + i));
			_exit(0);
		}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i);
	pthread_create(&threads[THREADS], NULL, hold, NULL);

	for (end = now() + seconds; now() < end; rounds++) {
		node = !node;
		ok = ok && migrate(device, region, pages * PAGE, node, &m) == 0;
		moved += m.moved;
		failed += m.failed;
	}
	results->stop = true;
	for (int i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PROCESSES; i++)
		ok = wait(&status) > 0 && status == 0 && ok;
	for (int i = 0; i < WORKERS; i++)
		adds += results->adds[i];
	for (size_t i = 0; i < pages; i++) {
		sum += at(i)->sum;
		for (int w = 0; w < WORKERS; w++)
			own += at(i)->own[w];
	}

	printf("# %lu adds; %lu rounds, %lu pages moved, %lu stayed for a while\n", adds,
	       (unsigned long)rounds, (unsigned long)moved, (unsigned long)failed);
	CHECK(ok, "every migration and every process ended well");
	CHECK(rounds >= 2 && moved >= pages, "the region moved");
	CHECK(adds > 0 && sum == adds, "no addition is lost: %lu of %lu", sum, adds);
	CHECK(own == adds && results->lost == 0, "nobody missed a word of its own");
	CHECK(results->stale == 0, "nobody saw an older word after a newer one");
	CHECK(results->torn == 0, "nobody saw two words in the wrong order");
	CHECK(migrate(device, region, pages * PAGE, REMOTE, &m) == 0 && m.failed == 0 &&
		      all_on(device, region, pages * PAGE, REMOTE),
	      "at rest, all of it moves");
	munmap(region, pages * PAGE);
	CHECK(all_free(), "nothing is left");
	return test_end();
}
