// A key-value store in two tiers: hot entries in local memory, the others in remote memory.

import { checkChoice, checkNode, checkOptions, wrongType } from '../memory/arguments.js'
import { dependOn } from '../memory/closing.js'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../memory/emucxl.js'
import { Access } from './access.js'
import { ChosenPolicy } from './chosen-policy.js'
import type { AnyCodec, ValueOfCodec } from './codec.js'
import { EntryTable } from './entry-table.js'
import { EventQueue } from './event-queue.js'
import type { AnyStore } from './events.js'
import { Expiry } from './expiry.js'
import type { Key } from './key.js'
import { budgetOf, Mover } from './mover.js'
import type { KvStats, KvStoreOptions, KvTierStats, PutOptions } from './options.js'
import type { Tier } from './policy.js'
import { TierAccount, tierState } from './tier-account.js'
import { Tiers } from './tiers.js'
import { ValueCodec } from './value-codec.js'

/**
 * A store of entries with a key and a value, as a cache or a service has: hot entries in local memory, the
 * others in remote memory, none of them in the heap of V8.
 *
 * ```ts
 * const store = new KvStore(cxl, { local: { bytes: 1e9 }, codec: 'utf8' })
 * store.put('answer', '42')
 * store.get('answer') // '42'
 * ```
 *
 * A new entry is local. Where that makes too many, the policy names one that is demoted; where remote memory
 * is full, one that is evicted. What remote memory cannot hold at all is evicted at once. Source: emucxl.txt,
 * section IV-B, Listings 2 to 4.
 *
 * A key is a string or bytes, and never both: `'a'` and `Uint8Array.of(97)` are two keys. Errors of all
 * calls: `TypeError` and `RangeError` for options that are none, and keys and values that cannot be stored;
 * `ERR_EMUCXL_CLOSED` when the store is destroyed or its context closed; `ERR_EMUCXL_BUSY` for calls that
 * would change the store while {@link view} lends memory out; `ERR_EMUCXL_DETACHED` for calls that need memory
 * which was freed, resized or transferred by who had it from there: {@link clear} and {@link destroy} need none.
 * A call that fails loses nothing.
 */
export class KvStore<const C extends AnyCodec = 'bytes'> {
  readonly #table: EntryTable
  readonly #values: ValueCodec
  readonly #tiers: Tiers
  readonly #account: TierAccount
  readonly #policy: ChosenPolicy
  readonly #mover: Mover | undefined
  readonly #expiry: Expiry
  readonly #access: Access
  readonly #events: EventQueue
  readonly #forget: () => void
  /** Kept, since the context knows it weakly. */
  readonly #dependent = { contextClosed: () => this.#end() }

  constructor(cxl: Emucxl, options: KvStoreOptions<C> = {}) {
    if (!(cxl instanceof Emucxl)) throw wrongType('cxl', 'an open Emucxl', cxl)
    checkOptions(options)
    cxl.stats(LOCAL_MEMORY) // it checks the context
    const { policy = 'lru', whenFull = 'evict', codec = 'bytes' } = options
    const { maxValueBytes = 64 << 20, clock, ttl } = options
    const limits = {
      local: tierState(options.local, 'options.local'),
      remote: tierState(options.remote, 'options.remote'),
    }
    const { node = REMOTE_MEMORY } = options.remote ?? {}
    checkNode(node, cxl.nodes, 'options.remote.node')
    const evicts = checkChoice(whenFull, 'options.whenFull', ['evict', 'error']) === 'evict'
    const budget = budgetOf(options.mover)
    this.#values = new ValueCodec(codec, maxValueBytes)
    this.#expiry = new Expiry(ttl, clock)
    this.#table = new EntryTable(
      cxl,
      { local: LOCAL_MEMORY, remote: node },
      { local: limits.local.bytesLimit, remote: limits.remote.bytesLimit },
    )
    if (budget !== undefined) {
      const move = (entry: number) =>
        this.#table.tierOf(entry) === 'remote' && this.#tiers.promote(entry)
      this.#mover = new Mover(budget, move, (moves) => this.#moveApart(moves))
    }
    this.#account = new TierAccount(limits)
    this.#policy = new ChosenPolicy(policy, this.#table, limits.local)
    this.#access = new Access(this.#policy.guard)
    this.#events = new EventQueue(this as AnyStore, this.#table)
    const { policy: decides } = this.#policy
    this.#tiers = new Tiers(this.#table, this.#account, decides, evicts, this.#mover, {
      note: (event, entry) => this.#events.note(event, entry),
      removed: (entry) => {
        this.#mover?.forget(entry)
        this.#expiry.forget(entry)
      },
      expire: (all, mayGo) => this.#expireOne(all, mayGo),
    })
    this.#forget = dependOn(cxl, this.#dependent)
  }

  /** Entries, with those that have expired and were not asked for since. */
  get size(): number {
    return this.#account.entries
  }

  /**
   * Stores a value. A new entry comes to local memory; one that is there keeps its place where the value
   * fits into it, and counts as read.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` where both tiers are full and nothing may be evicted, or the entry is
   * larger than both; `TypeError` for a value that the codec cannot encode, with what JSON or msgpackr
   * says of it as `cause`. What a codec of your own throws, or the `toJSON` of a value, passes as it is. The entry is
   * then as it was.
   */
  put(key: Key, value: ValueOfCodec<C>, options?: PutOptions): void {
    this.#access.checkWritable()
    this.#tick() // before the value is encoded: a clock may put another one
    const expires = this.#expiry.after(options)
    const plain = this.#values.encode(value)
    try {
      this.#access.checkWritable() // once more: what ran was code of the user's
      const found = this.#lookUp(key)
      this.#table.takeValue(plain)
      this.#values.checkLength(this.#table.value.length)
      const entry = found < 0 ? this.#tiers.insert() : this.#tiers.update(found)
      // A policy may have made it go at once, which is not the caller's affair.
      if (this.#table.records.has(entry)) this.#expiry.set(entry, expires)
    } finally {
      this.#table.value.drop()
      this.#events.publish()
    }
  }

  /** A value; undefined where there is none. */
  get(key: Key): ValueOfCodec<C> | undefined {
    const entry = this.#find(key)
    if (entry < 0) {
      this.#missed(key)
      return undefined
    }
    const { tier } = this.#table.heap.memory
    const value = this.#values.read(this.#table)
    this.#hit(entry, tier)
    return this.#values.decoded(value) as ValueOfCodec<C>
  }

  /** Values, in the order of their keys. */
  getMany(keys: Iterable<Key>): (ValueOfCodec<C> | undefined)[] {
    if (typeof (keys as Iterable<Key> | undefined)?.[Symbol.iterator] !== 'function') {
      throw wrongType('keys', 'keys that can be iterated', keys)
    }
    return Array.from(keys, (key) => this.get(key))
  }

  /** Whether there is an entry. It does not count as read. */
  has(key: Key): boolean {
    const found = this.#find(key) >= 0
    this.#events.publish()
    return found
  }

  /** Removes an entry; returns whether there was one. */
  delete(key: Key): boolean {
    this.#access.checkWritable()
    const entry = this.#find(key)
    if (entry >= 0) this.#tiers.remove(entry)
    this.#events.publish()
    return entry >= 0
  }

  /**
   * Removes all entries, and gives their memory back, that of the bookkeeping too. What a policy knows besides,
   * as its sketch of what was read and the ghosts of `adaptive`, stays as it is. What a policy of your
   * own throws is thrown when all are gone.
   */
  clear(): void {
    this.#access.checkWritable()
    try {
      this.#tiers.clear()
    } finally {
      this.#expiry.clear()
      this.#policy.clear()
    }
  }

  /** Where an entry is; undefined where there is none. It does not count as read. */
  tierOf(key: Key): Tier | undefined {
    const entry = this.#find(key)
    const tier = entry < 0 ? undefined : this.#table.tierOf(entry)
    this.#events.publish() // who hears it may remove the entry
    return tier
  }

  /**
   * Moves an entry to local memory, whatever the policy says; where that is full another one is demoted.
   * Returns whether it is local then: not where there is no such entry, or no room for it.
   */
  promote(key: Key): boolean {
    this.#access.checkWritable()
    try {
      const entry = this.#find(key)
      return entry >= 0 && (this.#table.tierOf(entry) === 'local' || this.#tiers.promote(entry))
    } finally {
      this.#events.publish()
    }
  }

  /** Moves an entry to remote memory. Returns whether it is there then. Errors: as {@link put}. */
  demote(key: Key): boolean {
    this.#access.checkWritable()
    try {
      const entry = this.#find(key)
      if (entry >= 0 && this.#table.tierOf(entry) === 'local') this.#tiers.demote(entry)
      return entry >= 0
    } finally {
      this.#events.publish()
    }
  }

  /**
   * Does the moves that wait now: see {@link KvStoreOptions.mover}. Returns how many entries were promoted.
   */
  settle(): number {
    this.#access.checkWritable()
    try {
      return this.#mover?.moveUntil(Number.POSITIVE_INFINITY) ?? 0
    } finally {
      this.#events.publish()
    }
  }

  /**
   * Calls `fn` with the bytes of a value where they lie, without a copy, and returns what it returns;
   * undefined where there is no entry. The bytes are the value's as long as `fn` runs, and then perhaps
   * another's: copy what is to be kept. `fn` must not write into them, nor change the store, nor free, resize or
   * transfer their buffer, which has other entries, too.
   */
  view<R>(key: Key, fn: (value: Uint8Array) => R): R | undefined {
    if (typeof fn !== 'function') throw wrongType('fn', 'a function', fn)
    const entry = this.#find(key)
    if (entry < 0) {
      this.#missed(key)
      return undefined
    }
    const { valueAt, valueLength, heap } = this.#table
    const bytes = new Uint8Array(heap.memory.bytes.buffer, valueAt, valueLength)
    this.#access.viewing++
    try {
      return fn(bytes)
    } finally {
      this.#access.viewing--
      if (!this.#access.ended) this.#hit(entry, this.#table.tierOf(entry))
    }
  }

  /** Keys and values, in no order. What is added meanwhile may be told or not. It does not count as read. */
  *entries(): Generator<[key: Key, value: ValueOfCodec<C>], void, void> {
    const values = this.#values
    for (const key of this.#keys()) {
      yield [key, values.decoded(values.read(this.#table)) as ValueOfCodec<C>]
    }
  }

  /** The keys of {@link entries}. */
  keys(): Generator<Key, void, void> {
    return this.#keys()
  }

  /** The keys; whoever takes one finds that its entry was read last. */
  *#keys(): Generator<Key, void, void> {
    this.#access.checkOpen()
    this.#tick()
    for (const entry of this.#table.entries()) {
      if (this.#expiry.isOver(entry)) continue
      this.#table.read(entry)
      yield this.#table.storedKey
      this.#tick()
    }
  }

  /** The values of {@link entries}. */
  *values(): Generator<ValueOfCodec<C>, void, void> {
    for (const [, value] of this.entries()) yield value
  }

  /** {@link entries}. */
  [Symbol.iterator](): Generator<[key: Key, value: ValueOfCodec<C>], void, void> {
    return this.entries()
  }

  /** The account. It takes a moment where there are thousands of slabs. */
  stats(): KvStats {
    this.#access.checkOpen()
    const { heap } = this.#table
    const tier = (name: Tier): KvTierStats => {
      const { entries, bytes } = this.#account.state(name)
      return { entries, bytes, bytesMapped: heap.mapped[name] }
    }
    return {
      entries: this.size,
      local: tier('local'),
      remote: tier('remote'),
      bookkeepingBytes: this.#bookkeeping(),
      movesWaiting: this.#mover?.waiting ?? 0,
      ...this.#account.counters,
    }
  }

  #bookkeeping(): number {
    const ofMover = this.#mover?.bytes ?? 0
    return this.#table.bytes + this.#expiry.bytes + ofMover + this.#policy.bytes
  }

  /** Gives all memory back. A second call does nothing. */
  destroy(): void {
    if (this.#access.destroyed) return
    this.#policy.guard?.check()
    this.#access.destroyed = true
    this.#forget()
    const { heap } = this.#table
    this.#end()
    heap.clear()
  }

  /** {@link destroy}, at the end of a block that has the store as `using`. */
  [Symbol.dispose](): void {
    this.destroy()
  }

  #end(): void {
    this.#access.ended = true
    this.#tiers.end()
  }

  /** The entry with a key, which is the key at hand then, if it has not expired: it is read. -1 for none. */
  #find(key: Key): number {
    this.#tick()
    return this.#lookUp(key)
  }

  /** Looks at the clock, which may do what it likes, and then whether there still is a store. */
  #tick(): void {
    const { guard } = this.#policy
    if (guard !== undefined) guard.check()
    if (this.#expiry.any) this.#expiry.tick()
    if (this.#access.ended) this.#access.checkOpen()
  }

  #lookUp(key: Key): number {
    const expiry = this.#expiry
    this.#table.key.take(key)
    const entry = this.#table.find()
    if (!expiry.any || entry < 0 || !expiry.isOver(entry)) return entry
    if (this.#access.viewing === 0) {
      this.#expired(entry)
    }
    return -1
  }

  /** An entry was read. */
  #hit(entry: number, tier: Tier): void {
    const { counters } = this.#account
    if (tier === 'local') counters.localHits++
    else counters.remoteHits++
    this.#events.note('hit', entry)
    this.#tiers.touched(entry, tier, this.#access.viewing === 0)
    this.#events.publish()
  }

  #missed(key: Key): void {
    this.#account.counters.misses++
    this.#events.noteMiss(key)
    this.#events.publish()
  }

  /** See {@link RoomHooks.expire}. */
  #expireOne(all: boolean, mayGo: (entry: number) => boolean): boolean {
    const entry = this.#expiry.next(this.#table.records, all, mayGo)
    if (entry >= 0) this.#expired(entry)
    return entry >= 0
  }

  #expired(entry: number): void {
    this.#events.note('expire', entry)
    this.#tiers.remove(entry)
    this.#account.counters.expirations++
  }

  /** A batch of moves, outside any call: what fails there is told by the next call that changes the store. */
  #moveApart(moves: () => void): void {
    if (this.#access.ended) return
    try {
      moves()
      this.#events.publish()
    } catch (error) {
      this.#access.failure = { error }
      this.#mover?.clear()
    }
  }
}
