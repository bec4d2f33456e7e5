// A policy that chooses among others while it runs. Each candidate drives a ghost: lists, and no memory, of a
// sample of the entries, with local memory scaled down in the same way. The candidate whose ghost finds most
// reads in local memory lately is the one that decides.
// Ghosts of a sample: Waldspurger et al.: Cache Modeling and Optimization using Miniature Simulations (ATC 2017).

import { EntryList } from '../entry-list.js'
import { EntryNumbers } from '../entry-numbers.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'
import { Records } from '../records.js'

/** Entries of a sample; where there are twice as many, every second one is left out. */
const SAMPLE = 4096
/** Reads after which candidates are compared, for each entry of the sample's local memory. */
const ROUND = 4
/** What a round counts for beside the one after it. */
const MEMORY = 0.5
/** By how much another candidate must be better, as a part of the reads. */
const MARGIN = 0.005

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
  /** Reads that were local, of this round, and those before, which fade. */
  hits = 0
  score = 0

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
    if (tier === LOCAL) this.hits++
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
  readonly #candidates: readonly PolicyFactory[]
  /** The candidates with the store's own entries, each of which belongs to one of them. */
  readonly #policies: readonly Policy[]
  readonly #owners: EntryBytes
  readonly #localOf: number[]
  readonly #remoteOf: number[]
  #current = 0

  #ghosts: Ghost[] = []
  /** By number of an entry in the sample: its number there, and the reverse, with free numbers. */
  #sample = new Map<number, number>()
  #entries: number[] = []
  #free: number[] = []
  #next = ENDS
  /** Entries are in the sample whose hash has zeros here. */
  #mask = 0
  #reads = 0

  constructor(host: PolicyHost, candidates: readonly PolicyFactory[]) {
    this.#host = host
    this.#candidates = candidates
    this.#policies = candidates.map((factory) => factory(host))
    this.#owners = host.bytes()
    this.#localOf = candidates.map(() => 0)
    this.#remoteOf = candidates.map(() => 0)
    this.#haunt()
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
    this.#observe(entry)
    const owner = this.#owners.get(entry)
    if (owner !== this.#current) {
      // What is read comes to the candidate that decides; the others keep what nobody reads.
      this.#policies[owner]?.removed(entry, tier)
      this.#disown(entry, tier)
      this.#own(entry, tier)
      this.#policies[this.#current]?.added(entry)
      if (tier === 'remote') this.#policies[this.#current]?.demoted(entry)
    }
    return (this.#policies[this.#current] as Policy).hit(entry, tier)
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
    const number = this.#sample.get(entry)
    if (number === undefined) return
    for (const ghost of this.#ghosts) ghost.remove(number)
    this.#sample.delete(entry)
    this.#free.push(number)
  }

  /** What nobody has read since another candidate decided goes first. */
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

  #haunt(): void {
    const hash = (number: number) => this.#host.hash(this.#entries[number] as number)
    this.#ghosts = this.#candidates.map((factory) => new Ghost(factory, hash, () => this.#room()))
    this.#sample = new Map()
    this.#entries = []
    this.#free = []
    this.#next = ENDS
  }

  #isSampled(entry: number): boolean {
    return this.#mask === 0 || (this.#host.hash(entry) & this.#mask) === 0
  }

  #observeNew(entry: number): void {
    if (!this.#isSampled(entry)) return
    if (this.#sample.size >= 2 * SAMPLE) {
      this.#mask = 2 * this.#mask + 1
      this.#haunt() // a smaller sample begins anew
      return
    }
    const number = this.#free.pop() ?? this.#next++
    this.#sample.set(entry, number)
    this.#entries[number] = entry
    for (const ghost of this.#ghosts) ghost.add(number, this.#room())
  }

  #observe(entry: number): void {
    if (!this.#isSampled(entry)) return
    const number = this.#sample.get(entry)
    if (number === undefined) {
      this.#observeNew(entry)
      return
    }
    const room = this.#room()
    for (const ghost of this.#ghosts) ghost.hit(number, room)
    if (++this.#reads >= ROUND * room) this.#choose()
  }

  #choose(): void {
    const reads = this.#reads
    this.#reads = 0
    for (const ghost of this.#ghosts) {
      ghost.score = MEMORY * ghost.score + (1 - MEMORY) * (ghost.hits / reads)
      ghost.hits = 0
    }
    const score = (i: number) => (this.#ghosts[i] as Ghost).score
    let best = this.#current
    for (let i = 0; i < this.#ghosts.length; i++) if (score(i) > score(best)) best = i
    if (score(best) > score(this.#current) + MARGIN) this.#current = best
  }
}

/** Chooses among policies while it runs: at any time that one decides which did best lately on a sample. */
export function adaptive(candidates: readonly PolicyFactory[]): PolicyFactory {
  return (host) => new Adaptive(host, candidates)
}
