// What a store is told, and what it tells of itself.

import type { AnyCodec } from './codec.js'
import type { policies } from './policies/index.js'
import type { PolicyFactory } from './policy.js'

/** How much a tier can have. What is left out is not limited, but for the capacity of the node. */
export interface KvLimits {
  /** Entries. */
  objects?: number
  /** Bytes of entries: key, value, and 4 to 12 bytes more. */
  bytes?: number
}

/** Options of the moves that wait. */
export interface MoverOptions {
  /** Milliseconds that may be spent on moves in one turn of the event loop. Default 1. */
  budgetMs?: number
}

/** Options of a {@link KvStore}. */
export interface KvStoreOptions<C extends AnyCodec = 'bytes'> {
  /** Limits of local memory, where new entries come. */
  local?: KvLimits
  /**
   * Limits of remote memory, and its node. Default: the first remote node. With node 0 both tiers are in local
   * memory.
   */
  remote?: KvLimits & { node?: number }
  /**
   * Which entries are demoted and promoted, and which go first: the name of a policy, or one's own.
   * Default `lru`.
   */
  policy?: keyof typeof policies | PolicyFactory
  /**
   * What happens when both tiers are full: `evict` makes room by losing an entry, `error` refuses the new
   * one with `ERR_EMUCXL_NO_MEMORY`. Default `evict`.
   */
  whenFull?: 'evict' | 'error'
  /**
   * Whether entries that are to be promoted wait, and move in batches between the turns of the event loop,
   * so that no read takes the time of a move. Default: they move at once, during the read.
   */
  mover?: boolean | MoverOptions
  /** How values become bytes. Default `bytes`. */
  codec?: C
  /** Milliseconds after which an entry is gone, unless `put` says otherwise. Default: never. */
  ttl?: number
  /** Bytes that a value can have. Default 64 MiB; at most 512 MiB. */
  maxValueBytes?: number
  /** The time in milliseconds, for `ttl`: a clock that never goes back. Default `performance.now`. */
  clock?: () => number
}

/** Options of {@link KvStore.put}. */
export interface PutOptions {
  /** Milliseconds after which the entry is gone. Default: that of the store. `Infinity`: never. */
  ttl?: number
}

/** What a store has in a tier. */
export interface KvTierStats {
  entries: number
  /** Bytes of the entries: keys, values, and 4 to 12 bytes more for each. */
  bytes: number
  /** Bytes that are mapped for them. */
  bytesMapped: number
}

/** The account of a store: what there is, and what happened since it was made. */
export interface KvStats {
  entries: number
  local: KvTierStats
  remote: KvTierStats
  /** Bytes of the bookkeeping, in typed arrays, without ghosts and sketches of the policy. */
  bookkeepingBytes: number
  /** Reads that found their entry in local memory, in remote memory, and not at all. */
  localHits: number
  remoteHits: number
  misses: number
  promotions: number
  demotions: number
  /** Bytes that were moved by these. */
  bytesMoved: number
  evictions: number
  expirations: number
  /** Entries that wait for their promotion: see {@link KvStoreOptions.mover}. */
  movesWaiting: number
}
