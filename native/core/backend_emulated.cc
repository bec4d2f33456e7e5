// Ordinary memory: the node is bookkeeping alone. Always works.
#include "backend.h"

namespace emucxl {
namespace {

class Emulated final : public Backend {
 public:
  const char* name() const override { return "emulated"; }
  Capabilities can() const override { return {false, true, true}; }

  Failure map(const MapRequest& request, Range* out) override {
    return map_anonymous(request.length, request.huge, out);
  }

  // Nothing moves: the pages count as moved because from now on they are booked on the other node.
  Failure move(const Range& range, int /*from*/, int /*to*/, const std::atomic<bool>& /*cancelled*/,
               MoveResult* out) override {
    out->moved = range.length / range.unit;
    return success();
  }
};

}  // namespace

std::unique_ptr<Backend> open_emulated(Failure* /*failure*/) {
  return std::make_unique<Emulated>();
}

}  // namespace emucxl
