// The best that a policy could do if it knew the future.

/** Whole numbers below a limit, of which the largest is found in a moment: a tree of bits, 32 under each. */
class NumberSet {
  /** The numbers, and above each level one with a bit for each of its words that is not 0. */
  readonly #levels: Uint32Array[] = []
  size = 0

  constructor(limit: number) {
    let words = limit
    do {
      words = Math.ceil(words / 32)
      this.#levels.push(new Uint32Array(words))
    } while (words > 1)
  }

  has(number: number): boolean {
    return (((this.#levels[0] as Uint32Array)[number >>> 5] as number) & (1 << (number & 31))) !== 0
  }

  /** Adds a number that is not there. */
  add(number: number): void {
    this.size++
    let at = number
    for (const level of this.#levels) {
      level[at >>> 5] = (level[at >>> 5] as number) | (1 << (at & 31))
      at >>>= 5
    }
  }

  /** Takes out a number that is there. */
  delete(number: number): void {
    this.size--
    let at = number
    for (const level of this.#levels) {
      level[at >>> 5] = (level[at >>> 5] as number) & ~(1 << (at & 31))
      if (level[at >>> 5] !== 0) return
      at >>>= 5
    }
  }

  /** The largest number of a set that has some. */
  max(): number {
    let at = 0
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      at = (at << 5) | (31 - Math.clz32((this.#levels[i] as Uint32Array)[at] as number))
    }
    return at
  }
}

/**
 * Reads that find their key among `room` keys, where the one that is needed last makes room, and a key that
 * is needed later than all others does not come in. `first` are there from the start. All keys are whole
 * numbers from 0 up. Source: Belády: A study of replacement algorithms (IBM Systems Journal, 1966), with
 * bypassing.
 */
export function beladyHits(
  keys: ArrayLike<number>,
  room: number,
  first: Iterable<number> = [],
): number {
  const never = keys.length
  let most = 0
  for (let i = 0; i < keys.length; i++) most = Math.max(most, keys[i] as number)
  /** By read: when its key is read next. By key: when it is read first. */
  const next = new Uint32Array(keys.length)
  const soonest = new Uint32Array(most + 1).fill(never)
  for (let i = keys.length - 1; i >= 0; i--) {
    next[i] = soonest[keys[i] as number] as number
    soonest[keys[i] as number] = i
  }
  /** When each key that is held is needed; those that never are need not be held. */
  const held = new NumberSet(keys.length)
  const hold = (time: number) => {
    if (time === never) return
    if (held.size >= room) {
      if (room < 1) return
      const latest = held.max()
      if (latest < time) return
      held.delete(latest)
    }
    held.add(time)
  }
  for (const key of first) hold(soonest[key] ?? never)
  let hits = 0
  for (let i = 0; i < keys.length; i++) {
    if (held.has(i)) {
      hits++
      held.delete(i)
    }
    hold(next[i] as number)
  }
  return hits
}
