// Passes of each kernel, and that what they must not do to the contents is found.
#include "sweep.h"

#include <doctest/doctest.h>

#include "operations.h"
#include "sweep_contents.h"

namespace emucxl {
namespace {

constexpr Kernel kKernels[] = {Kernel::read, Kernel::write, Kernel::copy, Kernel::triad};
constexpr size_t kOdd = 300 * kSharePage + 1234 * kShareWord + 5;

// As a sweep of one thread does, but that `spoil` comes before the check.
template <typename Spoil>
bool is_valid_after(const Operation& operation, Spoil spoil) {
  SweepContents contents(operation);
  contents.fill();
  Run run;
  for (Shares::Walk walk(operation.shares, 0); walk.next(SIZE_MAX, &run);) {
    operation.work(run, 0x0102030405060708);
  }
  spoil(contents);
  contents.check(0x0102030405060708);
  return contents.as_they_must_be();
}

uint64_t* word(const Operation& operation, size_t operand, size_t i) {
  return reinterpret_cast<uint64_t*>(operation.operands[operand][0].start) + i;
}

}  // namespace

TEST_CASE("every kernel leaves what it must, in one part and in several") {
  const Opened opened;
  for (const Kernel kernel : kKernels) {
    for (const size_t threads : {1, 3, 16}) {
      const std::vector<int> cpus(threads, -1);
      for (const bool parts : {false, true}) {
        const Operation operation =
            parts ? operation_over(opened, kernel, {kOdd, kOdd / 2}, {3, 1}, cpus)
                  : operation_over(opened, kernel, {kOdd}, {1}, cpus);
        SweepResult result;
        CHECK_FALSE(sweep(operation, 3, &result));
        CHECK(result.valid);
        CHECK(result.ns_of_pass.size() == 3);
        CHECK(operation.bytes() == operand_count(kernel) * operation.shares.bytes());
      }
    }
  }
}

TEST_CASE("a word that is wrong is found, wherever it is") {
  const Opened opened;
  for (const Kernel kernel : {Kernel::write, Kernel::copy, Kernel::triad}) {
    const Operation operation = operation_over(opened, kernel, {kOdd}, {1}, {-1});
    CHECK(is_valid_after(operation, [](const SweepContents&) {}));
    for (size_t operand = 0; operand < operand_count(kernel); ++operand) {
      for (const size_t i : {size_t{0}, kOdd / 16, kOdd / kShareWord - 1}) {
        CHECK_FALSE(is_valid_after(
            operation, [&](const SweepContents&) { *word(operation, operand, i) ^= 1; }));
      }
    }
    CHECK_FALSE(is_valid_after(operation, [&](const SweepContents&) {
      std::swap(*word(operation, operand_count(kernel) - 1, 3), *word(operation, 0, 4));
      *word(operation, 0, 4) += 1;
    }));
  }
}

TEST_CASE("a copy of the wrong words is found") {
  const Opened opened;
  const Operation operation = operation_over(opened, Kernel::copy, {kOdd}, {1}, {-1});
  CHECK_FALSE(is_valid_after(operation, [&](const SweepContents&) {
    *word(operation, 0, 1000) = *word(operation, 1, 1001);
  }));
}

TEST_CASE("the sum is that of all words, each once") {
  const Opened opened;
  const Operation operation = operation_over(opened, Kernel::read, {kOdd}, {1}, {-1});
  SweepContents contents(operation);
  contents.fill();
  CHECK(operation.work({0, 0, operation.shares.bytes()}, 0) == contents.sum());
  CHECK(operation.work({0, 0, operation.shares.bytes() - kShareWord}, 0) != contents.sum());
}

TEST_CASE("a thread runs on the CPU that was named, or says that it does not") {
  const Opened opened;
  for (const auto& [cpus, pinned] :
       {std::pair{std::vector<int>{-1}, false}, std::pair{std::vector<int>{0, 8191}, false},
        std::pair{std::vector<int>{INT32_MAX}, false}}) {
    const Operation operation = operation_over(opened, Kernel::read, {kOdd}, {1}, cpus);
    SweepResult result;
    CHECK_FALSE(sweep(operation, 1, &result));
    CHECK(result.pinned == pinned);
    CHECK(result.valid);
  }
}

TEST_CASE("the latency model slows a sweep: threads and operands share the bandwidth of a node") {
  const Opened opened;
  for (const uint32_t node : {0U, 1U}) opened.get()->nodes[node].latency = {0, 0.1};
  const size_t bytes = 64 * kSharePage;
  const size_t ns = bytes * 2 * 10;
  for (const size_t threads : {1, 2}) {
    const std::vector<int> cpus(threads, -1);
    const Operation operation = operation_over(opened, Kernel::copy, {bytes}, {1}, cpus);
    SweepResult result;
    CHECK_FALSE(sweep(operation, 1, &result));
    CHECK(result.ns_of_pass[0] >= ns);
    CHECK(result.ns_of_pass[0] < 10 * ns);
  }
}

}  // namespace emucxl
