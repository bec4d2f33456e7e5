// SPDX-License-Identifier: GPL-2.0
// What happens where the kernel's own allocations fail: three in a hundred, in this process, on a
// kernel with fault injection.
//   inject [ROUNDS]
#include "test.h"

#define SLOTS 64
#define MOST_PAGES 40
#define DEBUGFS "/sys/kernel/debug/"

static const char *const makers[] = { DEBUGFS "failslab", DEBUGFS "fail_page_alloc" };

static void set(const char *folder, const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	write_text(path, value);
}

static void configure(void)
{
	for (size_t i = 0; i < 2; i++) {
		set(makers[i], "task-filter", "Y");
		set(makers[i], "probability", "3");
		set(makers[i], "interval", "1");
		set(makers[i], "times", "-1");
		set(makers[i], "verbose", "0");
		set(makers[i], "ignore-gfp-wait", "N");
	}
	set(makers[1], "ignore-gfp-highmem", "N");
	set(makers[1], "min-order", "0");
}

// Whether allocations of this process fail.
static void arm(bool armed)
{
	static int file = -1;

	if (file < 0)
		file = open("/proc/self/make-it-fail", O_WRONLY);
	while (pwrite(file, armed ? "1" : "0", 1, 0) != 1)
		;
}

struct slot {
	char *start;
	size_t pages;
	int mark;
};

static struct {
	int done, refused, others;
} opens, maps, moves;

static void count(typeof(opens) *calls, bool done)
{
	if (done)
		calls->done++;
	else if (errno == ENOMEM)
		calls->refused++;
	else
		calls->others++;
}

static bool whole(const struct slot *slot, int mark)
{
	for (size_t i = 0; i < slot->pages; i++)
		if (slot->start[i * PAGE] != mark)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 4000;
	struct slot slots[SLOTS] = { 0 };
	bool zeroed = true, kept = true;

	if (!CHECK(access(makers[0], F_OK) == 0 && access(makers[1], F_OK) == 0,
		   "the kernel can make allocations fail"))
		return test_end();
	configure();
	srand(1);
	for (int i = 0; i < rounds; i++) {
		struct slot *slot = &slots[rand() % SLOTS];
		int node = rand() % 2;
		struct emucxl_migrate m;
		int device;

		arm(true);
		device = open(DEVICE, O_RDWR);
		count(&opens, device >= 0);
		if (device < 0) {
			arm(false);
			continue;
		}
		if (slot->start) {
			count(&moves,
			      migrate(device, slot->start, slot->pages * PAGE, node, &m) == 0);
			arm(false);
			kept = kept && whole(slot, slot->mark);
			if (rand() % 2) {
				munmap(slot->start, slot->pages * PAGE);
				slot->start = NULL;
			}
		} else {
			slot->pages = 1 + rand() % MOST_PAGES;
			slot->start = map(device, slot->pages * PAGE, node, 0);
			count(&maps, slot->start != MAP_FAILED);
			arm(false);
			if (slot->start == MAP_FAILED) {
				slot->start = NULL;
			} else {
				zeroed = zeroed && whole(slot, 0);
				slot->mark = 1 + rand() % 100;
				for (size_t page = 0; page < slot->pages; page++)
					slot->start[page * PAGE] = slot->mark;
			}
		}
		close(device);
	}
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].start)
			munmap(slots[i].start, slots[i].pages * PAGE);
	printf("# done/ENOMEM/other: open %d/%d/%d, mmap %d/%d/%d, migrate %d/%d/%d\n", opens.done,
	       opens.refused, opens.others, maps.done, maps.refused, maps.others, moves.done,
	       moves.refused, moves.others);
	CHECK(maps.refused > 0 && moves.refused > 0, "mmap and migrations met failures");
	CHECK(maps.done > 0 && moves.done > 0, "others succeeded");
	CHECK(opens.others + maps.others + moves.others == 0, "every failure is ENOMEM");
	CHECK(zeroed, "what is mapped is zeroed");
	CHECK(kept, "what is moved, or is not, keeps its contents");
	CHECK(all_free(), "nothing is left");
	return test_end();
}
