// The objects of a store, in two tiers: slab caches for each class of sizes and each tier, and a region for
// each large object.

import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { INDEX_MASK } from '../slab/ref.js'
import { roundUp } from '../slab/shape.js'
import { classOf, sizeOfClass, slabBytesFor } from '../slab/size-class.js'
import { SlabCache, slabsOf } from '../slab/slab-cache.js'
import type { Slabs } from '../slab/slabs.js'
import { memoryOf, type Place, placeOf, wordOf } from './place.js'
import type { Tier } from './policy.js'

/** Objects of a cache: the bookkeeping of more would take milliseconds to grow. */
const MOST_OBJECTS = 1 << 20
/** The part of a cache's objects that may live where it is filled again instead of another one. */
const SPARSE = 7 / 8

const LEAST_SLAB_BYTES = 4096
const MOST_SLAB_BYTES = 2 << 20
/** The part of a tier that a slab may take. */
const SHARE = 1 / 512

/** Objects are aligned to words, and large ones end at whole longs. */
const WORD = 4
const LONG = 8

/** Objects of a size in a tier. */
interface Pool {
  readonly tier: Tier
  /** Bytes of an object. */
  readonly size: number
  readonly cache: SlabCache
  readonly slabs: Slabs
  /** By slab: the number of its memory. */
  readonly memories: number[]
  /** Objects that live. */
  live: number
}

/** The memory of a slab, or of a large object, with what is looked for in it. */
export class Memory {
  readonly tier: Tier
  readonly view: DataView<ArrayBuffer>
  readonly words: Int32Array<ArrayBuffer>
  readonly longs: BigInt64Array<ArrayBuffer>
  readonly bytes: Buffer<ArrayBuffer>
  /** Undefined for a large object. */
  readonly pool: Pool | undefined
  /** The index of its first object in the cache. */
  readonly first: number

  constructor(view: DataView<ArrayBuffer>, tier: Tier, pool?: Pool, first = 0) {
    const { buffer } = view
    this.tier = tier
    this.view = view
    this.words = new Int32Array(buffer)
    this.longs = new BigInt64Array(buffer)
    this.bytes = Buffer.from(buffer)
    this.pool = pool
    this.first = first
  }
}

const NO_MEMORY = new Memory(new DataView(new ArrayBuffer(0)), 'local')

export class Heap {
  readonly #cxl: Emucxl
  readonly #nodes: Record<Tier, number>
  readonly #slabBytes: Record<Tier, number>
  readonly #pools: Pool[] = []
  /** By tier and class: the pool that gives out objects. */
  readonly #current: Record<Tier, Pool[]> = { local: [], remote: [] }
  /** By number. */
  readonly #memories: Memory[] = []
  /** Numbers that are free: those of large objects that were given back. */
  readonly #free: number[] = []

  // The object that was looked for last.
  /** What it lies in, and the word where it begins there. */
  memory = NO_MEMORY
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
  alloc(tier: Tier, size: number): Place {
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
    for (const { cache } of this.#pools) cache.trim()
  }

  #alloc(tier: Tier, size: number): Place {
    if (size > this.#slabBytes[tier] / 2) return this.#allocLarge(tier, size)
    const number = classOf(roundUp(size, WORD))
    const pool = this.#current[tier][number] ?? this.#addPool(tier, number)
    const { cache, slabs } = pool
    const ref = cache.alloc()
    const index = ref & INDEX_MASK
    if (index >= MOST_OBJECTS) {
      cache.free(ref)
      this.#current[tier][number] = this.#sparse(pool) ?? this.#addPool(tier, number)
      return this.#alloc(tier, size)
    }
    pool.live++
    const slab = index >> slabs.shift
    const view = slabs.views[slab] as DataView<ArrayBuffer>
    const memory = pool.memories[slab] ?? this.#memories.length
    if (this.#memories[memory]?.view !== view) {
      this.#memories[memory] = new Memory(view, tier, pool, slab << slabs.shift)
      pool.memories[slab] = memory
    }
    return placeOf(memory, ((index & slabs.mask) * pool.size) / WORD)
  }

  /** A pool like one that is full, but with much room; undefined where there is none. */
  #sparse({ tier, size, slabs }: Pool): Pool | undefined {
    const most = (MOST_OBJECTS >> slabs.shift) * slabs.perSlab * SPARSE
    return this.#pools.find((pool) => {
      return pool.tier === tier && pool.size === size && pool.live < most
    })
  }

  /** A pool for a class of sizes. */
  #addPool(tier: Tier, number: number): Pool {
    const size = sizeOfClass(number)
    const cache = new SlabCache(this.#cxl, {
      objectSize: size,
      node: this.#nodes[tier],
      slabBytes: slabBytesFor(size, this.#slabBytes[tier]),
      align: WORD,
    })
    const pool: Pool = { tier, size, cache, slabs: slabsOf(cache), memories: [], live: 0 }
    this.#pools.push(pool)
    this.#current[tier][number] = pool
    return pool
  }

  #allocLarge(tier: Tier, size: number): Place {
    const buffer = this.#cxl.alloc(roundUp(size, LONG), this.#nodes[tier])
    const number = this.#free.pop() ?? this.#memories.length
    this.#memories[number] = new Memory(new DataView(buffer), tier)
    return placeOf(number, 0)
  }

  free(place: Place): void {
    const number = memoryOf(place)
    const { pool, view, first } = this.#memories[number] as Memory
    if (pool === undefined) {
      this.#memories[number] = NO_MEMORY
      this.#free.push(number)
      this.#unmap(view.buffer)
    } else {
      const index = first + (wordOf(place) * WORD) / pool.size
      pool.cache.free(pool.slabs.entries[index] as number)
      pool.live--
    }
  }

  /** A buffer that somebody has transferred meanwhile is not ours any more. */
  #unmap(buffer: ArrayBuffer): void {
    if (buffer.byteLength > 0 && !this.#cxl.closed) this.#cxl.free(buffer)
  }

  /** Makes an object the one that {@link memory} and {@link at} tell of: by its place. */
  find(place: Place): void {
    this.findIn(memoryOf(place), wordOf(place))
  }

  /** By the number of its memory, and the word where it begins. */
  findIn(number: number, word: number): void {
    this.memory = this.#memories[number] as Memory
    this.at = word
  }

  tierOf(number: number): Tier {
    return (this.#memories[number] as Memory).tier
  }

  /** Bytes that an object has room for. */
  roomOf(place: Place): number {
    const { pool, bytes } = this.#memories[memoryOf(place)] as Memory
    return pool === undefined ? bytes.length : pool.size
  }

  /** Bytes that are mapped in a tier. */
  mapped(tier: Tier): number {
    let sum = 0
    for (const pool of this.#pools) if (pool.tier === tier) sum += pool.cache.stats().bytesMapped
    for (const memory of this.#memories) {
      if (memory.tier === tier && memory.pool === undefined) sum += memory.bytes.length
    }
    return sum
  }

  /** Gives all back. */
  destroy(): void {
    for (const { cache } of this.#pools) cache.destroy()
    for (const { pool, view } of this.#memories) if (pool === undefined) this.#unmap(view.buffer)
    this.#pools.length = 0
    this.#memories.length = 0
  }
}
