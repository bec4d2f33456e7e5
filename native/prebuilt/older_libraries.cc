// Part of the prebuilt binaries alone: lets what is linked on a newer system load on one with glibc
// 2.28 and the libstdc++ of GCC 8, which are what Node.js itself asks for. The functions below got
// a new version since then without a new meaning: libdl and libpthread became part of libc in glibc
// 2.34, fstat stopped being a wrapper in 2.33, GCC 11 gave an overlong array its own thrower.
// References in the other sources bind to these definitions, which pass on to the old versions.
// scripts/prebuild.mjs fails where one is missing here.
//
// Linking libstdc++ and libgcc statically would not do: their archives ask for the glibc that they
// were built with (_dl_find_object, 2.35).
//
// The system's headers stay out: they declare the same functions, visible from outside.
#include <bits/functexcept.h>

#if defined(__x86_64__)
#define OLDEST "GLIBC_2.2.5"
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define OLDEST "GLIBC_2.17"
#define STAT_VERSION 0
#else
#error "prebuilt binaries are for x64 and arm64"
#endif

#define HIDDEN __attribute__((visibility("hidden")))

extern "C" {

struct stat64;

void* oldest_dlopen(const char* file, int mode);
void* oldest_dlsym(void* library, const char* name);
int oldest_dladdr(const void* address, void* info);
int oldest_pthread_create(unsigned long* thread, const void* attributes, void* (*body)(void*),
                          void* argument);
int oldest_pthread_join(unsigned long thread, void** result);
int __fxstat64(int version, int descriptor, struct stat64* status);

__asm__(".symver oldest_dlopen, dlopen@" OLDEST);
__asm__(".symver oldest_dlsym, dlsym@" OLDEST);
__asm__(".symver oldest_dladdr, dladdr@" OLDEST);
__asm__(".symver oldest_pthread_create, pthread_create@" OLDEST);
__asm__(".symver oldest_pthread_join, pthread_join@" OLDEST);

HIDDEN void* dlopen(const char* file, int mode) { return oldest_dlopen(file, mode); }

HIDDEN void* dlsym(void* library, const char* name) { return oldest_dlsym(library, name); }

HIDDEN int dladdr(const void* address, void* info) { return oldest_dladdr(address, info); }

HIDDEN int pthread_create(unsigned long* thread, const void* attributes, void* (*body)(void*),
                          void* argument) {
  return oldest_pthread_create(thread, attributes, body, argument);
}

HIDDEN int pthread_join(unsigned long thread, void** result) {
  return oldest_pthread_join(thread, result);
}

HIDDEN int fstat64(int descriptor, struct stat64* status) {
  return __fxstat64(STAT_VERSION, descriptor, status);
}

[[noreturn]] HIDDEN void throw_bad_array_new_length() __asm__(
    "_ZSt28__throw_bad_array_new_lengthv");  // std::__throw_bad_array_new_length()

void throw_bad_array_new_length() { std::__throw_bad_alloc(); }

}  // extern "C"
