// emucxl/kv: a key-value store in two tiers.

export type { AnyCodec, Codec, CodecLike, NamedCodecs, ValueOfCodec } from './codec.js'
export type { EntryList } from './entry-list.js'
export type { AnyStore, KvEvent } from './events.js'
export type { Key } from './key.js'
export { KvStore } from './kv-store.js'
export type {
  KvLimits,
  KvStats,
  KvStoreOptions,
  KvTierStats,
  MoverOptions,
  PutOptions,
} from './options.js'
export { policies, type ThresholdOptions, threshold } from './policies/index.js'
export type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from './policy.js'
