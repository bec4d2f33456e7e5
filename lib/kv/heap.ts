// The objects of a store, in two tiers: slab caches for each class of sizes and each tier, and a region for
// each large object. A *place* is the number of an object: that of its pool, and in the pool.

import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { INDEX_MASK } from '../slab/ref.js'
import { classOf, sizeOfClass, slabBytesFor } from '../slab/size-class.js'
import { SlabCache, slabsOf } from '../slab/slab-cache.js'
import type { Slabs } from '../slab/slabs.js'
import type { Tier } from './policy.js'

/** Bits of a place that number the objects of a pool; the others number the pool. */
const OBJECT_BITS = 23
const MOST_OBJECTS = 1 << OBJECT_BITS
const MOST_POOLS = 1 << (32 - OBJECT_BITS)

const LEAST_SLAB_BYTES = 4096
const MOST_SLAB_BYTES = 2 << 20
/** The part of a tier that a slab may take. */
const SHARE = 1 / 512

const NO_BUFFER = Buffer.alloc(0)

/** Objects of one tier that are found in the same way. */
interface Pool {
  readonly tier: Tier
  /** Bytes of an object; of large ones they differ. */
  readonly size: number
  /** Undefined for large objects. */
  readonly cache: SlabCache | undefined
  readonly slabs: Slabs | undefined
  /** By slab, or by large object: its bytes, and the view that these are of. */
  readonly buffers: Buffer[]
  readonly views: DataView<ArrayBuffer>[]
  /** Numbers of large objects that are free. */
  readonly free: number[]
}

export class Heap {
  readonly #cxl: Emucxl
  readonly #nodes: Record<Tier, number>
  readonly #slabBytes: Record<Tier, number>
  readonly #pools: Pool[] = []
  /** By tier and class: the number of the pool that gives out objects. */
  readonly #current: Record<Tier, number[]> = { local: [], remote: [] }
  readonly #large: Record<Tier, number | undefined> = { local: undefined, remote: undefined }

  // The object that was looked for last.
  /** The slab that it is in, and where it begins there. */
  view: DataView<ArrayBuffer> = new DataView(new ArrayBuffer(0))
  buffer: Buffer = NO_BUFFER
  at = 0

  constructor(cxl: Emucxl, nodes: Record<Tier, number>, bytes: Record<Tier, number>) {
    this.#cxl = cxl
    this.#nodes = nodes
    const slabBytes = (tier: Tier) => {
      const share = Math.min(cxl.stats(nodes[tier]).capacity, bytes[tier]) * SHARE
      return Math.max(LEAST_SLAB_BYTES, Math.min(MOST_SLAB_BYTES, Math.floor(share)))
    }
    this.#slabBytes = { local: slabBytes('local'), remote: slabBytes('remote') }
  }

  /** Gives out an object: its place. Errors: those of `Emucxl.alloc`. */
  alloc(tier: Tier, size: number): number {
    try {
      return this.#alloc(tier, size)
    } catch (error) {
      // Where the node is full, empty slabs of other sizes make room.
      const isFull = error instanceof EmucxlError && error.code === 'ERR_EMUCXL_NO_MEMORY'
      if (!isFull) throw error
      this.trim()
      return this.#alloc(tier, size)
    }
  }

  /** Gives back slabs that are empty. */
  trim(): void {
    for (const { cache } of this.#pools) cache?.trim()
  }

  #alloc(tier: Tier, size: number): number {
    if (size > this.#slabBytes[tier] / 2) return this.#allocLarge(tier, size)
    const number = classOf(size)
    const pool = this.#current[tier][number] ?? this.#addCache(tier, number)
    const cache = (this.#pools[pool] as Pool).cache as SlabCache
    const ref = cache.alloc()
    const index = ref & INDEX_MASK
    if (index < MOST_OBJECTS) return (pool << OBJECT_BITS) | index
    cache.free(ref)
    this.#addCache(tier, number)
    return this.#alloc(tier, size)
  }

  /** A pool for a class of sizes. */
  #addCache(tier: Tier, number: number): number {
    const size = sizeOfClass(number)
    const pool = this.#addPool({ tier, size }, () => {
      return new SlabCache(this.#cxl, {
        objectSize: size,
        node: this.#nodes[tier],
        slabBytes: slabBytesFor(size, this.#slabBytes[tier]),
        align: 1,
      })
    })
    this.#current[tier][number] = pool
    return pool
  }

  /** A pool, of large objects where it has no cache. */
  #addPool(kind: Pick<Pool, 'tier' | 'size'>, make?: () => SlabCache): number {
    if (this.#pools.length === MOST_POOLS) {
      throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', `a store has at most ${MOST_POOLS} pools`)
    }
    const cache = make?.()
    const slabs = cache && slabsOf(cache)
    return this.#pools.push({ ...kind, cache, slabs, buffers: [], views: [], free: [] }) - 1
  }

  #allocLarge(tier: Tier, size: number): number {
    const number = this.#large[tier] ?? this.#addPool({ tier, size: 0 })
    this.#large[tier] = number
    const view = new DataView(this.#cxl.alloc(size, this.#nodes[tier]))
    const pool = this.#pools[number] as Pool
    const index = pool.free.pop() ?? pool.views.length
    pool.views[index] = view
    pool.buffers[index] = Buffer.from(view.buffer)
    return (number << OBJECT_BITS) | index
  }

  free(place: number): void {
    const pool = this.#poolOf(place)
    const index = place & (MOST_OBJECTS - 1)
    if (pool.cache !== undefined) {
      pool.cache.free((pool.slabs as Slabs).entries[index] as number)
      return
    }
    const view = pool.views[index] as DataView<ArrayBuffer>
    pool.views[index] = new DataView(new ArrayBuffer(0))
    pool.buffers[index] = NO_BUFFER
    pool.free.push(index)
    this.#cxl.free(view.buffer)
  }

  /** Makes an object the one that {@link view}, {@link buffer} and {@link at} tell of. */
  find(place: number): void {
    const pool = this.#pools[place >>> OBJECT_BITS] as Pool
    const index = place & (MOST_OBJECTS - 1)
    const { slabs } = pool
    if (slabs === undefined) {
      this.view = pool.views[index] as DataView<ArrayBuffer>
      this.buffer = pool.buffers[index] as Buffer
      this.at = 0
      return
    }
    const slab = index >> slabs.shift
    const view = slabs.views[slab] as DataView<ArrayBuffer>
    this.view = view
    this.at = (index & slabs.mask) * slabs.stride
    if (pool.views[slab] !== view) {
      pool.views[slab] = view
      pool.buffers[slab] = Buffer.from(view.buffer)
    }
    this.buffer = pool.buffers[slab] as Buffer
  }

  tierOf(place: number): Tier {
    return this.#poolOf(place).tier
  }

  /** Bytes that an object has room for. */
  roomOf(place: number): number {
    const pool = this.#poolOf(place)
    if (pool.cache !== undefined) return pool.size
    return (pool.views[place & (MOST_OBJECTS - 1)] as DataView).byteLength
  }

  /** Bytes that are mapped in a tier. */
  mapped(tier: Tier): number {
    return this.#pools.reduce((sum, pool) => {
      if (pool.tier !== tier) return sum
      if (pool.cache !== undefined) return sum + pool.cache.stats().bytesMapped
      return pool.views.reduce((bytes, view) => bytes + view.byteLength, sum)
    }, 0)
  }

  /** Gives all back. */
  destroy(): void {
    for (const { cache, views } of this.#pools) {
      if (cache !== undefined) cache.destroy()
      else {
        for (const { buffer } of views) {
          if (buffer.byteLength > 0 && !this.#cxl.closed) this.#cxl.free(buffer)
        }
      }
    }
    this.#pools.length = 0
  }

  #poolOf(place: number): Pool {
    return this.#pools[place >>> OBJECT_BITS] as Pool
  }
}
