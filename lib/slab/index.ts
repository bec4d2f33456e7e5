// emucxl/slab: objects of some bytes each in the memory of a node.

export type { Getter, Getters, Setter, Setters } from './accessors.js'
export {
  type ArrayType,
  array,
  bigint64,
  biguint64,
  boolean,
  bytes,
  type FieldType,
  float32,
  float64,
  int8,
  int16,
  int32,
  ref,
  uint8,
  uint16,
  uint32,
  utf8,
  type ValueOf,
} from './field-types.js'
export { NULL_REF } from './ref.js'
export {
  type SizeClassStats,
  SlabAllocator,
  type SlabAllocatorOptions,
  type SlabAllocatorStats,
} from './slab-allocator.js'
export { SlabCache, type SlabCacheOptions } from './slab-cache.js'
export type { SlabNodeStats, SlabStats } from './stats.js'
export { type Fields, type StructType, type StructValue, struct } from './struct.js'
export { StructCache, type StructCacheOptions } from './struct-cache.js'
