// How a remote entry comes to local memory: others are demoted for it; where remote memory has no room for
// these, one of them and the entry change places.

import type { EntryTable } from './entry-table.js'
import { NOWHERE } from './heap.js'
import type { Place } from './place.js'
import type { Policy } from './policy.js'
import type { Room, RoomHooks } from './room.js'
import type { TierAccount } from './tier-account.js'

export class Promotion {
  readonly #table: EntryTable
  readonly #account: TierAccount
  readonly #policy: Policy
  readonly #room: Room
  readonly #hooks: RoomHooks

  constructor(
    table: EntryTable,
    account: TierAccount,
    policy: Policy,
    room: Room,
    hooks: RoomHooks,
  ) {
    this.#table = table
    this.#account = account
    this.#policy = policy
    this.#room = room
    this.#hooks = hooks
  }

  /** Promotes a remote entry. Returns whether it is local then: else there was no room. */
  promote(entry: number): boolean {
    this.#table.read(entry)
    const { size } = this.#table
    this.#room.keep(entry, size)
    try {
      return this.#makeLocal(entry, size)
    } finally {
      this.#room.letGo()
    }
  }

  #makeLocal(entry: number, size: number): boolean {
    const { local } = this.#account
    if (size > local.bytesLimit || local.objectsLimit < 1) return false
    if (!local.fits(size) && this.#exchange(entry)) return true
    for (;;) {
      if (local.fits(size)) {
        const place = this.#table.alloc('local', size)
        if (place !== undefined) {
          this.#moveTo(place, entry)
          return true
        }
        if (!this.#room.mayBeIn('local', size)) return false
      }
      if (local.entries === 0) return false
      const victim = this.#policy.localVictim()
      this.#table.read(victim)
      const isLast = local.fits(size, 1, this.#table.size)
      if (!this.#room.demote(victim) && !(isLast && this.#changePlaces(entry, size, victim))) {
        return this.#exchange(entry)
      }
      if (this.#table.tierOf(entry) === 'local') return true
    }
  }

  #moveTo(place: Place, entry: number): void {
    this.#room.move(entry, place)
    this.#promoted(entry)
  }

  #promoted(entry: number): void {
    this.#account.counters.promotions++
    this.#policy.promoted(entry)
    this.#hooks.note('promote', entry)
  }

  /** A remote entry and a local one, which has no room in remote memory unless the other one leaves that. */
  #changePlaces(entry: number, size: number, victim: number): boolean {
    const table = this.#table
    const first = table.alloc('local', size) // first: later there may be no memory for it
    if (first === undefined) return false
    table.reserved = first
    this.#room.setAside(entry, size)
    let isDemoted = false
    let place: Place
    try {
      isDemoted = this.#room.demote(victim)
    } finally {
      this.#room.takeBack()
      place = table.reserved
      table.reserved = NOWHERE
      if (!isDemoted) table.heap.free(place)
    }
    if (isDemoted) this.#moveTo(place, entry)
    return isDemoted
  }

  /**
   * A remote entry and the next one to leave local memory change places, if their objects have the same
   * size. That takes no memory: it can be done where both tiers are full.
   */
  #exchange(entry: number): boolean {
    const { local, remote, counters } = this.#account
    if (local.entries === 0) return false
    const table = this.#table
    const victim = this.#policy.localVictim()
    const { records, heap } = table
    const room = heap.roomOf(records.place(entry))
    if (heap.roomOf(records.place(victim)) !== room) return false
    table.read(entry)
    const { size } = table
    table.read(victim)
    const more = size - table.size
    if (local.bytes + more > local.bytesLimit || remote.bytes - more > remote.bytesLimit) {
      return false
    }
    local.bytes += more
    remote.bytes -= more
    counters.bytesMoved += size + table.size
    table.exchange(entry, victim)
    this.#room.demoted(victim)
    this.#promoted(entry)
    return true
  }
}
