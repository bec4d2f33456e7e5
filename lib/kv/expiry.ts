// When entries expire.

import { checkOptions, outOfRange, wrongType } from '../memory/arguments.js'

const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1

function checkTtl(ttl: unknown, name: string): asserts ttl is number {
  if (typeof ttl !== 'number') throw wrongType(name, 'a number of milliseconds', ttl)
  if (!(ttl > 0)) throw outOfRange(name, 'more than 0, or Infinity', ttl)
}

export class Expiry {
  readonly #ttl: number = Number.POSITIVE_INFINITY
  readonly #clock: () => number
  /** By entry: the time from which on it is gone; 0 for one that stays. Made where it is needed. */
  readonly #times: (Float64Array | undefined)[] = []
  #any = false
  #now = 0

  constructor(ttl: unknown, clock: unknown = () => performance.now()) {
    if (ttl !== undefined) {
      checkTtl(ttl, 'options.ttl')
      this.#ttl = ttl
    }
    if (typeof clock !== 'function') throw wrongType('options.clock', 'a function', clock)
    this.#clock = clock as () => number
  }

  /** When an entry expires that is stored now; 0 for never. */
  after(options: { ttl?: number } | undefined): number {
    if (options === undefined && this.#ttl === Number.POSITIVE_INFINITY) return 0
    checkOptions(options)
    const ttl = options?.ttl ?? this.#ttl
    if (options?.ttl !== undefined) checkTtl(ttl, 'options.ttl')
    return ttl === Number.POSITIVE_INFINITY ? 0 : this.#clock() + ttl
  }

  /** Looks at the clock, which is code of the user's: before anything else is looked at. */
  tick(): void {
    if (this.#any) this.#now = this.#clock()
  }

  set(entry: number, time: number): void {
    let times = this.#times[entry >> CHUNK_BITS]
    if (times === undefined) {
      if (time === 0) return
      times = new Float64Array(1 << CHUNK_BITS)
      this.#times[entry >> CHUNK_BITS] = times
      this.#any = true
    }
    times[entry & IN_CHUNK] = time
  }

  forget(entry: number): void {
    if (this.#any) this.set(entry, 0)
  }

  /** Whether the time of an entry had come at the last {@link tick}. */
  isOver(entry: number): boolean {
    if (!this.#any) return false
    const time = this.#times[entry >> CHUNK_BITS]?.[entry & IN_CHUNK] ?? 0
    return time !== 0 && this.#now >= time
  }
}
