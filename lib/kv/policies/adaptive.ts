// A policy that chooses among others while it runs. Each candidate drives a ghost: lists, and no memory, of a
// sample of the entries, with local memory scaled down in the same way. A candidate comes to decide when its
// ghost has found so many more reads in local memory than the store itself that neither chance nor what the
// change costs explains it; it takes over all entries bit by bit, those first that would leave first.
// Ghosts of a sample: Waldspurger et al.: Cache Modeling and Optimization using Miniature Simulations (ATC 2017).

import { EntryList } from '../entry-list.js'
import { EntryNumbers } from '../entry-numbers.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'
import { Records } from '../records.js'

/** Entries of a sample; where there are twice as many, every second one is left out. */
const SAMPLE = 4096
/** What follows counts in entries of the sample's local memory, as if it had this many where it has fewer. */
const LEAST_ROOM = 100
/** Reads of the sample that count: at each, one part in so many of all that was counted fades. */
const WINDOW = 16
/**
 * By more than how many reads another candidate must lead. Once it decides, it finds local memory full of
 * what it would not have kept: that costs reads, which it must be worth.
 */
const MARGIN = 0.2
/**
 * And by more than how many standard deviations of what chance makes of the reads that only one of the two
 * found: of so many reads, the deviation is the square root.
 */
const DEVIATIONS = 4
/**
 * Entries of each tier that the candidate that decides takes over from others at each read, one local and one
 * remote by turns, besides the one that is read: it gets that one first.
 */
const TAKEN_OVER = 4

const LOCAL = 1
const REMOTE = 2
/** Numbers that the lists of a ghost may take for their ends; those of the sample come after them. */
const ENDS = 16

/** What a candidate would have done with the sample, had it decided from the start. */
class Ghost {
  readonly #records = new Records()
  readonly #policy: Policy
  /** By number in the sample: LOCAL, REMOTE, or 0 for what is not there. */
  readonly #tiers: EntryBytes = new EntryNumbers(Uint8Array)
  #local = 0
  /** Whether the last read was local. */
  found = false
  /** Reads that only it found, less those that only the store found; and both together. */
  lead = 0
  differences = 0

  constructor(factory: PolicyFactory, hash: (entry: number) => number, room: () => number) {
    const records = this.#records
    this.#policy = factory({
      list: () => new EntryList(records),
      bytes: () => new EntryNumbers(Uint8Array),
      hash,
      get localObjects() {
        return room()
      },
    })
    while (records.count < ENDS) records.allocate()
  }

  add(entry: number, room: number): void {
    while (this.#records.count <= entry) this.#records.allocate()
    this.#tiers.set(entry, LOCAL)
    this.#local++
    this.#policy.added(entry)
    this.#makeRoom(room)
  }

  hit(entry: number, room: number): void {
    const tier = this.#tiers.get(entry)
    this.found = tier === LOCAL
    if (!this.#policy.hit(entry, tier === LOCAL ? 'local' : 'remote') || tier === LOCAL) return
    this.#makeRoom(room - 1)
    this.#tiers.set(entry, LOCAL)
    this.#local++
    this.#policy.promoted(entry)
  }

  remove(entry: number): void {
    const tier = this.#tiers.get(entry)
    if (tier === LOCAL) this.#local--
    this.#tiers.set(entry, 0)
    this.#policy.removed(entry, tier === LOCAL ? 'local' : 'remote')
  }

  #makeRoom(room: number): void {
    while (this.#local > Math.max(0, room)) {
      const victim = this.#policy.localVictim()
      this.#tiers.set(victim, REMOTE)
      this.#local--
      this.#policy.demoted(victim)
    }
  }
}

class Adaptive implements Policy {
  readonly #host: PolicyHost
  /** The candidates with the store's own entries, each of which belongs to one of them. */
  readonly #policies: readonly Policy[]
  readonly #owners: EntryBytes
  readonly #localOf: number[]
  readonly #remoteOf: number[]
  #current = 0

  readonly #ghosts: readonly Ghost[]
  /** By number of an entry in the sample: its number there, and the reverse, with free numbers. */
  readonly #sample = new Map<number, number>()
  readonly #entries: number[] = []
  readonly #free: number[] = []
  #next = ENDS
  /** Entries are in the sample whose hash has zeros here. More ones come as it grows, until the store is empty. */
  #mask = 0

  constructor(host: PolicyHost, candidates: readonly PolicyFactory[]) {
    this.#host = host
    this.#policies = candidates.map((factory) => factory(host))
    this.#owners = host.bytes()
    this.#localOf = candidates.map(() => 0)
    this.#remoteOf = candidates.map(() => 0)
    const hash = (number: number) => host.hash(this.#entries[number] as number)
    this.#ghosts = candidates.map((factory) => new Ghost(factory, hash, () => this.#room()))
  }

  /** The number of the candidate that decides now. */
  get current(): number {
    return this.#current
  }

  added(entry: number): void {
    this.#own(entry, 'local')
    this.#policies[this.#current]?.added(entry)
    this.#observeNew(entry)
  }

  hit(entry: number, tier: Tier): boolean {
    this.#observe(entry, tier) // who decides then decides on this read too
    if (this.#owners.get(entry) !== this.#current) this.#takeOver(entry, tier)
    for (let i = 0; i < TAKEN_OVER; i++) {
      const local = this.#others(this.#localOf)
      const remote = this.#others(this.#remoteOf)
      if (local !== this.#current) this.#takeOver(this.#policy(local).localVictim(), 'local')
      if (remote !== this.#current) this.#takeOver(this.#policy(remote).remoteVictim(), 'remote')
      if (local === remote && local === this.#current) break
    }
    return this.#policy(this.#current).hit(entry, tier)
  }

  #policy(candidate: number): Policy {
    return this.#policies[candidate] as Policy
  }

  /** An entry comes to the candidate that decides: what is read, and what would leave first. */
  #takeOver(entry: number, tier: Tier): void {
    this.#policy(this.#owners.get(entry)).removed(entry, tier)
    this.#disown(entry, tier)
    this.#own(entry, tier)
    const policy = this.#policy(this.#current)
    policy.added(entry)
    if (tier === 'remote') policy.demoted(entry)
  }

  promoted(entry: number): void {
    const owner = this.#owners.get(entry)
    this.#count(owner, 'remote', -1)
    this.#count(owner, 'local', 1)
    this.#policies[owner]?.promoted(entry)
  }

  demoted(entry: number): void {
    const owner = this.#owners.get(entry)
    this.#count(owner, 'local', -1)
    this.#count(owner, 'remote', 1)
    this.#policies[owner]?.demoted(entry)
  }

  removed(entry: number, tier: Tier): void {
    this.#policies[this.#owners.get(entry)]?.removed(entry, tier)
    this.#disown(entry, tier)
    this.#forget(entry)
    if (this.#sample.size === 0 && this.#isEmpty()) this.#mask = 0
  }

  /** What other candidates still have goes first: by the word of the first of them that has any. */
  localVictim(): number {
    return (this.#policies[this.#others(this.#localOf)] as Policy).localVictim()
  }

  remoteVictim(): number {
    return (this.#policies[this.#others(this.#remoteOf)] as Policy).remoteVictim()
  }

  #others(counts: readonly number[]): number {
    const other = counts.findIndex((count, i) => count > 0 && i !== this.#current)
    return other < 0 ? this.#current : other
  }

  #isEmpty(): boolean {
    return [...this.#localOf, ...this.#remoteOf].every((count) => count === 0)
  }

  #own(entry: number, tier: Tier): void {
    this.#owners.set(entry, this.#current)
    this.#count(this.#current, tier, 1)
  }

  #disown(entry: number, tier: Tier): void {
    this.#count(this.#owners.get(entry), tier, -1)
  }

  #count(owner: number, tier: Tier, change: number): void {
    const counts = tier === 'local' ? this.#localOf : this.#remoteOf
    counts[owner] = (counts[owner] as number) + change
  }

  /** Entries that a ghost's local memory has. */
  #room(): number {
    return Math.max(1, Math.round(this.#host.localObjects / (this.#mask + 1)))
  }

  #isSampled(entry: number): boolean {
    return this.#mask === 0 || (this.#host.hash(entry) & this.#mask) === 0
  }

  #observeNew(entry: number): void {
    if (!this.#isSampled(entry)) return
    if (this.#sample.size >= 2 * SAMPLE) {
      this.#halve()
      if (!this.#isSampled(entry)) return
    }
    const number = this.#free.pop() ?? this.#next++
    this.#sample.set(entry, number)
    this.#entries[number] = entry
    for (const ghost of this.#ghosts) ghost.add(number, this.#room())
  }

  /** Every second entry leaves the sample. */
  #halve(): void {
    this.#mask = 2 * this.#mask + 1
    for (const entry of [...this.#sample.keys()]) {
      if (!this.#isSampled(entry)) this.#forget(entry)
    }
  }

  #forget(entry: number): void {
    const number = this.#sample.get(entry)
    if (number === undefined) return
    for (const ghost of this.#ghosts) ghost.remove(number)
    this.#sample.delete(entry)
    this.#free.push(number)
  }

  #observe(entry: number, tier: Tier): void {
    if (!this.#isSampled(entry)) return
    const number = this.#sample.get(entry) as number
    const room = this.#room()
    for (const ghost of this.#ghosts) ghost.hit(number, room)
    this.#compare(room, tier === 'local')
  }

  /**
   * The candidate that decides is judged by what the store found, the others by their ghosts. It gives way to
   * the one that leads by most, of those that lead by enough; to the first of several that are as good. The
   * accounts of all then begin again, in debt.
   */
  #compare(room: number, found: boolean): void {
    const entries = Math.max(LEAST_ROOM, room)
    const fade = 1 - 1 / (WINDOW * entries)
    let best = this.#current
    const margin = MARGIN * entries
    let most = margin
    for (let i = 0; i < this.#ghosts.length; i++) {
      if (i === this.#current) continue
      const ghost = this.#ghosts[i] as Ghost
      ghost.lead *= fade
      ghost.differences *= fade
      if (ghost.found !== found) {
        // What it missed long ago must not hide that it is better now: so far behind, it sinks no more.
        if (!found) ghost.lead++
        else if (ghost.lead > -margin) ghost.lead--
        ghost.differences++
      }
      if (ghost.lead > most && ghost.lead > DEVIATIONS * Math.sqrt(ghost.differences)) {
        best = i
        most = ghost.lead
      }
    }
    if (best === this.#current) return
    this.#current = best
    for (const ghost of this.#ghosts) {
      ghost.lead = -entries // it must find the entries first that it would have kept
      ghost.differences = 0
    }
  }
}

/** Chooses among policies while it runs: at any time that one decides which did best lately on a sample. */
export function adaptive(candidates: readonly PolicyFactory[]): PolicyFactory {
  return (host) => new Adaptive(host, candidates)
}
