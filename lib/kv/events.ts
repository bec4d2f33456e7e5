// What is told of entries through node:diagnostics_channel.

import type { Key } from './key.js'
import type { KvStore } from './kv-store.js'
import type { Tier } from './policy.js'

/** A store with any codec. */
export type AnyStore = Pick<KvStore, 'has' | 'delete' | 'size' | 'tierOf' | 'stats' | 'destroy'>

/** What is told of an entry. */
export interface KvEvent {
  store: AnyStore
  key: Key
  /** Where the entry is, or was when it went; after a move, where it came to. Not for a miss. */
  tier?: Tier
}
