#include "crew.h"

#include <utility>

namespace emucxl {

Meeting::~Meeting() {
  pthread_cond_destroy(&complete_);
  pthread_mutex_destroy(&mutex_);
}

bool Meeting::attend(const std::function<void()>& last) {
  pthread_mutex_lock(&mutex_);
  const size_t this_one = meetings_;
  if (!off_ && ++present_ == members_) {
    if (last) last();
    present_ = 0;
    ++meetings_;
    pthread_cond_broadcast(&complete_);
  }
  while (!off_ && meetings_ == this_one) pthread_cond_wait(&complete_, &mutex_);
  const bool held = meetings_ != this_one;
  pthread_mutex_unlock(&mutex_);
  return held;
}

void Meeting::call_off() {
  pthread_mutex_lock(&mutex_);
  off_ = true;
  pthread_cond_broadcast(&complete_);
  pthread_mutex_unlock(&mutex_);
}

Failure Crew::start(size_t threads, std::function<void(size_t thread)> body) {
  body_ = std::move(body);
  members_.reserve(threads);  // they must not move: each thread has the address of its own
  for (size_t i = 0; i < threads; ++i) {
    members_.push_back({this, i, {}});
    const int error = pthread_create(&members_.back().id, nullptr, run, &members_.back());
    if (error == 0) continue;
    members_.pop_back();
    return fail("ERR_EMUCXL_NO_MEMORY",
                "only " + std::to_string(i) + " of " + std::to_string(threads) +
                    " threads could be started: ask for fewer, or raise the limits (ulimit -u, "
                    "ulimit -v, pids.max of the container)",
                "pthread_create", error);
  }
  return success();
}

void Crew::join() {
  for (const Member& member : members_) pthread_join(member.id, nullptr);
  members_.clear();
}

void* Crew::run(void* member) {
  const auto* self = static_cast<const Member*>(member);
  self->crew->body_(self->thread);
  return nullptr;
}

}  // namespace emucxl
