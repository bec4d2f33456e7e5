/*
 * Idle latency as C measures it: a random cyclic pointer chase, as multichase does, one pointer a
 * line of 64 bytes, in pages of 4 KiB. Arguments: BYTES SEED. Reads lines "LOADS SAMPLES CPU"
 * from stdin, and prints for each the nanoseconds of one load in the best sample, the thread pinned
 * to the CPU.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define LINE 64

static double now(void) {
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static uint64_t state;

/* xorshift64* */
static uint64_t draw(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1d;
}

/* One cycle over all lines, in random order. */
static void link_lines(char* start, size_t lines) {
  uint32_t* order = malloc(lines * sizeof *order);

  if (order == NULL) exit(1);
  for (size_t i = 0; i < lines; i++) order[i] = (uint32_t)i;
  for (size_t i = lines - 1; i > 0; i--) {
    size_t j = draw() % i;
    uint32_t other = order[i];

    order[i] = order[j];
    order[j] = other;
  }
  for (size_t i = 0; i < lines; i++)
    *(void**)(start + LINE * (size_t)order[i]) = start + LINE * (size_t)order[(i + 1) % lines];
  free(order);
}

static void* follow(void* at, long loads) {
  for (long i = 0; i < loads; i++) at = *(void**)at;
  return at;
}

/* The compiler must not leave out what nobody uses. */
static void escape(void* pointer) { __asm__ volatile("" : : "g"(pointer) : "memory"); }

static int pin(int cpu) {
  cpu_set_t one;

  CPU_ZERO(&one);
  CPU_SET((size_t)cpu, &one);
  return sched_setaffinity(0, sizeof one, &one);
}

int main(int count, char** arguments) {
  size_t bytes, lines;
  char* start;
  void* at;
  long loads, samples;
  int cpu;

  if (count != 3) return 2;
  bytes = strtoull(arguments[1], NULL, 10);
  state = strtoull(arguments[2], NULL, 10);
  lines = bytes / LINE;
  start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return 1;
  madvise(start, bytes, MADV_NOHUGEPAGE);
  link_lines(start, lines);
  at = follow(start, (long)lines);
  while (scanf("%ld %ld %d", &loads, &samples, &cpu) == 3) {
    double best = 1e18;

    if (pin(cpu) != 0) return 1;
    for (long i = 0; i < samples; i++) {
      double took = now();

      at = follow(at, loads);
      escape(at);
      took = (now() - took) / (double)loads;
      if (took < best) best = took;
    }
    printf("%.4f\n", best);
    fflush(stdout);
  }
  return 0;
}
