// W-TinyLFU: a small LRU window, and a main part in two segments. What leaves the window is weighed against
// what would leave the main part, by how often each was read lately; who was read less goes. Reads are
// counted in a sketch of a few bits a key, which forgets: it is halved from time to time.
// Source: Einziger, Friedman, Manes: TinyLFU, a highly efficient cache admission policy (ACM Transactions on
// Storage 2017); window of 1 %, protected segment of 80 % of the main part, as there.

import type { EntryList } from '../entry-list.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'
import { FrequencySketch } from './frequency-sketch.js'

const WINDOW = 0.01
const PROTECTED = 0.8

const IN_WINDOW = 1
const PROBATION = 2
const GUARDED = 3
const REMOTE = 0

class WTinyLfu implements Policy {
  readonly #host: PolicyHost
  readonly #sketch = new FrequencySketch()
  readonly #window: EntryList
  readonly #probation: EntryList
  readonly #guarded: EntryList
  readonly #remote: EntryList
  /** By entry: in which list it is. */
  readonly #segment: EntryBytes

  constructor(host: PolicyHost) {
    this.#host = host
    this.#window = host.list()
    this.#probation = host.list()
    this.#guarded = host.list()
    this.#remote = host.list()
    this.#segment = host.bytes()
  }

  added(entry: number): void {
    this.#count(entry)
    this.#enter(entry, IN_WINDOW)
    this.#spillWindow()
  }

  hit(entry: number, tier: Tier): boolean {
    this.#count(entry)
    if (tier === 'remote') {
      this.#remote.moveToFront(entry)
      // It would be weighed against the next one to leave, and lose.
      const victim = this.#probation.size > 0 ? this.#probation.back : -1
      return victim < 0 || this.#reads(entry) > this.#reads(victim)
    }
    const segment = this.#segment.get(entry)
    if (segment === PROBATION) {
      this.#leave(entry)
      this.#enter(entry, GUARDED)
      const main = this.#probation.size + this.#guarded.size
      while (this.#guarded.size > PROTECTED * main) {
        const last = this.#guarded.back
        this.#leave(last)
        this.#enter(last, PROBATION)
      }
    } else {
      this.#list(segment).moveToFront(entry)
    }
    return false
  }

  promoted(entry: number): void {
    this.#leave(entry)
    this.#enter(entry, IN_WINDOW)
    this.#spillWindow()
  }

  demoted(entry: number): void {
    this.#leave(entry)
    this.#enter(entry, REMOTE)
  }

  removed(entry: number): void {
    this.#leave(entry)
  }

  /** Of what the window gave last, and what the main part would give, the one that was read less. */
  localVictim(): number {
    const { size } = this.#probation
    if (size === 0) return this.#guarded.size > 0 ? this.#guarded.back : this.#window.back
    const candidate = this.#probation.front
    const victim = this.#probation.back
    return this.#reads(candidate) > this.#reads(victim) ? victim : candidate
  }

  remoteVictim(): number {
    return this.#remote.back
  }

  #count(entry: number): void {
    this.#sketch.resize(this.#host.localObjects)
    this.#sketch.add(this.#host.hash(entry))
  }

  #reads(entry: number): number {
    return this.#sketch.get(this.#host.hash(entry))
  }

  /** What is too much for the window comes to the main part, on probation. */
  #spillWindow(): void {
    const most = Math.max(1, WINDOW * this.#host.localObjects)
    while (this.#window.size > most) {
      const last = this.#window.back
      this.#leave(last)
      this.#enter(last, PROBATION)
    }
  }

  #list(segment: number): EntryList {
    if (segment === IN_WINDOW) return this.#window
    if (segment === PROBATION) return this.#probation
    return segment === GUARDED ? this.#guarded : this.#remote
  }

  #enter(entry: number, segment: number): void {
    this.#list(segment).pushFront(entry)
    this.#segment.set(entry, segment)
  }

  #leave(entry: number): void {
    this.#list(this.#segment.get(entry)).remove(entry)
  }
}

/** W-TinyLFU: local memory is for what is read most often, and a small part of it for what is new. */
export const wTinyLfu: PolicyFactory = (host) => new WTinyLfu(host)
