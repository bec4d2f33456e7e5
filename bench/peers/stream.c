/*
 * Bandwidth as C measures it: a variant of STREAM (McCalpin, https://www.cs.virginia.edu/stream/)
 * with pthreads, pages of 4 KiB, and a kernel that only reads and one that only writes beside copy
 * and triad. Arguments: BYTES of each array. Reads lines "KERNEL THREADS PASSES" from stdin, and
 * prints for each the bytes of a pass, by STREAM's count, and the nanoseconds of its best one, or
 * "wrong" where the arrays do not hold what they must afterwards. Thread i is pinned to CPU i,
 * where there is one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MOST_THREADS 1024
#define FACTOR 3.0
#define WAKING 20000.0 /* what it takes to wake a thread, at most by a good measure, ns */

enum kernel { READ, WRITE, COPY, TRIAD };

static const char* const names[] = {"read", "write", "copy", "triad"};

static double *a, *b, *c;
static size_t length; /* words of each array */
static enum kernel kernel;
static long threads, passes;
static pthread_barrier_t barrier;
static double start;   /* when a pass begins: threads wake one after the other */
static double* begins; /* of each thread in each pass */
static double* ends;
static uint64_t sums[MOST_THREADS]; /* of the last pass */

static cpu_set_t allowed;

static double now(void) {
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static uint64_t bits(double value) {
  uint64_t word;

  memcpy(&word, &value, sizeof word);
  return word;
}

static uint64_t sum(const uint64_t* words, size_t n) {
  uint64_t total = 0;

  for (size_t i = 0; i < n; i++) total += words[i];
  return total;
}

static void fill(double* restrict x, double value, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = value;
}

static void copy(double* restrict x, const double* restrict y, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = y[i];
}

static void triad(double* restrict x, const double* restrict y, const double* restrict z,
                  size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = y[i] + FACTOR * z[i];
}

static uint64_t go_over(size_t first, size_t n, long pass) {
  switch (kernel) {
    case READ:
      return sum((uint64_t*)(a + first), n);
    case WRITE:
      fill(a + first, 0.1 + (double)pass, n);
      return 0;
    case COPY:
      copy(a + first, b + first, n);
      return 0;
    case TRIAD:
      triad(a + first, b + first, c + first, n);
      return 0;
  }
  return 0;
}

/* To the CPU of this place among those that are allowed. */
static void pin(size_t place) {
  size_t cpu = 0;
  cpu_set_t one;

  for (place %= (size_t)CPU_COUNT(&allowed); !CPU_ISSET(cpu, &allowed) || place-- > 0;) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) exit(1);
}

static void* work(void* argument) {
  size_t thread = (size_t)(uintptr_t)argument;
  size_t count = (size_t)threads;
  size_t rest = length % count;
  size_t first = length / count * thread + (thread < rest ? thread : rest);
  size_t n = length / count + (thread < rest ? 1 : 0);

  pin(thread);
  for (size_t i = first; i < first + n; i++) {
    a[i] = 0.5 * (double)i;
    b[i] = (double)i;
    c[i] = 2.0 * (double)i;
  }
  for (long pass = 0; pass < passes; pass++) {
    pthread_barrier_wait(&barrier);
    if (thread == 0) start = now() + (threads == 1 ? 0 : WAKING * (double)threads);
    pthread_barrier_wait(&barrier);
    while (now() < start) continue;
    begins[pass * threads + (long)thread] = now();
    sums[thread] = go_over(first, n, pass);
    ends[pass * threads + (long)thread] = now();
  }
  return NULL;
}

static int is_valid(void) {
  uint64_t expected = 0, found = 0;
  size_t wrong = 0;

  for (long i = 0; i < threads; i++) found += sums[i];
  for (size_t i = 0; i < length; i++) {
    double x = (double)i;

    expected += bits(0.5 * x);
    wrong += kernel == READ    ? 0
             : kernel == WRITE ? a[i] != 0.1 + (double)(passes - 1)
             : kernel == COPY  ? a[i] != x
                               : a[i] != x + FACTOR * (2.0 * x);
  }
  return wrong == 0 && (kernel != READ || expected == found);
}

/* Of the passes after the first, which does not count. */
static double best(void) {
  double least = 1e18;

  for (long pass = 1; pass < passes; pass++) {
    double began = 1e300, ended = 0;

    for (long i = pass * threads; i < (pass + 1) * threads; i++) {
      if (begins[i] < began) began = begins[i];
      if (ends[i] > ended) ended = ends[i];
    }
    if (ended - began < least) least = ended - began;
  }
  return least;
}

static int measure(const char* name) {
  pthread_t ids[MOST_THREADS];

  for (kernel = READ; kernel < TRIAD && strcmp(name, names[kernel]) != 0;) kernel++;
  passes++; /* one does not count */
  begins = calloc((size_t)(passes * threads), sizeof *begins);
  ends = calloc((size_t)(passes * threads), sizeof *ends);
  if (begins == NULL || ends == NULL) return 1;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  for (long i = 0; i < threads; i++)
    if (pthread_create(&ids[i], NULL, work, (void*)(uintptr_t)i) != 0) return 1;
  for (long i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  pthread_barrier_destroy(&barrier);
  if (is_valid())
    printf("%zu %.0f\n",
           length * sizeof *a *
               (kernel == TRIAD  ? 3
                : kernel == COPY ? 2
                                 : 1),
           best());
  else
    printf("wrong\n");
  fflush(stdout);
  free(begins);
  free(ends);
  return 0;
}

static double* array(void) {
  size_t bytes = length * sizeof *a;
  void* start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (start == MAP_FAILED) exit(1);
  madvise(start, bytes, MADV_NOHUGEPAGE);
  return start;
}

int main(int count, char** arguments) {
  char name[16];

  if (count != 2) return 2;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  length = strtoull(arguments[1], NULL, 10) / sizeof *a;
  a = array();
  b = array();
  c = array();
  while (scanf("%15s %ld %ld", name, &threads, &passes) == 3 && threads >= 1 &&
         threads <= MOST_THREADS)
    if (measure(name) != 0) return 1;
  return 0;
}
