#include "balance.h"

namespace emucxl {
namespace {

// V8 aborts the process when the count would become negative (Node.js 24 and 26), and it takes a
// dropped buffer off before anybody is told. A base that no sum of buffers reaches rules that out.
constexpr int64_t kBase = int64_t{1} << 44;

// V8 collects at 64 MiB above the low mark. Larger blocks swing across it whatever is done.
constexpr size_t kLargest = size_t{32} << 20;

// Until an environment has allocated as much, V8 would not have collected either. The base costs a
// full collection and leaves V8 with a low limit of its heap, which a short program should not pay
// for; at that limit Node.js 24 and 26 can hang in process.exit() (nodejs/node#54918: a compiler
// thread waits for a collection that the main thread does not begin any more).
constexpr size_t kUnnoticed = size_t{64} << 20;

}  // namespace

bool hide_from_v8(Environment& e, size_t size) {
  if (size > kLargest) return false;
  int64_t ignored = 0;
  if (!e.balance_based) {
    e.counted += size;
    if (e.counted <= kUnnoticed) return false;
    if (napi_adjust_external_memory(e.env, kBase, &ignored) != napi_ok) return false;
    e.balance_based = true;
  }
  return napi_adjust_external_memory(e.env, -static_cast<int64_t>(size), &ignored) == napi_ok;
}

void show_to_v8(napi_env env, size_t size) {
  int64_t ignored = 0;
  napi_adjust_external_memory(env, static_cast<int64_t>(size), &ignored);
}

}  // namespace emucxl
