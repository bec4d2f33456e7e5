// emucxl/kv: a key-value store in two tiers.

export type { AnyCodec, Codec, CodecLike, NamedCodecs, ValueOfCodec } from './codec.js'
export type { EntryList } from './entry-list.js'
export type { AnyStore, KvEvent } from './events.js'
export type { Key } from './key.js'
export {
  type KvLimits,
  type KvStats,
  KvStore,
  type KvStoreOptions,
  type KvTierStats,
  type PutOptions,
} from './kv-store.js'
export { policies, type ThresholdOptions, threshold } from './policies/index.js'
export { lru } from './policies/lru.js'
export type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from './policy.js'
