// The objects of a store, in two tiers: slabs for each class of sizes and each tier, and a region for each
// large object.

import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { PAGE, roundUp } from '../slab/shape.js'
import { classOf, sizeOfClass } from '../slab/size-class.js'
import { Memory, refuseLost } from './memory.js'
import { memoryOf, type Place, placeOf, wordOf } from './place.js'
import type { Tier } from './policy.js'
import { Pool } from './pool.js'

const LEAST_SLAB_BYTES = 4096
const MOST_SLAB_BYTES = 2 << 20
/** The part of a tier that a slab may take. */
const SHARE = 1 / 512

/** Objects are aligned to words, and large ones end at whole longs. */
const WORD = 4
const LONG = 8

/** What is given out where there is no memory. */
export const FULL: Place = -1

const NO_MEMORY = new Memory(new ArrayBuffer(0), 'local')

/** Told of an object that moves, while it is in both places. */
type Moved = (from: Place, to: Place) => void

export class Heap {
  readonly #cxl: Emucxl
  readonly #nodes: Record<Tier, number>
  readonly #slabBytes: Record<Tier, number>
  /** By tier and class of sizes. */
  readonly #pools: Record<Tier, Pool[]> = { local: [], remote: [] }
  /** By number, and the numbers that are free. */
  readonly #memories: Memory[] = []
  readonly #numbers: number[] = []
  /** What was left of a node when it refused a slab; -1 where that says nothing any more. */
  readonly #refused: Record<Tier, number> = { local: -1, remote: -1 }
  /** Bytes that are mapped. */
  readonly mapped: Record<Tier, number> = { local: 0, remote: 0 }

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

  /** Gives out an object; {@link FULL} where the node of the tier has no memory for it. */
  alloc(tier: Tier, size: number): Place {
    if (size > this.#slabBytes[tier] / 2) {
      const memory = this.#map(tier, () => {
        return new Memory(this.#cxl.alloc(roundUp(size, LONG), this.#nodes[tier]), tier)
      })
      return memory === undefined ? FULL : placeOf(memory.number, 0)
    }
    const pool = this.#poolOf(tier, size)
    let slab = pool.current
    if (slab === undefined && this.#mayMap(tier)) slab = this.#map(tier, () => pool.add())
    return slab === undefined ? FULL : this.#take(pool, slab)
  }

  /** Maps memory; undefined where the node is full, even if empty slabs of other sizes are given back. */
  #map(tier: Tier, map: () => Memory): Memory | undefined {
    do {
      try {
        return this.#enter(map())
      } catch (error) {
        if (!(error instanceof EmucxlError && error.code === 'ERR_EMUCXL_NO_MEMORY')) throw error
      }
    } while (this.trim())
    this.#refused[tier] = this.#cxl.stats(this.#nodes[tier]).available
    return undefined
  }

  /** Whether a node that was full has more memory now: it takes long to say no. */
  #mayMap(tier: Tier): boolean {
    const { available } = this.#cxl.stats(this.#nodes[tier])
    return available > this.#refused[tier]
  }

  /**
   * Whether a tier can have an object, if all others of the store leave it but one that stays, and has so many
   * bytes of its own.
   */
  mayHold(tier: Tier, size: number, staying: number): boolean {
    const { local, remote } = this.#nodes
    const isLarge = size > this.#slabBytes[tier] / 2
    const pool = isLarge ? undefined : this.#poolOf(tier, size)
    if (pool !== undefined && pool.slabs > 0) return true // it has such an object's room
    const bytes = pool?.slabBytes ?? roundUp(size, PAGE)
    const { capacity, mapped } = this.#cxl.stats(this.#nodes[tier])
    const own = local === remote ? this.mapped.local + this.mapped.remote : this.mapped[tier]
    return bytes + roundUp(staying, PAGE) <= capacity - Math.max(0, mapped - own)
  }

  #poolOf(tier: Tier, size: number): Pool {
    const number = classOf(roundUp(size, WORD))
    const pools = this.#pools[tier]
    const bytes = this.#slabBytes[tier]
    pools[number] ??= new Pool(this.#cxl, tier, this.#nodes[tier], sizeOfClass(number), bytes)
    return pools[number]
  }

  #take(pool: Pool, slab: Memory): Place {
    if (slab.words.length === 0) refuseLost() // what is written to it would be lost in silence
    return placeOf(slab.number, (pool.take(slab) * pool.size) / WORD)
  }

  free(place: Place): void {
    const memory = this.#memories[memoryOf(place)] as Memory
    const { pool } = memory
    if (pool === undefined) this.#unmap(memory)
    else if (pool.free(memory, (wordOf(place) * WORD) / pool.size)) this.#giveBack(pool, memory)
  }

  /** Gives back slabs that are empty. Returns whether there were any. */
  trim(): boolean {
    const before = this.mapped.local + this.mapped.remote
    for (const pool of this.#allPools()) {
      const { empty } = pool
      if (empty !== undefined) this.#giveBack(pool, empty)
    }
    return this.mapped.local + this.mapped.remote < before
  }

  /**
   * Moves the objects of a slab to others, if there is one for whose objects these have room, and gives it
   * back. Returns whether there was one.
   */
  compact(tier: Tier, moved: Moved): boolean {
    for (const pool of this.#allPools()) {
      const slab = pool.tier === tier ? pool.sparsest : undefined
      if (slab === undefined) continue
      const objects = pool.liveIn(slab)
      pool.remove(slab)
      for (const object of objects) {
        const from = placeOf(slab.number, (object * pool.size) / WORD)
        const to = this.#take(pool, pool.current as Memory)
        this.#copy(from, to, pool.size)
        moved(from, to)
      }
      this.#unmap(slab)
      return true
    }
    return false
  }

  /** Copies an object to another place. */
  #copy(from: Place, to: Place, size: number): void {
    this.find(from)
    const { bytes } = this.memory
    const start = WORD * this.at
    this.find(to)
    bytes.copy(this.memory.bytes, WORD * this.at, start, start + size)
  }

  /** Gives a memory a number. */
  #enter(memory: Memory): Memory {
    memory.number = this.#numbers.pop() ?? this.#memories.length
    this.#memories[memory.number] = memory
    this.mapped[memory.tier] += memory.bytes.length
    return memory
  }

  #giveBack(pool: Pool, slab: Memory): void {
    pool.remove(slab)
    this.#unmap(slab)
  }

  #unmap({ number, tier, bytes, size }: Memory): void {
    this.#memories[number] = NO_MEMORY
    this.#numbers.push(number)
    this.mapped[tier] -= size
    this.#refused[tier] = -1
    this.#free(bytes.buffer)
  }

  /** A buffer that somebody has transferred meanwhile is not ours any more. */
  #free(buffer: ArrayBuffer): void {
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
    const { pool, size } = this.#memories[memoryOf(place)] as Memory
    return pool?.size ?? size
  }

  /** Bytes of the bookkeeping. */
  get bytes(): number {
    return this.#memories.reduce((sum, { free }) => sum + free.byteLength, 0)
  }

  /** Gives all back: there are no objects any more. */
  clear(): void {
    const memories = this.#memories.splice(0)
    this.#numbers.length = 0
    for (const tier of ['local', 'remote'] as const) {
      this.#pools[tier].length = 0
      this.mapped[tier] = 0
      this.#refused[tier] = -1
    }
    for (const { bytes } of memories) this.#free(bytes.buffer)
  }

  *#allPools(): Generator<Pool, void, void> {
    for (const pools of [this.#pools.local, this.#pools.remote]) yield* Object.values(pools)
  }
}
