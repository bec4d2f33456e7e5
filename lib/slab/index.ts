// emucxl/slab: objects of some bytes each in the memory of a node.

export { NULL_REF } from './ref.js'
export {
  type SizeClassStats,
  SlabAllocator,
  type SlabAllocatorOptions,
  type SlabAllocatorStats,
} from './slab-allocator.js'
export { SlabCache, type SlabCacheOptions } from './slab-cache.js'
export type { SlabNodeStats, SlabStats } from './stats.js'
