// A key-value store in two tiers: hot entries in local memory, the others in remote memory.

import { types } from 'node:util'
import {
  checkBytes,
  checkChoice,
  checkOptions,
  outOfRange,
  wrongType,
} from '../memory/arguments.js'
import { dependOn } from '../memory/closing.js'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { channels } from './channels.js'
import type { AnyCodec, Codec, ValueOfCodec } from './codec.js'
import { EntryList } from './entry-list.js'
import { EntryNumbers } from './entry-numbers.js'
import { EntryTable } from './entry-table.js'
import type { AnyStore, KvEvent } from './events.js'
import { Expiry } from './expiry.js'
import { codecOf, type InnerCodec } from './inner-codec.js'
import type { Key } from './key.js'
import type { KvLimits, KvStats, KvStoreOptions, KvTierStats, PutOptions } from './options.js'
import type { Place } from './place.js'
import { policies } from './policies/index.js'
import type { Policy, PolicyFactory, PolicyHost, Tier } from './policy.js'

const COUNTERS = {
  localHits: 0,
  remoteHits: 0,
  misses: 0,
  promotions: 0,
  demotions: 0,
  bytesMoved: 0,
  evictions: 0,
  expirations: 0,
}

const MOST_VALUE_BYTES = 512 << 20

interface TierState {
  readonly objectsLimit: number
  readonly bytesLimit: number
  entries: number
  bytes: number
}

function tierOf(limits: unknown, name: string): TierState {
  checkOptions(limits as object, name)
  const { objects = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = (limits ??
    {}) as KvLimits
  if (objects !== Number.POSITIVE_INFINITY) checkBytes(objects, `${name}.objects`, 0)
  if (bytes !== Number.POSITIVE_INFINITY) checkBytes(bytes, `${name}.bytes`, 0)
  return { objectsLimit: objects, bytesLimit: bytes, entries: 0, bytes: 0 }
}

function policyOf(policy: unknown): PolicyFactory {
  if (typeof policy === 'function') return policy as PolicyFactory
  const names = Object.keys(policies) as (keyof typeof policies)[]
  return policies[checkChoice(policy, 'options.policy', names)]
}

function isFull(error: unknown): boolean {
  return error instanceof EmucxlError && error.code === 'ERR_EMUCXL_NO_MEMORY'
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
 * is full, one that is evicted. Source: emucxl.txt, section IV-B, Listings 2 to 4.
 *
 * A key is a string or bytes, and never both: `'a'` and `Uint8Array.of(97)` are two keys. Errors of all
 * calls: `TypeError` and `RangeError` for keys and values that cannot be stored; `ERR_EMUCXL_CLOSED` when
 * the store is destroyed or its context closed; `ERR_EMUCXL_BUSY` for calls that would change the store
 * while {@link view} lends memory out. A call that fails loses nothing.
 */
export class KvStore<const C extends AnyCodec = 'bytes'> {
  readonly #table: EntryTable
  readonly #codec: InnerCodec<unknown>
  readonly #own: Codec<unknown> | undefined
  readonly #policy: Policy
  readonly #local: TierState
  readonly #remote: TierState
  readonly #evicts: boolean
  readonly #maxValueBytes: number
  readonly #expiry: Expiry
  readonly #counters = { ...COUNTERS }
  readonly #forget: () => void
  /** Kept, since the context knows it weakly. */
  readonly #dependent = { contextClosed: () => this.#end() }
  /** What happened during the call that is under way. */
  readonly #events: [keyof typeof channels, KvEvent][] = []
  /** Calls of {@link view} that are under way. */
  #viewing = 0
  #ended = false
  #destroyed = false

  constructor(cxl: Emucxl, options: KvStoreOptions<C> = {}) {
    if (!(cxl instanceof Emucxl)) throw wrongType('cxl', 'an open Emucxl', cxl)
    checkOptions(options)
    cxl.stats(LOCAL_MEMORY) // it checks the context
    const { policy = 'lru', whenFull = 'evict', codec = 'bytes' } = options
    const { maxValueBytes = 64 << 20, clock, ttl } = options
    this.#local = tierOf(options.local, 'options.local')
    this.#remote = tierOf(options.remote, 'options.remote')
    const node = options.remote?.node ?? REMOTE_MEMORY
    cxl.stats(node) // it checks the node
    this.#evicts = checkChoice(whenFull, 'options.whenFull', ['evict', 'error']) === 'evict'
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
      { local: this.#local.bytesLimit, remote: this.#remote.bytesLimit },
    )
    this.#policy = policyOf(policy)(this.#host())
    this.#forget = dependOn(cxl, this.#dependent)
  }

  #host(): PolicyHost {
    const table = this.#table
    const local = this.#local
    return {
      list: () => new EntryList(table.records),
      bytes: () => new EntryNumbers(Uint8Array),
      hash: (entry) => table.hash(entry),
      get localObjects() {
        return Math.min(local.objectsLimit, Math.max(1, local.entries))
      },
    }
  }

  /** Entries, with those that have expired and were not asked for since. */
  get size(): number {
    return this.#local.entries + this.#remote.entries
  }

  /**
   * Stores a value. A new entry comes to local memory; one that is there keeps its place where the value
   * fits into it, and counts as read.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` where both tiers are full and nothing may be evicted, or the entry is
   * larger than both. The entry is then as it was.
   */
  put(key: Key, value: ValueOfCodec<C>, options?: PutOptions): void {
    this.#checkWritable()
    const expires = this.#expiry.after(options)
    const own = this.#own?.encode(value)
    if (this.#own !== undefined && !types.isUint8Array(own)) {
      throw wrongType('what options.codec.encode() returned', 'a Uint8Array', own)
    }
    const bytes = this.#codec.encode(own ?? value)
    const { ascii } = this.#codec
    if (bytes.length > this.#maxValueBytes) {
      throw outOfRange(
        'value',
        `at most ${this.#maxValueBytes} bytes: see maxValueBytes`,
        bytes.length,
      )
    }
    try {
      this.#checkWritable() // once more: what ran was code of the user's
      let entry = this.#find(key)
      const size = this.#table.sizeFor(bytes.length)
      if (entry >= 0) entry = this.#update(entry, size, bytes, ascii)
      if (entry < 0) entry = this.#insert(size, bytes, ascii)
      this.#expiry.set(entry, expires)
    } finally {
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
    if (entry >= 0) this.#remove(entry)
    this.#publish()
    return entry >= 0
  }

  /** Removes all entries, and gives their memory back. */
  clear(): void {
    this.#checkWritable()
    for (const entry of this.#table.entries()) this.#remove(entry)
    this.#table.heap.trim()
  }

  /** Where an entry is; undefined where there is none. It does not count as read. */
  tierOf(key: Key): Tier | undefined {
    const entry = this.#find(key)
    this.#publish()
    return entry < 0 ? undefined : this.#table.tierOf(entry)
  }

  /**
   * Moves an entry to local memory, whatever the policy says; where that is full another one is demoted.
   * Returns whether it is local then: not where there is no such entry, or no room for it.
   */
  promote(key: Key): boolean {
    this.#checkWritable()
    try {
      const entry = this.#find(key)
      return entry >= 0 && (this.#table.tierOf(entry) === 'local' || this.#promote(entry))
    } finally {
      this.#publish()
    }
  }

  /** Moves an entry to remote memory. Returns whether it is there then. Errors: as {@link put}. */
  demote(key: Key): boolean {
    this.#checkWritable()
    try {
      const entry = this.#find(key)
      if (entry >= 0 && this.#table.tierOf(entry) === 'local') this.#demote(entry)
      return entry >= 0
    } finally {
      this.#publish()
    }
  }

  /**
   * Calls `fn` with the bytes of a value where they lie, without a copy, and returns what it returns;
   * undefined where there is no entry. The bytes are the value's as long as `fn` runs, and then perhaps
   * another's: copy what is to be kept. `fn` must not write into them, nor change the store.
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
    this.#expiry.tick()
    for (const entry of this.#table.entries()) {
      if (this.#expiry.isOver(entry)) continue
      this.#table.read(entry)
      yield this.#table.storedKey
      this.#checkOpen()
      this.#expiry.tick()
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
      const { entries, bytes } = this.#tier(name)
      return { entries, bytes, bytesMapped: heap.mapped[name] }
    }
    return {
      entries: this.size,
      local: tier('local'),
      remote: tier('remote'),
      bookkeepingBytes: this.#table.bytes,
      ...this.#counters,
    }
  }

  /** Gives all memory back. A second call does nothing. */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#forget()
    const { heap } = this.#table
    this.#end()
    heap.destroy()
  }

  /** {@link destroy}, at the end of a block that has the store as `using`. */
  [Symbol.dispose](): void {
    this.destroy()
  }

  #end(): void {
    this.#ended = true
    for (const tier of [this.#local, this.#remote]) tier.entries = tier.bytes = 0
  }

  #checkOpen(): void {
    if (this.#destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the store is destroyed: make another one')
    }
    if (this.#ended) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context of the store is closed')
    }
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (this.#viewing > 0) {
      throw new EmucxlError(
        'ERR_EMUCXL_BUSY',
        'view() has lent memory of the store out: change the store when its function has returned',
      )
    }
  }

  #tier(tier: Tier): TierState {
    return tier === 'local' ? this.#local : this.#remote
  }

  /** The entry with a key, which is the key at hand then, if it has not expired: it is read. -1 for none. */
  #find(key: Key): number {
    if (this.#ended) this.#checkOpen()
    const expiry = this.#expiry
    if (expiry.any) expiry.tick()
    this.#table.key.take(key)
    const entry = this.#table.find()
    if (!expiry.any || entry < 0 || !expiry.isOver(entry)) return entry
    if (this.#viewing === 0) {
      this.#counters.expirations++
      this.#note('expire', entry)
      this.#remove(entry)
    }
    return -1
  }

  /** An entry was read. */
  #hit(entry: number, tier: Tier): void {
    if (tier === 'local') this.#counters.localHits++
    else this.#counters.remoteHits++
    this.#note('hit', entry)
    if (this.#policy.hit(entry, tier) && tier === 'remote' && this.#viewing === 0) {
      this.#promote(entry)
    }
    if (this.#events.length > 0) this.#publish()
  }

  #missed(key: Key): void {
    this.#counters.misses++
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

  /** A new entry with the key at hand. */
  #insert(size: number, value: Uint8Array, ascii: boolean): number {
    const table = this.#table
    table.reserve()
    const { tier, place } = this.#allocate(size, 'local')
    table.write(place, value, ascii)
    const entry = table.add(place)
    const state = this.#tier(tier)
    state.entries++
    state.bytes += size
    this.#policy.added(entry)
    if (tier === 'remote') this.#policy.demoted(entry)
    return entry
  }

  /** Another value for an entry. Returns -1 where that was evicted while room was made for it. */
  #update(entry: number, size: number, value: Uint8Array, ascii: boolean): number {
    const table = this.#table
    const place = table.records.place(entry)
    const room = table.heap.roomOf(place)
    const tier = this.#tier(table.tierOf(entry))
    const old = table.size
    if (size <= room && 2 * size >= room && tier.bytes - old + size <= tier.bytesLimit) {
      table.write(place, value, ascii)
      tier.bytes += size - old
    } else {
      // It leaves its tier, which has that room for it; the entry itself may be demoted for it, or evicted.
      const own = table.tierOf(entry)
      tier.entries--
      tier.bytes -= old
      let fresh: { tier: Tier; place: Place }
      try {
        fresh = this.#allocate(size, own)
      } finally {
        tier.entries++
        tier.bytes += old
      }
      if (table.find() !== entry) {
        table.heap.free(fresh.place)
        return -1
      }
      const before = table.tierOf(entry)
      const from = this.#tier(before)
      from.entries--
      from.bytes -= table.size
      table.write(fresh.place, value, ascii)
      table.replace(entry, fresh.place)
      const to = this.#tier(fresh.tier)
      to.entries++
      to.bytes += size
      if (before !== fresh.tier)
        this.#policy[fresh.tier === 'local' ? 'promoted' : 'demoted'](entry)
    }
    if (this.#policy.hit(entry, table.tierOf(entry)) && table.tierOf(entry) === 'remote') {
      this.#promote(entry)
    }
    return entry
  }

  /** An object for an entry: in one tier, if that can be, else in the other. Makes room. */
  #allocate(size: number, first: Tier): { tier: Tier; place: Place } {
    for (const tier of [first, first === 'local' ? 'remote' : 'local'] as const) {
      const place = this.#allocateIn(tier, size)
      if (place !== undefined) return { tier, place }
    }
    throw this.#full(size)
  }

  #full(size: number): EmucxlError {
    return new EmucxlError(
      'ERR_EMUCXL_NO_MEMORY',
      `no room for an entry of ${size} bytes in either tier: raise a limit or a capacity` +
        (this.#evicts ? '' : ", or take whenFull 'evict'"),
    )
  }

  /** An object in a tier; undefined where it cannot have one, even by itself, or nothing may go for it. */
  #allocateIn(name: Tier, size: number): Place | undefined {
    const tier = this.#tier(name)
    if (size > tier.bytesLimit || tier.objectsLimit < 1) return undefined
    for (;;) {
      const fits = tier.entries < tier.objectsLimit && tier.bytes + size <= tier.bytesLimit
      if (fits) {
        try {
          return this.#table.heap.alloc(name, size)
        } catch (error) {
          if (!isFull(error)) throw error
        }
      }
      if (!this.#giveWay(name)) return undefined
    }
  }

  /** An entry leaves a tier. Returns false where none can. */
  #giveWay(tier: Tier): boolean {
    if (this.#tier(tier).entries === 0) return false
    if (tier === 'local') return this.#tryDemote(this.#policy.localVictim())
    if (!this.#evicts) return false
    const victim = this.#policy.remoteVictim()
    this.#counters.evictions++
    this.#note('evict', victim)
    this.#remove(victim)
    return true
  }

  #demote(entry: number): void {
    if (!this.#tryDemote(entry)) {
      this.#table.read(entry)
      throw this.#full(this.#table.size)
    }
  }

  #tryDemote(entry: number): boolean {
    this.#table.read(entry)
    const { size } = this.#table
    const place = this.#allocateIn('remote', size)
    if (place === undefined) return false
    this.#move(entry, place, size, 'remote')
    this.#demoted(entry)
    return true
  }

  /** Returns whether an entry of remote memory is local then. */
  #promote(entry: number): boolean {
    const { records } = this.#table
    const from = records.place(entry)
    this.#table.read(entry)
    const { size } = this.#table
    const isFull =
      this.#local.entries >= this.#local.objectsLimit ||
      this.#local.bytes + size > this.#local.bytesLimit
    if (isFull && this.#exchange(entry)) return true
    // It leaves remote memory, which so has room for one that leaves local memory.
    this.#remote.entries--
    this.#remote.bytes -= size
    let place: Place | undefined
    try {
      place = this.#allocateIn('local', size)
    } finally {
      this.#remote.entries++
      this.#remote.bytes += size
    }
    if (records.place(entry) !== from) {
      // It was itself what had to go.
      if (place !== undefined) this.#table.heap.free(place)
      return false
    }
    if (place === undefined) return this.#exchange(entry)
    this.#move(entry, place, size, 'local')
    this.#promoted(entry)
    return true
  }

  /**
   * A remote entry and the next one to leave local memory change places, if their objects have the same
   * size. That takes no memory: it can be done where both tiers are full.
   */
  #exchange(entry: number): boolean {
    if (this.#local.entries === 0) return false
    const table = this.#table
    const victim = this.#policy.localVictim()
    const { records, heap } = table
    const room = heap.roomOf(records.place(entry))
    if (heap.roomOf(records.place(victim)) !== room) return false
    table.read(entry)
    const { size } = table
    table.read(victim)
    const more = size - table.size
    const [local, remote] = [this.#local, this.#remote]
    if (local.bytes + more > local.bytesLimit || remote.bytes - more > remote.bytesLimit)
      return false
    local.bytes += more
    remote.bytes -= more
    this.#counters.bytesMoved += size + table.size
    table.exchange(entry, victim)
    this.#demoted(victim)
    this.#promoted(entry)
    return true
  }

  #promoted(entry: number): void {
    this.#counters.promotions++
    this.#policy.promoted(entry)
    this.#note('promote', entry)
  }

  #demoted(entry: number): void {
    this.#counters.demotions++
    this.#policy.demoted(entry)
    this.#note('demote', entry)
  }

  #move(entry: number, place: Place, size: number, tier: Tier): void {
    const table = this.#table
    table.read(entry)
    table.copyTo(place)
    table.replace(entry, place)
    const [from, to] = tier === 'local' ? [this.#remote, this.#local] : [this.#local, this.#remote]
    from.entries--
    from.bytes -= size
    to.entries++
    to.bytes += size
    this.#counters.bytesMoved += size
  }

  #remove(entry: number): void {
    const table = this.#table
    table.read(entry)
    const name = table.tierOf(entry)
    const tier = this.#tier(name)
    tier.entries--
    tier.bytes -= table.size
    this.#policy.removed(entry, name)
    this.#expiry.forget(entry)
    table.remove(entry)
  }
}
