// A backend that does what a test tells it to: it fails where a real one seldom does.
#pragma once

#include <functional>

#include "backend.h"

namespace emucxl {

struct Script {
  Capabilities can{true, false, false};  // one mapping for each region
  Failure map_failure;
  Failure move_failure;
  std::function<void()> during_move = [] {};
  std::function<void()> during_populate = [] {};
  int maps = 0;
  int moves = 0;
  size_t populated = 0;  // bytes; none of them is touched
  bool destroyed = false;
};

class ScriptedBackend final : public Backend {
 public:
  explicit ScriptedBackend(Script* script) : script_(*script) {}
  ~ScriptedBackend() override { script_.destroyed = true; }
  ScriptedBackend(const ScriptedBackend&) = delete;
  ScriptedBackend& operator=(const ScriptedBackend&) = delete;

  const char* name() const override { return "scripted"; }
  Capabilities can() const override { return script_.can; }

  Failure map(const MapRequest& request, Range* out) override {
    ++script_.maps;
    if (script_.map_failure) return script_.map_failure;
    return map_anonymous(request.length, request.huge, out);
  }

  Failure populate(const Range& range, int /*numa_node*/) override {
    script_.populated += range.length;
    script_.during_populate();
    return success();
  }

  Failure move(const Range& range, int /*from*/, int /*to*/, const std::atomic<bool>& /*cancelled*/,
               MoveResult* out) override {
    ++script_.moves;
    script_.during_move();
    if (script_.move_failure) return script_.move_failure;
    out->moved = range.length / range.unit;
    return success();
  }

 private:
  Script& script_;
};

}  // namespace emucxl
