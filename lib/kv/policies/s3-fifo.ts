// S3-FIFO: three queues, first in, first out. What is new goes through a small one, and from there to the main
// one if it was read meanwhile, else it leaves; of what has left, a ghost is kept, with which it comes
// back to the main one at once. Here what leaves goes to remote memory, and that is the ghost.
// Source: Yang et al.: FIFO Queues are All You Need for Cache Eviction (SOSP 2023), Algorithm 1.

import type { EntryList } from '../entry-list.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'

/** The part of local memory that the small queue has. */
const SMALL = 0.1
/** Reads are counted up to this. */
const MOST_READS = 3
/** Bits of an entry's number: reads, and whether it is in the main queue. */
const READS = 3
const MAIN = 4

class S3Fifo implements Policy {
  readonly #small: EntryList
  readonly #main: EntryList
  readonly #remote: EntryList
  readonly #state: EntryBytes

  constructor(host: PolicyHost) {
    this.#small = host.list()
    this.#main = host.list()
    this.#remote = host.list()
    this.#state = host.bytes()
  }

  added(entry: number): void {
    this.#small.pushFront(entry)
    this.#state.set(entry, 0)
  }

  hit(entry: number, tier: Tier): boolean {
    const state = this.#state.get(entry)
    if ((state & READS) < MOST_READS) this.#state.set(entry, state + 1)
    return tier === 'remote'
  }

  /** It was read while its ghost was there. */
  promoted(entry: number): void {
    this.#remote.remove(entry)
    this.#main.pushFront(entry)
    this.#state.set(entry, MAIN)
  }

  demoted(entry: number): void {
    this.#local(entry).remove(entry)
    this.#remote.pushFront(entry)
    this.#state.set(entry, 0)
  }

  removed(entry: number, tier: Tier): void {
    const list = tier === 'local' ? this.#local(entry) : this.#remote
    list.remove(entry)
  }

  localVictim(): number {
    const small = this.#small
    const main = this.#main
    for (;;) {
      const most = SMALL * (small.size + main.size)
      if (small.size > 0 && (small.size >= most || main.size === 0)) {
        const entry = small.back
        if ((this.#state.get(entry) & READS) <= 1) return entry
        small.remove(entry)
        main.pushFront(entry)
        this.#state.set(entry, MAIN)
      } else {
        const entry = main.back
        const state = this.#state.get(entry)
        if ((state & READS) === 0) return entry
        main.remove(entry)
        main.pushFront(entry)
        this.#state.set(entry, state - 1)
      }
    }
  }

  /** First in, first out; what was read since it came goes round once more for each read. */
  remoteVictim(): number {
    for (;;) {
      const entry = this.#remote.back
      const state = this.#state.get(entry)
      if ((state & READS) === 0) return entry
      this.#remote.remove(entry)
      this.#remote.pushFront(entry)
      this.#state.set(entry, state - 1)
    }
  }

  #local(entry: number): EntryList {
    return (this.#state.get(entry) & MAIN) === 0 ? this.#small : this.#main
  }
}

/** S3-FIFO: a small and a main queue in local memory; what is read in remote memory enters the main one. */
export const s3Fifo: PolicyFactory = (host) => new S3Fifo(host)
