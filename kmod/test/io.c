// SPDX-License-Identifier: GPL-2.0
// Memory of the device as other parts of the kernel see it: files, pipes, locks between processes,
// and what a migration does to pages that they hold.
#include <pthread.h>
#include <sys/uio.h>

#include "test.h"

static int device;

static void files(void)
{
	char *p = map(device, 64 * PAGE, REMOTE, 0), *q = map(device, 64 * PAGE, LOCAL, 0);
	int file = open("/tmp/io", O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < 64 * PAGE; i++)
		p[i] = i * 31 / 7;
	CHECK(pwrite(file, p, 64 * PAGE, 0) == (ssize_t)(64 * PAGE), "write(2) from it");
	CHECK(pread(file, q, 64 * PAGE, 0) == (ssize_t)(64 * PAGE) && !memcmp(p, q, 64 * PAGE),
	      "read(2) into it");
	munmap(p, 64 * PAGE);
	munmap(q, 64 * PAGE);
	close(file);
	unlink("/tmp/io");
}

#define DIRECT "io-direct"

// In the folder that the host shares: it takes the pages themselves for what is read and written.
static void direct(void)
{
	const size_t bytes = 256 * PAGE;
	char *p = map(device, bytes, REMOTE, 0), *q = map(device, bytes, LOCAL, 0);
	int file = open(DIRECT, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
	struct emucxl_migrate m;
	bool ok = true;
	pid_t pid;

	if (!CHECK(file >= 0, "a file with O_DIRECT"))
		return;
	for (size_t i = 0; i < bytes; i++)
		p[i] = i * 13 / 5;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		for (int node = LOCAL;; node = !node) {
			migrate(device, p, bytes, node, &m);
			migrate(device, q, bytes, !node, &m);
		}
	for (int round = 0; round < 20 && ok; round++) {
		memset(q, 0, bytes);
		ok = pwrite(file, p, bytes, 0) == (ssize_t)bytes &&
		     pread(file, q, bytes, 0) == (ssize_t)bytes && !memcmp(p, q, bytes);
	}
	CHECK(ok, "O_DIRECT from it and into it, while it migrates");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap(p, bytes);
	munmap(q, bytes);
	close(file);
	unlink(DIRECT);
}

static void other_processes(void)
{
	char *p = map(device, 4 * PAGE, REMOTE, 0);
	char text[] = "from outside", back[sizeof(text)];
	struct iovec here = { text, sizeof(text) }, there = { p + PAGE - 4, sizeof(text) };
	struct iovec to = { back, sizeof(back) };

	CHECK(IN_CHILD({
		      if (process_vm_writev(getppid(), &here, 1, &there, 1, 0) != sizeof(text) ||
			  process_vm_readv(getppid(), &to, 1, &there, 1, 0) != sizeof(text))
			      _exit(1);
	      }) && !strcmp(p + PAGE - 4, text),
	      "another process reads and writes it (process_vm_writev)");
	munmap(p, 4 * PAGE);
}

// A pipe holds the pages that vmsplice(2) gave it until they are read.
static void held_pages(void)
{
	char *p = map(device, 8 * PAGE, LOCAL, 0), text[16];
	struct iovec page = { p + 3 * PAGE, PAGE };
	struct emucxl_migrate m;
	int ends[2];

	if (pipe(ends))
		exit(1);
	strcpy(p + 3 * PAGE, "held");
	CHECK(vmsplice(ends[1], &page, 1, 0) == (ssize_t)PAGE, "a pipe holds a page");
	CHECK(migrate(device, p, 8 * PAGE, REMOTE, &m) == 0 && m.moved == 7 && m.failed == 1,
	      "the page stays, and is counted as failed; the others move");
	CHECK(really_on(p + 3 * PAGE, PAGE, LOCAL) && really_on(p, 3 * PAGE, REMOTE),
	      "the kernel says so, too");
	strcpy(p + 3 * PAGE, "later");
	CHECK(read(ends[0], text, sizeof(text)) == sizeof(text) && !strcmp(text, "later"),
	      "the pipe has what was written to the page meanwhile");
	while (read(ends[0], text, sizeof(text)) == sizeof(text) && --page.iov_len > PAGE - 255)
		;
	CHECK(migrate(device, p, 8 * PAGE, REMOTE, &m) == 0 && m.moved == 1 && m.failed == 0 &&
		      !strcmp(p + 3 * PAGE, "later"),
	      "let go of, it moves");

	// Unmapped while it is held: the pipe keeps its page, and the module has none.
	page = (struct iovec){ p, PAGE };
	strcpy(p, "kept");
	CHECK(vmsplice(ends[1], &page, 1, 0) == (ssize_t)PAGE, "a pipe holds another");
	munmap(p, 8 * PAGE);
	CHECK(all_free(), "unmapped, nothing is left in the module");
	CHECK(read(ends[0], text, sizeof(text)) == sizeof(text) && !strcmp(text, "kept"),
	      "and the pipe has the contents");
	close(ends[0]);
	close(ends[1]);
}

struct locked {
	pthread_mutex_t mutex;
	int counter;
};

#define ROUNDS 20000

static void locks(void)
{
	struct locked *shared = (struct locked *)map(device, PAGE, REMOTE, 0);
	pthread_mutexattr_t attributes;
	struct emucxl_migrate m;
	int children = 0, status;
	bool ok = true;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->mutex, &attributes);
	fflush(stdout);
	for (; children < 2; children++) {
		if (fork())
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			pthread_mutex_lock(&shared->mutex);
			shared->counter++;
			pthread_mutex_unlock(&shared->mutex);
		}
		_exit(0);
	}
	for (int node = LOCAL; waitpid(-1, &status, WNOHANG) == 0; node = !node) {
		migrate(device, shared, PAGE, node, &m);
		usleep(1000);
	}
	ok = status == 0 && wait(&status) > 0 && status == 0;
	CHECK(ok && shared->counter == 2 * ROUNDS,
	      "two processes count under a mutex (futex) in it, while it migrates: %d",
	      shared->counter);
	munmap(shared, PAGE);
}

int main(void)
{
	device = open_device();
	files();
	direct();
	other_processes();
	held_pages();
	locks();
	CHECK(all_free(), "nothing is left");
	return test_end();
}
