// What decides which entries are in local memory, which go first, and which are lost when all is full. A
// policy never moves anything: it is asked, and told what happened.

import type { EntryList } from './entry-list.js'

/** Where an entry is. */
export type Tier = 'local' | 'remote'

/** What a store offers to its policy. */
export interface PolicyHost {
  /** A list of entries, empty. */
  list(): EntryList
  /**
   * A number of 0 to 255 for each entry, 0 at first. It is the policy's to set back for entries that are
   * added: numbers of entries are used again.
   */
  bytes(): EntryBytes
  /** The hash of an entry's key: 32 bits, the same as long as the process lives. */
  hash(entry: number): number
  /** Entries that local memory can have: those that are there now, and {@link KvLimits.objects} at most. */
  readonly localObjects: number
}

/** See {@link PolicyHost.bytes}. */
export interface EntryBytes {
  /** An entry's number. */
  get(entry: number): number
  /** Gives an entry another number, of 0 to 255. */
  set(entry: number, value: number): void
}

/**
 * Rules for two tiers. Entries are numbers. The store calls these for each entry in turn: `added`, then
 * `hit` any number of times, `demoted` and `promoted` by turns, `removed`.
 */
export interface Policy {
  /** A new entry, in local memory. */
  added(entry: number): void
  /**
   * An entry was read, or its value replaced. Returns whether it should be promoted, which is heeded only
   * where it is remote: {@link promoted} tells when it was done, which may be never.
   */
  hit(entry: number, tier: Tier): boolean
  /** An entry is local now. */
  promoted(entry: number): void
  /** An entry is remote now. */
  demoted(entry: number): void
  /** An entry is gone. */
  removed(entry: number, tier: Tier): void
  /** The local entry to be demoted next; asked only where there is one. Whether it was, `demoted` tells. */
  localVictim(): number
  /** The remote entry to be evicted next; asked only where there is one. */
  remoteVictim(): number
}

/** Makes a policy for a store: what is passed as `policy`. */
export type PolicyFactory = (host: PolicyHost) => Policy
