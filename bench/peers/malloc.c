/*
 * How long malloc and free take, of the library that this is linked with. Reads lines "pair SIZE
 * COUNT" and "batch SIZE COUNT" from stdin, and prints for each the nanoseconds of one malloc with
 * its free: one by one, or in batches of 10,000, of which COUNT is a multiple.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 10000L

static double now(void) {
  struct timespec time;

  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

/* The compiler must not leave out what nobody uses. */
static void escape(void* pointer) { __asm__ volatile("" : : "g"(pointer) : "memory"); }

/* Each object is freed before the next is allocated. */
static double pair(size_t size, long count) {
  double began = now();

  for (long i = 0; i < count; i++) {
    void* object = malloc(size);

    escape(object);
    free(object);
  }
  return (now() - began) / (double)count;
}

/* All objects of a batch are allocated, and then freed in the order of allocation. */
static double batches(size_t size, long count) {
  static void* objects[BATCH];
  double began = now();

  for (long done = 0; done < count; done += BATCH) {
    for (long i = 0; i < BATCH; i++) objects[i] = malloc(size);
    escape(objects);
    for (long i = 0; i < BATCH; i++) free(objects[i]);
  }
  return (now() - began) / (double)count;
}

int main(void) {
  char what[16];
  size_t size;
  long count;

  while (scanf("%15s %zu %ld", what, &size, &count) == 3) {
    printf("%.3f\n", strcmp(what, "pair") == 0 ? pair(size, count) : batches(size, count));
    fflush(stdout);
  }
  return 0;
}
