// How room is made in a tier for an entry: others leave it by the policy's word, local ones for remote memory,
// remote ones for good. None leaves for what the tier cannot have even then.

import { EmucxlError } from '../memory/errors.js'
import type { EntryTable } from './entry-table.js'
import type { Place } from './place.js'
import type { Policy, Tier } from './policy.js'
import { TIERS, type TierAccount } from './tier-account.js'

/** What is told of entries while room is made, and asked. */
export interface RoomHooks {
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

export class Room {
  readonly #table: EntryTable
  readonly #account: TierAccount
  readonly #policy: Policy
  readonly #evicts: boolean
  readonly #hooks: RoomHooks
  /** An entry that is not counted in its tier, since its room there is to be another's, and its bytes. */
  #aside = NONE
  #asideBytes = 0
  /** An entry that must stay, whatever the policy says, and its bytes. */
  #kept = NONE
  #keptBytes = 0

  constructor(
    table: EntryTable,
    account: TierAccount,
    policy: Policy,
    evicts: boolean,
    hooks: RoomHooks,
  ) {
    this.#table = table
    this.#account = account
    this.#policy = policy
    this.#evicts = evicts
    this.#hooks = hooks
  }

  /** An object for a new entry: in local memory, if that can be, else in remote memory. */
  allocate(size: number): Place {
    const place = this.#allocateIn('local', size) ?? this.#allocateIn('remote', size)
    if (place === undefined) throw this.full(size)
    return place
  }

  /** Another object for an entry, which may go itself for it: in its own tier, where it counts no more, or not. */
  allocateBeside(entry: number, old: number, size: number): Place {
    const own = this.#table.tierOf(entry)
    this.setAside(entry, old)
    let place: Place | undefined
    try {
      place = this.#allocateIn(own, size)
    } finally {
      this.takeBack()
    }
    place ??= this.#allocateIn(own === 'local' ? 'remote' : 'local', size)
    if (place === undefined) throw this.full(size)
    return place
  }

  full(size: number): EmucxlError {
    return new EmucxlError(
      'ERR_EMUCXL_NO_MEMORY',
      `no room for an entry of ${size} bytes in either tier: raise a limit or a capacity` +
        (this.#evicts ? '' : ", or take whenFull 'evict'"),
    )
  }

  /** Whether an entry must go, that its new object can be: beside the old one there is no room for it. */
  mustReplace(old: Place, size: number): boolean {
    if (!this.#evicts || TIERS.some((tier) => this.#mayHold(tier, size, old))) return false
    return TIERS.some((tier) => this.#mayHold(tier, size))
  }

  /** Whether a tier can have an entry, if all others leave it but one that stays. */
  #mayHold(name: Tier, size: number, staying?: Place): boolean {
    return this.#mayHave(name, size) && this.#table.heap.mayHold(name, size, staying)
  }

  /** Whether its limits let a tier have an entry, if all others leave it that may. */
  #mayHave(name: Tier, size: number): boolean {
    const { bytesLimit, objectsLimit } = this.#account.state(name)
    const kept = this.#kept
    if (kept === NONE || kept === this.#aside || this.#table.tierOf(kept) !== name) {
      return size <= bytesLimit && objectsLimit >= 1
    }
    return size + this.#keptBytes <= bytesLimit && objectsLimit >= 2
  }

  /** Whether the node of a tier can hold an entry, when others have left: if not, none need go for it. */
  mayBeIn(name: Tier, size: number, alone = false): boolean {
    const staying = this.#kept === NONE ? this.#aside : this.#kept
    const { heap, records } = this.#table
    return heap.mayHold(name, size, staying === NONE ? undefined : records.place(staying), alone)
  }

  /**
   * An object in a tier; undefined where it cannot have one, even by itself, or nothing may go for it. If
   * `alone`, nothing leaves the other tier, though it be on the same node.
   */
  #allocateIn(name: Tier, size: number, alone = false): Place | undefined {
    const tier = this.#account.state(name)
    if (!this.#mayHave(name, size)) return undefined
    for (;;) {
      if (tier.fits(size)) {
        const place = this.#table.alloc(name, size)
        if (place !== undefined) return place
      }
      if (!this.mayBeIn(name, size, alone) || !this.#giveWay(name, alone)) return undefined
    }
  }

  /** An entry leaves a tier, or, where there is none, the other tier on the same node. Returns false where none can. */
  #giveWay(name: Tier, alone: boolean): boolean {
    if (this.#hasAny(name)) return name === 'local' ? this.#leaveLocal() : this.#leaveRemote()
    if (alone || !this.#table.heap.onOneNode) return false
    if (name === 'local') return this.#hasAny('remote') && this.#leaveRemote()
    if (!this.#evicts || !this.#hasAny('local')) return false
    this.evict(this.#policy.localVictim())
    return true
  }

  /** Whether there is an entry in a tier, also one that is not counted. */
  #hasAny(name: Tier): boolean {
    if (this.#account.state(name).entries > 0) return true
    return this.#aside !== NONE && this.#table.tierOf(this.#aside) === name
  }

  /** An entry is demoted, or evicted where remote memory cannot hold it. */
  #leaveLocal(): boolean {
    const victim = this.#policy.localVictim()
    if (this.demote(victim)) return true
    if (this.#evicts) this.evict(victim)
    return this.#evicts
  }

  /** An entry that has expired goes, or one that is evicted. */
  #leaveRemote(): boolean {
    if (this.#hooks.expire(!this.#evicts, this.#mayExpire)) return true
    if (!this.#evicts) return false
    const victim = this.#policy.remoteVictim()
    if (victim === this.#kept) return false
    this.evict(victim)
    return true
  }

  /** Whether an entry may go from remote memory while room is made there. */
  readonly #mayExpire = (entry: number): boolean =>
    entry !== this.#kept && this.#table.tierOf(entry) === 'remote'

  /** Demotes a local entry. Returns false where there is no room for it. */
  demote(entry: number): boolean {
    this.#table.read(entry)
    const place = this.#allocateIn('remote', this.#table.size, true)
    if (place === undefined) return false
    this.move(entry, place)
    this.demoted(entry)
    return true
  }

  /** Tells that an entry was demoted. */
  demoted(entry: number): void {
    this.#account.counters.demotions++
    this.#policy.demoted(entry)
    this.#hooks.note('demote', entry)
  }

  /** Removes an entry for want of room. */
  evict(entry: number): void {
    this.#hooks.note('evict', entry)
    this.remove(entry)
    this.#account.counters.evictions++
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
      this.count(entry, -1, -size)
      if (entry === this.#aside) this.#aside = NONE
      this.#hooks.removed(entry)
      table.remove(entry, hash)
    }
  }

  /** Moves an entry to an object in the other tier. */
  move(entry: number, place: Place): void {
    const table = this.#table
    table.read(entry)
    const { size } = table
    table.copyTo(place)
    this.count(entry, -1, -size)
    if (entry === this.#aside) this.#aside = NONE // where it comes to, it counts
    table.replace(entry, place)
    this.count(entry, 1, size)
    this.#account.counters.bytesMoved += size
  }

  /** Counts an entry in its tier, or not any more. */
  count(entry: number, entries: number, bytes: number): void {
    if (entry === this.#aside) return
    const state = this.#account.state(this.#table.tierOf(entry))
    state.entries += entries
    state.bytes += bytes
  }

  /** Does not count an entry in its tier, whose room is to be another's, until {@link takeBack}. */
  setAside(entry: number, size: number): void {
    this.count(entry, -1, -size)
    this.#aside = entry
    this.#asideBytes = size
  }

  takeBack(): void {
    const entry = this.#aside
    this.#aside = NONE
    if (entry !== NONE) this.count(entry, 1, this.#asideBytes)
  }

  /** Does not let an entry go, whatever the policy says, until {@link letGo}. */
  keep(entry: number, size: number): void {
    this.#kept = entry
    this.#keptBytes = size
  }

  letGo(): void {
    this.#kept = NONE
  }
}
