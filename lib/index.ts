// What the package exports.

export * from './kv/index.js'
export type { Address, Bytes } from './memory/arguments.js'
export type { BackendName } from './memory/backends.js'
export { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from './memory/emucxl.js'
export { EmucxlError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './memory/errors.js'
export type { AsyncOptions } from './memory/jobs.js'
export {
  LATENCY_PRESETS,
  type LatencyModel,
  type LatencyPreset,
  type NodeLatency,
} from './memory/latency-model.js'
export type { AllocOptions, HugePages, Node, OpenOptions, PageOptions } from './memory/options.js'
export type {
  Mapping,
  MigrateResult,
  NodeStats,
  Ranges,
  Residency,
  SharedHandle,
} from './memory/reports.js'
export * from './queue/index.js'
export * from './slab/index.js'
export {
  emucxl_alloc,
  emucxl_exit,
  emucxl_free,
  emucxl_get_numa_node,
  emucxl_get_size,
  emucxl_init,
  emucxl_is_local,
  emucxl_memcpy,
  emucxl_memmove,
  emucxl_memset,
  emucxl_migrate,
  emucxl_read,
  emucxl_resize,
  emucxl_stats,
  emucxl_write,
} from './standard.js'
