// The entries of a store in its two tiers: they come, get other values, are promoted and demoted, and go.

import type { EntryTable } from './entry-table.js'
import type { Mover } from './mover.js'
import type { Place } from './place.js'
import type { Policy, Tier } from './policy.js'
import { Promotion } from './promotion.js'
import { Room, type RoomHooks } from './room.js'
import type { TierAccount } from './tier-account.js'

export class Tiers {
  readonly #table: EntryTable
  readonly #account: TierAccount
  readonly #policy: Policy
  readonly #mover: Mover | undefined
  readonly #room: Room
  readonly #promotion: Promotion

  constructor(
    table: EntryTable,
    account: TierAccount,
    policy: Policy,
    evicts: boolean,
    mover: Mover | undefined,
    hooks: RoomHooks,
  ) {
    this.#table = table
    this.#account = account
    this.#policy = policy
    this.#mover = mover
    this.#room = new Room(table, account, policy, evicts, hooks)
    this.#promotion = new Promotion(table, account, policy, this.#room, hooks)
  }

  /** A new entry with the key and the value at hand. Errors: `ERR_EMUCXL_NO_MEMORY`. */
  insert(): number {
    const size = this.#table.sizeAtHand
    this.#table.reserve()
    const place = this.#room.allocate(size)
    this.#write(place)
    return this.#add(place, size)
  }

  #add(place: Place, size: number): number {
    const entry = this.#table.add(place)
    this.#room.count(entry, 1, size)
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
    const tier = this.#account.state(table.tierOf(entry))
    if (size <= room && 2 * size >= room && tier.bytes - old + size <= tier.bytesLimit) {
      table.write(place)
      tier.bytes += size - old
      this.touched(entry, table.tierOf(entry), true)
      return entry
    }
    if (this.#room.mustReplace(place, size)) {
      this.#room.evict(entry)
      return this.insert()
    }
    const fresh = this.#room.allocateBeside(entry, old, size)
    this.#write(fresh)
    if (!table.records.has(entry)) return this.#add(fresh, size)
    this.#replace(entry, old, fresh, size)
    return entry
  }

  /** An entry has a new object, with another size, from now on. */
  #replace(entry: number, old: number, fresh: Place, size: number): void {
    const table = this.#table
    const before = table.tierOf(entry)
    this.#room.count(entry, -1, -old)
    table.replace(entry, fresh)
    this.#room.count(entry, 1, size)
    const after = table.tierOf(entry)
    if (after !== before) this.#policy[after === 'local' ? 'promoted' : 'demoted'](entry)
    this.touched(entry, after, true)
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

  /** An entry was read, or its value replaced: it is promoted if the policy says so, and it may move. */
  touched(entry: number, tier: Tier, mayMove: boolean): void {
    if (!this.#policy.hit(entry, tier) || tier === 'local') return
    if (this.#mover !== undefined) this.#mover.add(entry)
    else if (mayMove) this.promote(entry)
  }

  /** Promotes a remote entry. Returns whether it is local then: else there was no room. */
  promote(entry: number): boolean {
    return this.#promotion.promote(entry)
  }

  /** Demotes a local entry. Errors: `ERR_EMUCXL_NO_MEMORY`. */
  demote(entry: number): void {
    if (!this.#room.demote(entry)) {
      this.#table.read(entry)
      throw this.#room.full(this.#table.size)
    }
  }

  /** Removes an entry. */
  remove(entry: number): void {
    this.#room.remove(entry)
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
    this.#account.clear()
  }
}
