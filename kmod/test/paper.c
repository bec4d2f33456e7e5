// SPDX-License-Identifier: GPL-2.0
// A program as the first paper's library is: it knows nothing but open, mmap with the node in the
// offset, and the four ioctls. Everything in it would run on the original module.
//   paper [ELEMENTS]    of the queue; default 15,000, as in the paper
#include "test.h"

struct init_arg {
	int return_value;
};

struct alloc_arg {
	int size;
	int numa_node;
};

#define ORIGINAL_INIT _IOW('e', 1, struct init_arg *)
#define ORIGINAL_EXIT _IO('e', 2)
#define ORIGINAL_ALLOC _IOR('e', 3, struct alloc_arg *)
#define ORIGINAL_FREE _IO('e', 4)

static int elements = 15000;
static int device;

static void *paper_alloc(size_t size, int node)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device, node * 4096L);

	return p == MAP_FAILED ? NULL : p;
}

static void *paper_migrate(void *from, size_t size, int node)
{
	void *to = paper_alloc(size, node);

	if (to) {
		memcpy(to, from, size);
		munmap(from, size);
	}
	return to;
}

static void *paper_resize(void *from, size_t old, size_t size, int node)
{
	void *to = paper_alloc(size, node);

	if (to) {
		memcpy(to, from, old < size ? old : size);
		munmap(from, old);
	}
	return to;
}

struct element {
	int value;
	struct element *next;
};

static bool queue(int node)
{
	struct element *head = NULL, *tail = NULL, *e;

	for (int i = 0; i < elements; i++) {
		e = paper_alloc(sizeof(*e), node);
		if (!e || e->value || e->next)
			return false;
		e->value = i;
		if (tail)
			tail->next = e;
		else
			head = e;
		tail = e;
	}
	for (int i = 0; i < elements; i++) {
		e = head;
		if (!e || e->value != i)
			return false;
		head = e->next;
		munmap(e, sizeof(*e));
	}
	return head == NULL;
}

int main(int argc, char **argv)
{
	struct alloc_arg alloc = { .size = 4096, .numa_node = 1 };
	struct init_arg init = { .return_value = -7 };
	char *p;

	if (argc > 1)
		elements = atoi(argv[1]);
	device = open("/dev/emucxl", O_RDWR);
	CHECK(device >= 0, "open");
	CHECK(ioctl(device, ORIGINAL_INIT, &init) == 0 && init.return_value == 0,
	      "init writes 0 to its argument");
	CHECK(ioctl(device, ORIGINAL_ALLOC, &alloc) == 0 && alloc.size == 4096 &&
		      alloc.numa_node == 1,
	      "alloc is accepted and touches nothing");
	CHECK(ioctl(device, ORIGINAL_FREE) == 0, "free is accepted without an argument");

	for (int node = LOCAL; node <= REMOTE; node++) {
		int other = node == LOCAL ? REMOTE : LOCAL;

		p = paper_alloc(64, node);
		CHECK(p && really_on(p, PAGE, node), "64 bytes on node %d", node);
		CHECK(p[0] == 0 && p[63] == 0, "zeroed");
		strcpy(p, "written before");
		p = paper_migrate(p, 64, other);
		CHECK(p && really_on(p, PAGE, other) && !strcmp(p, "written before"),
		      "migrated by copying to node %d", other);
		p = paper_resize(p, 64, 10000, other);
		CHECK(p && really_on(p, 3 * PAGE, other) && !strcmp(p, "written before"),
		      "resized by copying to 10,000 bytes");
		munmap(p, 10000);
		CHECK(queue(node), "a queue of %d elements, a mapping each, on node %d", elements,
		      node);
	}
	CHECK(ioctl(device, ORIGINAL_EXIT) == 0, "exit is accepted without an argument");
	close(device);
	CHECK(all_free(), "nothing is left");
	return test_end();
}
