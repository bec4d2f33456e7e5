// Values for JavaScript.
#pragma once

#include <node_api.h>

#include <initializer_list>

#include "../core/backend.h"
#include "../core/pages.h"

namespace emucxl {

struct Field {
  const char* name;
  double value;
};

inline napi_value number(napi_env env, double value) {
  napi_value v = nullptr;
  napi_create_double(env, value, &v);
  return v;
}

inline napi_value boolean(napi_env env, bool value) {
  napi_value v = nullptr;
  napi_get_boolean(env, value, &v);
  return v;
}

inline napi_value undefined(napi_env env) {
  napi_value v = nullptr;
  napi_get_undefined(env, &v);
  return v;
}

inline napi_value object(napi_env env, std::initializer_list<Field> fields) {
  napi_value o = nullptr;
  napi_create_object(env, &o);
  for (const Field& f : fields) napi_set_named_property(env, o, f.name, number(env, f.value));
  return o;
}

inline napi_value to_value(napi_env env, const MoveResult& result) {
  return object(env, {{"moved", static_cast<double>(result.moved)},
                      {"failed", static_cast<double>(result.failed)},
                      {"untouched", static_cast<double>(result.untouched)}});
}

// { pageSize, untouched, nodes: [[NUMA node, pages], …] }
inline napi_value to_value(napi_env env, const Residency& residency, size_t unit) {
  napi_value o = object(env, {{"pageSize", static_cast<double>(unit)},
                              {"untouched", static_cast<double>(residency.untouched)}});
  napi_value nodes = nullptr;
  napi_create_array(env, &nodes);
  uint32_t row = 0;
  for (const auto& [node, pages] : residency.by_node) {
    napi_value pair = nullptr;
    napi_create_array_with_length(env, 2, &pair);
    napi_set_element(env, pair, 0, number(env, node));
    napi_set_element(env, pair, 1, number(env, static_cast<double>(pages)));
    napi_set_element(env, nodes, row++, pair);
  }
  napi_set_named_property(env, o, "nodes", nodes);
  return o;
}

}  // namespace emucxl
