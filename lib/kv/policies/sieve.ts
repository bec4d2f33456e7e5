// SIEVE: entries stay in the order in which they came; a hand goes from the oldest to the newest, spares
// what was read since it passed, and takes what was not. A read changes no list.
// Source: Zhang et al.: SIEVE is Simpler than LRU (NSDI 2024), Algorithm 1.

import type { EntryList } from '../entry-list.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'

/** Entries in the order in which they came, and the hand. */
class Sieve {
  readonly list: EntryList
  readonly #visited: EntryBytes
  /** Where the hand stands: the entry that is looked at next. */
  #hand: number

  constructor(list: EntryList, visited: EntryBytes) {
    this.list = list
    this.#visited = visited
    this.#hand = list.end
  }

  add(entry: number): void {
    this.#visited.set(entry, 0)
    this.list.pushFront(entry)
  }

  visit(entry: number): void {
    if (this.#visited.get(entry) === 0) this.#visited.set(entry, 1)
  }

  remove(entry: number): void {
    if (entry === this.#hand) this.#hand = this.list.before(entry)
    this.list.remove(entry)
  }

  /** The entry that the hand takes, which stays where it is, and the hand with it. */
  victim(): number {
    const { list } = this
    let entry = this.#hand === list.end ? list.back : this.#hand
    while (this.#visited.get(entry) !== 0) {
      this.#visited.set(entry, 0)
      entry = list.before(entry)
      if (entry === list.end) entry = list.back
    }
    this.#hand = entry
    return entry
  }
}

class SieveTiers implements Policy {
  readonly #tiers: Record<Tier, Sieve>

  constructor(host: PolicyHost) {
    const visited = host.bytes()
    this.#tiers = {
      local: new Sieve(host.list(), visited),
      remote: new Sieve(host.list(), visited),
    }
  }

  added(entry: number): void {
    this.#tiers.local.add(entry)
  }

  hit(entry: number, tier: Tier): boolean {
    this.#tiers[tier].visit(entry)
    return true
  }

  promoted(entry: number): void {
    this.#tiers.remote.remove(entry)
    this.#tiers.local.add(entry)
  }

  demoted(entry: number): void {
    this.#tiers.local.remove(entry)
    this.#tiers.remote.add(entry)
  }

  removed(entry: number, tier: Tier): void {
    this.#tiers[tier].remove(entry)
  }

  localVictim(): number {
    return this.#tiers.local.victim()
  }

  remoteVictim(): number {
    return this.#tiers.remote.victim()
  }
}

/** SIEVE in both tiers; what is read in remote memory becomes local, as the newest. */
export const sieve: PolicyFactory = (host) => new SieveTiers(host)
