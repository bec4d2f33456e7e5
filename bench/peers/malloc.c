/*
 * How long malloc and free take, of the library that this is linked with. Reads lines "pair SIZE
 * COUNT" and "batch SIZE COUNT" from stdin, and prints for each the nanoseconds of one malloc with
 * its free.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* All objects are allocated, and then freed in the order of allocation. */
static double batch(size_t size, long count) {
  void** objects = calloc((size_t)count, sizeof(void*));
  double began;

  if (!objects) exit(1);
  escape(objects);
  began = now();
  for (long i = 0; i < count; i++) objects[i] = malloc(size);
  escape(objects);
  for (long i = 0; i < count; i++) free(objects[i]);
  began = (now() - began) / (double)count;
  free(objects);
  return began;
}

int main(void) {
  char what[16];
  size_t size;
  long count;

  while (scanf("%15s %zu %ld", what, &size, &count) == 3) {
    printf("%.3f\n", strcmp(what, "pair") == 0 ? pair(size, count) : batch(size, count));
    fflush(stdout);
  }
  return 0;
}
