// When entries expire.

import { checkOptions, checkPositive, wrongType } from '../memory/arguments.js'
import { EntryNumbers } from './entry-numbers.js'
import type { Records } from './records.js'

/** Entries that are looked at for one that has expired, before another one is evicted. */
const LOOKS = 64

function checkTtl(ttl: unknown): asserts ttl is number {
  checkPositive(ttl, 'options.ttl', 'a number of milliseconds')
}

export class Expiry {
  readonly #ttl: number = Number.POSITIVE_INFINITY
  readonly #clock: () => number
  /** By entry: the time from which on it is gone; 0 for one that stays. */
  readonly #times = new EntryNumbers(Float64Array)
  /** Whether any entry had such a time since the store was empty: else none expires. */
  any = false
  #now = 0
  /** The entry that was looked at last for one that has expired. */
  #hand = 0

  constructor(ttl: unknown, clock: unknown = () => performance.now()) {
    if (ttl !== undefined) {
      checkTtl(ttl)
      this.#ttl = ttl
    }
    if (typeof clock !== 'function') throw wrongType('options.clock', 'a function', clock)
    this.#clock = clock as () => number
  }

  /** When an entry expires that is stored now; 0 for never. */
  after(options: { ttl?: number } | undefined): number {
    if (options === undefined && this.#ttl === Number.POSITIVE_INFINITY) return 0
    checkOptions(options)
    const { ttl = this.#ttl } = options ?? {}
    if (ttl !== this.#ttl) checkTtl(ttl)
    // No time is 0, which stands for none.
    return ttl === Number.POSITIVE_INFINITY ? 0 : this.#time() + ttl || -Number.MIN_VALUE
  }

  /** Looks at the clock, which is code of the user's: before anything else is looked at. */
  tick(): void {
    if (this.any) this.#now = this.#time()
  }

  #time(): number {
    const time: unknown = this.#clock()
    if (typeof time === 'number' && !Number.isNaN(time)) return time
    throw wrongType('what options.clock() returned', 'a number of milliseconds', time)
  }

  set(entry: number, time: number): void {
    if (time !== 0) this.any = true
    if (this.any) this.#times.set(entry, time)
  }

  /** Bytes of the times. */
  get bytes(): number {
    return this.#times.bytes
  }

  forget(entry: number): void {
    this.set(entry, 0)
  }

  /** No entry has a time. */
  clear(): void {
    this.any = false
    this.#times.clear()
  }

  /** Whether the time of an entry had come at the last {@link tick}. */
  isOver(entry: number): boolean {
    if (!this.any) return false
    const time = this.#times.get(entry)
    return time !== 0 && this.#now >= time
  }
  /** An entry that has expired and may go, among the next few or among all; -1 for none. */
  next(records: Records, all: boolean, mayGo: (entry: number) => boolean): number {
    if (!this.any) return -1
    for (let looks = all ? records.count : LOOKS; looks > 0; looks--) {
      this.#hand = this.#hand + 1 < records.count ? this.#hand + 1 : 0
      const entry = this.#hand
      if (records.has(entry) && this.isOver(entry) && mayGo(entry)) return entry
    }
    return -1
  }
}
