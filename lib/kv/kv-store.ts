// A key-value store in two tiers: hot entries in local memory, the others in remote memory.

import { types } from 'node:util'
import {
  checkBytes,
  checkChoice,
  checkNode,
  checkOptions,
  outOfRange,
  wrongType,
} from '../memory/arguments.js'
import { dependOn } from '../memory/closing.js'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { channels } from './channels.js'
import { CheckedList, checkEntry } from './checked-list.js'
import type { AnyCodec, Codec, ValueOfCodec } from './codec.js'
import { EntryList } from './entry-list.js'
import { EntryNumbers } from './entry-numbers.js'
import { EntryTable } from './entry-table.js'
import type { AnyStore, KvEvent } from './events.js'
import { Expiry } from './expiry.js'
import { codecOf, type InnerCodec } from './inner-codec.js'
import type { Key } from './key.js'
import { budgetOf, Mover } from './mover.js'
import type { KvStats, KvStoreOptions, KvTierStats, PutOptions } from './options.js'
import { policies } from './policies/index.js'
import type { Policy, PolicyFactory, PolicyHost, Tier } from './policy.js'
import { PolicyGuard } from './policy-guard.js'
import { type TierState, Tiers, tierState } from './tiers.js'

/** Entries that are looked at for one that has expired, before another one is evicted. */
const LOOKS = 64

const MOST_VALUE_BYTES = 512 << 20

/** Refuses values of more bytes than a store takes. */
function checkLength(bytes: number, most: number): void {
  if (bytes > most) throw outOfRange('value', `at most ${most} bytes: see maxValueBytes`, bytes)
}

function policyOf(policy: unknown): PolicyFactory {
  if (typeof policy === 'function') return policy as PolicyFactory
  const names = Object.keys(policies) as (keyof typeof policies)[]
  return policies[checkChoice(policy, 'options.policy', names)]
}

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
  readonly #codec: InnerCodec<unknown>
  readonly #own: Codec<unknown> | undefined
  readonly #tiers: Tiers
  /** For a policy of the user's. */
  #guard: PolicyGuard | undefined
  readonly #mover: Mover | undefined
  readonly #maxValueBytes: number
  readonly #expiry: Expiry
  /** What the policy keeps of entries. */
  readonly #numbers: EntryNumbers[] = []
  readonly #forget: () => void
  /** Kept, since the context knows it weakly. */
  readonly #dependent = { contextClosed: () => this.#end() }
  /** What happened during the call that is under way. */
  readonly #events: [keyof typeof channels, KvEvent][] = []
  /** Calls of {@link view} that are under way. */
  #viewing = 0
  #ended = false
  /** What a move met that nobody waited for. */
  #failure: { error: unknown } | undefined
  #destroyed = false
  /** The entry that was looked at last for one that has expired. */
  #hand = 0

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
    checkBytes(maxValueBytes, 'options.maxValueBytes', 0)
    if (maxValueBytes > MOST_VALUE_BYTES) {
      throw outOfRange('options.maxValueBytes', 'at most 512 MiB', maxValueBytes)
    }
    this.#maxValueBytes = maxValueBytes
    this.#expiry = new Expiry(ttl, clock)
    ;[this.#codec, this.#own] = codecOf(codec)
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
    const decides = this.#policyOf(policy, limits.local)
    this.#tiers = new Tiers(this.#table, limits, decides, evicts, this.#mover, {
      note: (event, entry) => this.#note(event, entry),
      removed: (entry) => this.#expiry.forget(entry),
      expire: (all, mayGo) => this.#expireOne(all, mayGo),
    })
    this.#forget = dependOn(cxl, this.#dependent)
  }

  #policyOf(policy: unknown, local: TierState): Policy {
    const table = this.#table
    const isTrusted = typeof policy !== 'function' // those of the package are
    const host: PolicyHost = {
      list: () => (isTrusted ? new EntryList(table.records) : new CheckedList(table.records)),
      bytes: () => {
        const numbers = new EntryNumbers(Uint8Array)
        this.#numbers.push(numbers)
        return numbers
      },
      hash: (entry) => {
        if (!isTrusted) checkEntry(table.records, entry, 'hash()')
        return table.hash(entry)
      },
      get localObjects() {
        return Math.min(local.objectsLimit, Math.max(1, local.entries))
      },
    }
    const made = policyOf(policy)(host)
    if (isTrusted) return made
    const tierOf = (entry: number) => (table.records.has(entry) ? table.tierOf(entry) : undefined)
    this.#guard = new PolicyGuard(made, tierOf)
    return this.#guard
  }

  /** Entries, with those that have expired and were not asked for since. */
  get size(): number {
    return this.#tiers.local.entries + this.#tiers.remote.entries
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
    this.#checkWritable()
    this.#tick() // before the value is encoded: a clock may put another one
    const expires = this.#expiry.after(options)
    const own = this.#own?.encode(value)
    if (this.#own !== undefined && !types.isUint8Array(own)) {
      throw wrongType('what options.codec.encode() returned', 'a Uint8Array', own)
    }
    const plain = this.#codec.encode(own ?? value)
    checkLength(plain.length, this.#maxValueBytes) // no text is longer than its bytes
    try {
      this.#checkWritable() // once more: what ran was code of the user's
      const found = this.#lookUp(key)
      this.#table.takeValue(plain)
      checkLength(this.#table.value.length, this.#maxValueBytes)
      const entry = found < 0 ? this.#tiers.insert() : this.#tiers.update(found)
      // A policy may have made it go at once, which is not the caller's affair.
      if (this.#table.records.has(entry)) this.#expiry.set(entry, expires)
    } finally {
      this.#table.value.drop()
      this.#publish()
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
    const value = this.#valueRead()
    this.#hit(entry, tier)
    return this.#decoded(value)
  }

  /** The value of the entry that was read last, as far as the store decodes it itself. */
  #valueRead(): unknown {
    const { valueAt, valueLength, ascii, heap } = this.#table
    return this.#codec.decode(heap.memory, valueAt, valueAt + valueLength, ascii)
  }

  #decoded(value: unknown): ValueOfCodec<C> {
    if (this.#own === undefined) return value as ValueOfCodec<C>
    // Most codecs are faster with a Buffer, and make other Buffers of it.
    const { buffer, byteOffset, length } = value as Uint8Array<ArrayBuffer>
    return this.#own.decode(Buffer.from(buffer, byteOffset, length)) as ValueOfCodec<C>
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
    this.#publish()
    return found
  }

  /** Removes an entry; returns whether there was one. */
  delete(key: Key): boolean {
    this.#checkWritable()
    const entry = this.#find(key)
    if (entry >= 0) this.#tiers.remove(entry)
    this.#publish()
    return entry >= 0
  }

  /**
   * Removes all entries, and gives their memory back, that of the bookkeeping too. What a policy knows besides,
   * as its sketch of what was read and the ghosts of `adaptive`, stays as it is. What a policy of your
   * own throws is thrown when all are gone.
   */
  clear(): void {
    this.#checkWritable()
    try {
      this.#tiers.clear()
    } finally {
      this.#expiry.clear()
      for (const numbers of this.#numbers) numbers.clear()
    }
  }

  /** Where an entry is; undefined where there is none. It does not count as read. */
  tierOf(key: Key): Tier | undefined {
    const entry = this.#find(key)
    const tier = entry < 0 ? undefined : this.#table.tierOf(entry)
    this.#publish() // who hears it may remove the entry
    return tier
  }

  /**
   * Moves an entry to local memory, whatever the policy says; where that is full another one is demoted.
   * Returns whether it is local then: not where there is no such entry, or no room for it.
   */
  promote(key: Key): boolean {
    this.#checkWritable()
    try {
      const entry = this.#find(key)
      return entry >= 0 && (this.#table.tierOf(entry) === 'local' || this.#tiers.promote(entry))
    } finally {
      this.#publish()
    }
  }

  /** Moves an entry to remote memory. Returns whether it is there then. Errors: as {@link put}. */
  demote(key: Key): boolean {
    this.#checkWritable()
    try {
      const entry = this.#find(key)
      if (entry >= 0 && this.#table.tierOf(entry) === 'local') this.#tiers.demote(entry)
      return entry >= 0
    } finally {
      this.#publish()
    }
  }

  /**
   * Does the moves that wait now: see {@link KvStoreOptions.mover}. Returns how many entries were promoted.
   */
  settle(): number {
    this.#checkWritable()
    try {
      return this.#mover?.moveUntil(Number.POSITIVE_INFINITY) ?? 0
    } finally {
      this.#publish()
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
    this.#viewing++
    try {
      return fn(bytes)
    } finally {
      this.#viewing--
      if (!this.#ended) this.#hit(entry, this.#table.tierOf(entry))
    }
  }

  /** Keys and values, in no order. What is added meanwhile may be told or not. It does not count as read. */
  *entries(): Generator<[key: Key, value: ValueOfCodec<C>], void, void> {
    for (const key of this.#keys()) yield [key, this.#decoded(this.#valueRead())]
  }

  /** The keys of {@link entries}. */
  keys(): Generator<Key, void, void> {
    return this.#keys()
  }

  /** The keys; whoever takes one finds that its entry was read last. */
  *#keys(): Generator<Key, void, void> {
    this.#checkOpen()
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
    this.#checkOpen()
    const { heap } = this.#table
    const tier = (name: Tier): KvTierStats => {
      const { entries, bytes } = this.#tiers.state(name)
      return { entries, bytes, bytesMapped: heap.mapped[name] }
    }
    return {
      entries: this.size,
      local: tier('local'),
      remote: tier('remote'),
      bookkeepingBytes: this.#bookkeeping(),
      movesWaiting: this.#mover?.waiting ?? 0,
      ...this.#tiers.counters,
    }
  }

  #bookkeeping(): number {
    const ofPolicy = this.#numbers.reduce((sum, { bytes }) => sum + bytes, 0)
    return this.#table.bytes + this.#expiry.bytes + (this.#mover?.bytes ?? 0) + ofPolicy
  }

  /** Gives all memory back. A second call does nothing. */
  destroy(): void {
    if (this.#destroyed) return
    this.#guard?.check()
    this.#destroyed = true
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
    this.#ended = true
    this.#tiers.end()
  }

  #checkOpen(): void {
    this.#guard?.check()
    if (this.#destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the store is destroyed: make another one')
    }
    if (this.#ended) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context of the store is closed')
    }
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#failure !== undefined) {
      const { error } = this.#failure
      this.#failure = undefined
      throw error
    }
    if (this.#viewing > 0) {
      throw new EmucxlError(
        'ERR_EMUCXL_BUSY',
        'view() has lent memory of the store out: change the store when its function has returned',
      )
    }
  }

  /** The entry with a key, which is the key at hand then, if it has not expired: it is read. -1 for none. */
  #find(key: Key): number {
    this.#tick()
    return this.#lookUp(key)
  }

  /** Looks at the clock, which may do what it likes, and then whether there still is a store. */
  #tick(): void {
    if (this.#guard !== undefined) this.#guard.check()
    if (this.#expiry.any) this.#expiry.tick()
    if (this.#ended) this.#checkOpen()
  }

  #lookUp(key: Key): number {
    const expiry = this.#expiry
    this.#table.key.take(key)
    const entry = this.#table.find()
    if (!expiry.any || entry < 0 || !expiry.isOver(entry)) return entry
    if (this.#viewing === 0) {
      this.#expired(entry)
    }
    return -1
  }

  /** An entry was read. */
  #hit(entry: number, tier: Tier): void {
    const { counters } = this.#tiers
    if (tier === 'local') counters.localHits++
    else counters.remoteHits++
    this.#note('hit', entry)
    this.#tiers.touched(entry, tier, this.#viewing === 0)
    if (this.#events.length > 0) this.#publish()
  }

  #missed(key: Key): void {
    this.#tiers.counters.misses++
    if (channels.miss.hasSubscribers) this.#events.push(['miss', { store: this as AnyStore, key }])
    this.#publish()
  }

  /** Notes what happens to an entry, for those who listen. */
  #note(event: keyof typeof channels, entry: number): void {
    if (!channels[event].hasSubscribers) return
    this.#table.read(entry)
    const key = this.#table.storedKey
    const tier = this.#table.tierOf(entry)
    this.#events.push([event, { store: this as AnyStore, key, tier }])
  }

  /** Tells what was noted, when the call is done: who hears it may use the store. */
  #publish(): void {
    while (this.#events.length > 0) {
      const [event, message] = this.#events.shift() as [keyof typeof channels, KvEvent]
      channels[event].publish(message)
    }
  }

  /** See {@link TierHooks.expire}. */
  #expireOne(all: boolean, mayGo: (entry: number) => boolean): boolean {
    if (!this.#expiry.any) return false
    const { records } = this.#table
    for (let looks = all ? records.count : LOOKS; looks > 0; looks--) {
      this.#hand = this.#hand + 1 < records.count ? this.#hand + 1 : 0
      const entry = this.#hand
      if (!records.has(entry) || !this.#expiry.isOver(entry) || !mayGo(entry)) continue
      this.#expired(entry)
      return true
    }
    return false
  }

  #expired(entry: number): void {
    this.#note('expire', entry)
    this.#tiers.remove(entry)
    this.#tiers.counters.expirations++
  }

  /** A batch of moves, outside any call: what fails there is told by the next call that changes the store. */
  #moveApart(moves: () => void): void {
    if (this.#ended) return
    try {
      moves()
      this.#publish()
    } catch (error) {
      this.#failure = { error }
      this.#mover?.clear()
    }
  }
}
