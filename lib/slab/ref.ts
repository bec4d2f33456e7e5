// A ref: the number that names an object of a slab cache. From its low bits up it holds the index of
// the object in the bookkeeping of its cache, the number of the cache, and a generation, which grows each
// time that the place is given out again. So one comparison with what the bookkeeping has for that
// index tells a live ref from a stale one, one that was freed twice, and one of another cache.

/** No object: what a field of type `ref` holds in zeroed memory. */
export const NULL_REF = 0

const INDEX_BITS = 28
const CACHE_BITS = 11

/** Objects that a cache can have. */
export const MOST_OBJECTS = 2 ** INDEX_BITS
export const INDEX_MASK = MOST_OBJECTS - 1
/** Numbers of caches. Number 0 is nobody's. */
export const CACHES = 2 ** CACHE_BITS
export const GENERATIONS = 2 ** (53 - INDEX_BITS - CACHE_BITS)

/** What a ref grows by when its place is given out again. */
export const GENERATION = 2 ** (INDEX_BITS + CACHE_BITS)
/** Refs from here on have the last generation: refs are safe integers. */
const LAST_GENERATION = 2 ** 53 - GENERATION

/** The number of the cache that a ref belongs to. */
export function cacheOf(ref: number): number {
  return Math.floor(ref / MOST_OBJECTS) % CACHES
}

export function generationOf(ref: number): number {
  return Math.floor(ref / GENERATION)
}

/** The ref of the object with index 0 of a cache. */
export function refOf(cache: number, generation: number): number {
  return generation * GENERATION + cache * MOST_OBJECTS
}

/** The ref that is next in the place of an object. Generations go round, and leave out the first. */
export function following(ref: number): number {
  return (ref < LAST_GENERATION ? ref : ref - LAST_GENERATION) + GENERATION
}
