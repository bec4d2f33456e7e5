// The entry of both suites. Every test is a file of unit/ or limits/.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
