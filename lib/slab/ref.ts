// A ref: the number that names an object of a slab cache. From its low bits up it holds the index of
// the object in the bookkeeping of its cache, the number of the cache, and a generation, which grows each
// time that the place is given out again. So one comparison with what the bookkeeping has for that
// index tells a live ref from a stale one, one that was freed twice, and one of another cache.

import { EmucxlError } from '../memory/errors.js'

/** No object: what a field of type `ref` holds in zeroed memory. */
export const NULL_REF = 0

const INDEX_BITS = 28
const CACHE_BITS = 11
const GENERATION_BITS = 53 - INDEX_BITS - CACHE_BITS

/** Objects that a cache can have. */
export const MOST_OBJECTS = 2 ** INDEX_BITS
export const INDEX_MASK = MOST_OBJECTS - 1
const CACHES = 2 ** CACHE_BITS

/** What a ref grows by when its place is given out again. */
export const GENERATION = 2 ** (INDEX_BITS + CACHE_BITS)
/** Refs from here on have the last generation: refs are safe integers. */
export const LAST_GENERATION = 2 ** 53 - GENERATION

/** The number of the cache that a ref belongs to. */
export function cacheOf(ref: number): number {
  return Math.floor(ref / MOST_OBJECTS) % CACHES
}

/** What the refs of a cache have in common: its number, in its place. Number 0 is nobody's. */
export function cacheBits(id: number): number {
  return id * MOST_OBJECTS
}

/** Generations that a cache is taken to have used, of which that is not known. */
const UNKNOWN = 1031

/**
 * The number of the caches of this thread. One that was given back is the last to be given out
 * again, and its refs begin with the generations that were not used yet.
 */
class CacheNumbers {
  readonly #taken = new Set<number>()
  /** By number: the generation that the refs of the next cache with it begin after. */
  readonly #generations = new Map<number, number>()
  #last = 0

  take(): { id: number; generation: number } {
    if (this.#taken.size === CACHES - 1) {
      throw new EmucxlError(
        'ERR_EMUCXL_NO_MEMORY',
        `a thread can have ${CACHES - 1} slab caches at a time: destroy some, or share them`,
      )
    }
    do {
      this.#last++
      if (this.#last === CACHES) this.#last = 1
    } while (this.#taken.has(this.#last))
    this.#taken.add(this.#last)
    // The last generation is never the first.
    const generation = (this.#generations.get(this.#last) ?? 0) % (2 ** GENERATION_BITS - 1)
    return { id: this.#last, generation }
  }

  /** A second call does nothing. Where the last generation is not known, it is taken to be far on. */
  giveBack(id: number, last?: number): void {
    if (!this.#taken.delete(id)) return
    this.#generations.set(id, last ?? (this.#generations.get(id) ?? 0) + UNKNOWN)
  }
}

export const cacheNumbers = new CacheNumbers()
