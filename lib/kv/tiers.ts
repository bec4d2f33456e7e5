// The two tiers of a store: what each may have, and has; how room is made in one, by the policy's word; and
// the moves between them.

import { checkBytes, checkOptions, checkWhole } from '../memory/arguments.js'
import { EmucxlError } from '../memory/errors.js'
import type { EntryTable } from './entry-table.js'
import { NOWHERE } from './heap.js'
import type { Mover } from './mover.js'
import type { KvLimits } from './options.js'
import type { Place } from './place.js'
import type { Policy, Tier } from './policy.js'

/** A tier's limits, and what is in it. */
export interface TierState {
  readonly objectsLimit: number
  readonly bytesLimit: number
  entries: number
  bytes: number
}

export function tierState(limits: unknown, name: string): TierState {
  checkOptions(limits as object, name)
  const { objects = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = (limits ??
    {}) as KvLimits
  if (objects !== Number.POSITIVE_INFINITY) checkWhole(objects, `${name}.objects`, 0)
  if (bytes !== Number.POSITIVE_INFINITY) checkBytes(bytes, `${name}.bytes`, 0)
  return { objectsLimit: objects, bytesLimit: bytes, entries: 0, bytes: 0 }
}

export const COUNTERS = {
  localHits: 0,
  remoteHits: 0,
  misses: 0,
  promotions: 0,
  demotions: 0,
  bytesMoved: 0,
  evictions: 0,
  expirations: 0,
}

/** What tiers tell, and ask. */
export interface TierHooks {
  /** What is told of an entry when it happens. */
  note(event: 'promote' | 'demote' | 'evict', entry: number): void
  /** An entry is gone. */
  removed(entry: number): void
  /**
   * Removes an entry that has expired and may go, if a look at some entries, or at all, finds one. Returns
   * whether it has found one.
   */
  expire(all: boolean, mayGo: (entry: number) => boolean): boolean
}

const NONE = -1
const TIERS: readonly Tier[] = ['local', 'remote']

export class Tiers {
  readonly local: TierState
  readonly remote: TierState
  readonly counters = { ...COUNTERS }

  readonly #table: EntryTable
  readonly #policy: Policy
  readonly #evicts: boolean
  readonly #mover: Mover | undefined
  readonly #hooks: TierHooks
  /** An entry that is not counted in its tier, since its room there is to be another's, and its bytes. */
  #aside = NONE
  #asideBytes = 0
  /** An entry that must stay, whatever the policy says, and its bytes. */
  #kept = NONE
  #keptBytes = 0

  constructor(
    table: EntryTable,
    limits: Record<Tier, TierState>,
    policy: Policy,
    evicts: boolean,
    mover: Mover | undefined,
    hooks: TierHooks,
  ) {
    this.#table = table
    this.local = limits.local
    this.remote = limits.remote
    this.#policy = policy
    this.#evicts = evicts
    this.#mover = mover
    this.#hooks = hooks
  }

  state(tier: Tier): TierState {
    return tier === 'local' ? this.local : this.remote
  }

  /** A new entry with the key and the value at hand. Errors: `ERR_EMUCXL_NO_MEMORY`. */
  insert(): number {
    const size = this.#table.sizeAtHand
    this.#table.reserve()
    const place = this.#allocate(size)
    this.#write(place)
    return this.#add(place, size)
  }

  #add(place: Place, size: number): number {
    const entry = this.#table.add(place)
    this.#count(entry, 1, size)
    this.#policy.added(entry)
    if (this.#table.tierOf(entry) === 'remote') this.#policy.demoted(entry)
    return entry
  }

  /**
   * The value at hand for the entry with the key at hand, which was read last. Where it had to go itself
   * while room was made, it is a new one then: returns its number. Errors: `ERR_EMUCXL_NO_MEMORY`.
   */
  update(entry: number): number {
    const table = this.#table
    const { size: old, sizeAtHand: size } = table
    const place = table.records.place(entry)
    const room = table.heap.roomOf(place)
    const tier = this.state(table.tierOf(entry))
    if (size <= room && 2 * size >= room && tier.bytes - old + size <= tier.bytesLimit) {
      table.write(place)
      tier.bytes += size - old
      this.touched(entry, table.tierOf(entry), true)
      return entry
    }
    if (this.#evicts && !this.#mayHoldBeside(place, size)) {
      this.#evict(entry)
      return this.insert()
    }
    const fresh = this.#allocateBeside(entry, old, size)
    this.#write(fresh)
    if (!table.records.has(entry)) return this.#add(fresh, size)
    const before = table.tierOf(entry)
    this.#count(entry, -1, -old)
    table.replace(entry, fresh)
    this.#count(entry, 1, size)
    const after = table.tierOf(entry)
    if (after !== before) this.#policy[after === 'local' ? 'promoted' : 'demoted'](entry)
    this.touched(entry, after, true)
    return entry
  }

  /** Whether an entry's new object can be there beside the old one; where it cannot at all, too. */
  #mayHoldBeside(old: Place, size: number): boolean {
    const beside = TIERS.some((tier) => this.#mayHold(tier, size, old))
    return beside || !TIERS.some((tier) => this.#mayHold(tier, size))
  }

  /** Whether a tier can have an entry, if all others leave it but one that stays. */
  #mayHold(name: Tier, size: number, staying?: Place): boolean {
    return this.#mayHave(name, size) && this.#table.heap.mayHold(name, size, staying)
  }

  /** Whether its limits let a tier have an entry, if all others leave it that may. */
  #mayHave(name: Tier, size: number): boolean {
    const { bytesLimit, objectsLimit } = this.state(name)
    const kept = this.#kept
    if (kept === NONE || kept === this.#aside || this.#table.tierOf(kept) !== name) {
      return size <= bytesLimit && objectsLimit >= 1
    }
    return size + this.#keptBytes <= bytesLimit && objectsLimit >= 2
  }

  /** Another object for an entry, which may go itself for it: in its own tier, where it counts no more, or not. */
  #allocateBeside(entry: number, old: number, size: number): Place {
    const own = this.#table.tierOf(entry)
    this.#setAside(entry, old)
    let place: Place | undefined
    try {
      place = this.#allocateIn(own, size)
    } finally {
      this.#takeBack()
    }
    place ??= this.#allocateIn(own === 'local' ? 'remote' : 'local', size)
    if (place === undefined) throw this.#full(size)
    return place
  }

  /** An entry was read, or its value replaced: it is promoted if the policy says so, and it may move. */
  touched(entry: number, tier: Tier, mayMove: boolean): void {
    if (!this.#policy.hit(entry, tier) || tier === 'local') return
    if (this.#mover !== undefined) this.#mover.add(entry)
    else if (mayMove) this.promote(entry)
  }

  /** Demotes a local entry. Errors: `ERR_EMUCXL_NO_MEMORY`. */
  demote(entry: number): void {
    if (!this.#tryDemote(entry)) {
      this.#table.read(entry)
      throw this.#full(this.#table.size)
    }
  }

  /** Promotes a remote entry. Returns whether it is local then: else there was no room. */
  promote(entry: number): boolean {
    this.#table.read(entry)
    this.#kept = entry
    this.#keptBytes = this.#table.size
    try {
      return this.#tryPromote(entry)
    } finally {
      this.#kept = NONE
    }
  }

  #tryPromote(entry: number): boolean {
    const size = this.#keptBytes
    const { local } = this
    if (size > local.bytesLimit || local.objectsLimit < 1) return false
    if (!this.#fits(local, size, 0, 0) && this.#exchange(entry)) return true
    for (;;) {
      if (this.#fits(local, size, 0, 0)) {
        const place = this.#table.alloc('local', size)
        if (place !== undefined) {
          this.#move(entry, place)
          this.#promoted(entry)
          return true
        }
        if (!this.#mayMakeRoom('local', size, false)) return false
      }
      if (local.entries === 0) return false
      const victim = this.#policy.localVictim()
      this.#table.read(victim)
      const isLast = this.#fits(local, size, 1, this.#table.size)
      if (!this.#tryDemote(victim) && !(isLast && this.#changePlaces(entry, victim))) {
        return this.#exchange(entry)
      }
      if (this.#table.tierOf(entry) === 'local') return true
    }
  }

  /** Whether a tier's limits leave room for an entry, when others have left. */
  #fits(tier: TierState, size: number, entries: number, bytes: number): boolean {
    return (
      tier.entries - entries < tier.objectsLimit && tier.bytes - bytes + size <= tier.bytesLimit
    )
  }

  /** A remote entry and a local one, which has no room in remote memory unless the other one leaves that. */
  #changePlaces(entry: number, victim: number): boolean {
    const table = this.#table
    table.read(entry)
    const { size } = table
    const first = table.alloc('local', size) // first: later there may be no memory for it
    if (first === undefined) return false
    table.reserved = first
    this.#setAside(entry, size)
    let isDemoted = false
    let place: Place
    try {
      isDemoted = this.#tryDemote(victim)
    } finally {
      this.#takeBack()
      place = table.reserved
      table.reserved = NOWHERE
      if (!isDemoted) table.heap.free(place)
    }
    if (!isDemoted) return false
    this.#move(entry, place)
    this.#promoted(entry)
    return true
  }

  /** Removes an entry. */
  remove(entry: number): void {
    const table = this.#table
    const hash = table.hash(entry)
    const { size } = table
    try {
      this.#policy.removed(entry, table.tierOf(entry))
    } finally {
      // Where a policy of the user's throws, too: it may have forgotten the entry.
      this.#count(entry, -1, -size)
      if (entry === this.#aside) this.#aside = NONE
      this.#mover?.forget(entry)
      this.#hooks.removed(entry)
      table.remove(entry, hash)
    }
  }

  /** Removes all entries. What a policy of the user's throws is thrown when they are gone. */
  clear(): void {
    let failure: { error: unknown } | undefined
    for (const entry of this.#table.entries()) {
      try {
        this.#policy.removed(entry, this.#table.tierOf(entry))
      } catch (error) {
        failure ??= { error }
      }
    }
    this.end()
    this.#table.clear()
    if (failure !== undefined) throw failure.error
  }

  /** There are no entries any more. */
  end(): void {
    this.#mover?.clear()
    for (const tier of [this.local, this.remote]) tier.entries = tier.bytes = 0
  }

  /** Counts an entry in its tier, or not any more. */
  #count(entry: number, entries: number, bytes: number): void {
    if (entry === this.#aside) return
    const state = this.state(this.#table.tierOf(entry))
    state.entries += entries
    state.bytes += bytes
  }

  #setAside(entry: number, size: number): void {
    this.#count(entry, -1, -size)
    this.#aside = entry
    this.#asideBytes = size
  }

  #takeBack(): void {
    const entry = this.#aside
    this.#aside = NONE
    if (entry !== NONE) this.#count(entry, 1, this.#asideBytes)
  }

  /** Writes the key and the value at hand into an object that is nobody's yet. */
  #write(place: Place): void {
    try {
      this.#table.write(place)
    } catch (error) {
      this.#table.heap.free(place)
      throw error
    }
  }

  /** An object for a new entry: in local memory, if that can be, else in remote memory. Makes room. */
  #allocate(size: number): Place {
    const place = this.#allocateIn('local', size) ?? this.#allocateIn('remote', size)
    if (place === undefined) throw this.#full(size)
    return place
  }

  #full(size: number): EmucxlError {
    return new EmucxlError(
      'ERR_EMUCXL_NO_MEMORY',
      `no room for an entry of ${size} bytes in either tier: raise a limit or a capacity` +
        (this.#evicts ? '' : ", or take whenFull 'evict'"),
    )
  }

  /**
   * An object in a tier; undefined where it cannot have one, even by itself, or nothing may go for it. If
   * `alone`, nothing leaves the other tier, though it be on the same node.
   */
  #allocateIn(name: Tier, size: number, alone = false): Place | undefined {
    const tier = this.state(name)
    if (!this.#mayHave(name, size)) return undefined
    for (;;) {
      if (this.#fits(tier, size, 0, 0)) {
        const place = this.#table.alloc(name, size)
        if (place !== undefined) return place
      }
      if (!this.#mayMakeRoom(name, size, alone) || !this.#giveWay(name, alone)) return undefined
    }
  }

  /** Whether the node of a tier can hold an entry, when others have left: if not, none need go for it. */
  #mayMakeRoom(name: Tier, size: number, alone: boolean): boolean {
    const staying = this.#kept === NONE ? this.#aside : this.#kept
    const { heap, records } = this.#table
    return heap.mayHold(name, size, staying === NONE ? undefined : records.place(staying), alone)
  }

  /** An entry leaves a tier, or, where there is none, the other tier on the same node. Returns false where none can. */
  #giveWay(name: Tier, alone: boolean): boolean {
    if (this.#hasAny(name)) return name === 'local' ? this.#leaveLocal() : this.#leaveRemote()
    if (alone || !this.#table.heap.onOneNode) return false
    if (name === 'local') return this.#hasAny('remote') && this.#leaveRemote()
    if (!this.#evicts || !this.#hasAny('local')) return false
    this.#evict(this.#policy.localVictim())
    return true
  }

  /** Whether there is an entry in a tier, also one that is not counted. */
  #hasAny(name: Tier): boolean {
    if (this.state(name).entries > 0) return true
    return this.#aside !== NONE && this.#table.tierOf(this.#aside) === name
  }

  /** An entry is demoted, or evicted where remote memory cannot hold it. */
  #leaveLocal(): boolean {
    const victim = this.#policy.localVictim()
    if (this.#tryDemote(victim)) return true
    if (this.#evicts) this.#evict(victim)
    return this.#evicts
  }

  /** An entry that has expired goes, or one that is evicted. */
  #leaveRemote(): boolean {
    if (this.#hooks.expire(!this.#evicts, this.#mayExpire)) return true
    if (!this.#evicts) return false
    const victim = this.#policy.remoteVictim()
    if (victim === this.#kept) return false
    this.#evict(victim)
    return true
  }

  /** Whether an entry may go from remote memory while room is made there. */
  readonly #mayExpire = (entry: number): boolean =>
    entry !== this.#kept && this.#table.tierOf(entry) === 'remote'

  #evict(entry: number): void {
    this.#hooks.note('evict', entry)
    this.remove(entry)
    this.counters.evictions++
  }

  #tryDemote(entry: number): boolean {
    this.#table.read(entry)
    const place = this.#allocateIn('remote', this.#table.size, true)
    if (place === undefined) return false
    this.#move(entry, place)
    this.#demoted(entry)
    return true
  }

  /**
   * A remote entry and the next one to leave local memory change places, if their objects have the same
   * size. That takes no memory: it can be done where both tiers are full.
   */
  #exchange(entry: number): boolean {
    if (this.local.entries === 0) return false
    const table = this.#table
    const victim = this.#policy.localVictim()
    const { records, heap } = table
    const room = heap.roomOf(records.place(entry))
    if (heap.roomOf(records.place(victim)) !== room) return false
    table.read(entry)
    const { size } = table
    table.read(victim)
    const more = size - table.size
    const { local, remote } = this
    if (local.bytes + more > local.bytesLimit || remote.bytes - more > remote.bytesLimit) {
      return false
    }
    local.bytes += more
    remote.bytes -= more
    this.counters.bytesMoved += size + table.size
    table.exchange(entry, victim)
    this.#demoted(victim)
    this.#promoted(entry)
    return true
  }

  #promoted(entry: number): void {
    this.counters.promotions++
    this.#policy.promoted(entry)
    this.#hooks.note('promote', entry)
  }

  #demoted(entry: number): void {
    this.counters.demotions++
    this.#policy.demoted(entry)
    this.#hooks.note('demote', entry)
  }

  #move(entry: number, place: Place): void {
    const table = this.#table
    table.read(entry)
    const { size } = table
    table.copyTo(place)
    this.#count(entry, -1, -size)
    if (entry === this.#aside) this.#aside = NONE // where it comes to, it counts
    table.replace(entry, place)
    this.#count(entry, 1, size)
    this.counters.bytesMoved += size
  }
}
