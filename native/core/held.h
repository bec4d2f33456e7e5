// A region, held for as long as this lives: its addresses serve nobody else until then.
#pragma once

#include <utility>

#include "region.h"

namespace emucxl {

class Held {
 public:
  Held() = default;
  explicit Held(Region* region) : region_(region) {}
  Held(Held&& other) noexcept : region_(other.region_) { other.region_ = nullptr; }
  Held& operator=(Held&& other) noexcept {
    std::swap(region_, other.region_);
    return *this;
  }
  ~Held() {
    if (region_ != nullptr) RegionTable::instance().drop(region_);
  }
  Region* get() const { return region_; }
  Region* operator->() const { return region_; }
  explicit operator bool() const { return region_ != nullptr; }

 private:
  Region* region_ = nullptr;
};

}  // namespace emucxl
