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

/** What is given out where there is no memory, or meant where there is no object. */
export const NOWHERE: Place = -1

const TIERS: readonly Tier[] = ['local', 'remote']

const NO_MEMORY = new Memory(new ArrayBuffer(0), 'local')

/** A slab that was refused: its bytes, and those that were left of the node. */
interface Refusal {
  slabBytes: number
  available: number
}

/** Where the last refusal, if there was one, says nothing any more. */
const NONE: Refusal = { slabBytes: Number.POSITIVE_INFINITY, available: -1 }

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
  /** The slab that a node refused last. */
  readonly #refused: Record<Tier, Refusal> = { local: NONE, remote: NONE }
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

  /** Gives out an object; {@link NOWHERE} where the node of the tier has no memory for it. */
  alloc(tier: Tier, size: number): Place {
    if (size > this.#slabBytes[tier] / 2) {
      const memory = this.#map(() => {
        return new Memory(this.#cxl.alloc(roundUp(size, LONG), this.#nodes[tier]), tier)
      })
      return memory === undefined ? NOWHERE : placeOf(memory.number, 0)
    }
    const pool = this.#poolOf(tier, size)
    const slab = pool.current ?? this.#addTo(pool)
    return slab === undefined ? NOWHERE : this.#take(pool, slab)
  }

  /** Maps a slab. A node that refused one no larger is asked again when it has more: it takes long to say no. */
  #addTo(pool: Pool): Memory | undefined {
    const { tier, slabBytes } = pool
    const available = () => this.#cxl.stats(this.#nodes[tier]).available
    const refused = this.#refused[tier]
    if (slabBytes >= refused.slabBytes && available() <= refused.available) return undefined
    const slab = this.#map(() => pool.add())
    if (slab === undefined) this.#refused[tier] = { slabBytes, available: available() }
    return slab
  }

  /** Maps memory; undefined where the node is full, even if empty slabs of other sizes are given back. */
  #map(map: () => Memory): Memory | undefined {
    do {
      try {
        return this.#enter(map())
      } catch (error) {
        if (!(error instanceof EmucxlError && error.code === 'ERR_EMUCXL_NO_MEMORY')) throw error
      }
    } while (this.trim())
    return undefined
  }

  /**
   * Whether a tier can have an object, if all others of the store leave its node but one that stays; if
   * `alone`, those of the other tier stay as well.
   */
  mayHold(tier: Tier, size: number, staying: Place = NOWHERE, alone = false): boolean {
    const isLarge = size > this.#slabBytes[tier] / 2
    const pool = isLarge ? undefined : this.#poolOf(tier, size)
    if (pool !== undefined && pool.slabs > 0) return true // it has such an object's room
    const bytes = pool?.slabBytes ?? roundUp(size, PAGE)
    const { capacity, mapped } = this.#cxl.stats(this.#nodes[tier])
    const leave = (each: Tier) => each === tier || (!alone && this.onOneNode)
    const own = TIERS.reduce((sum, each) => sum + (leave(each) ? this.mapped[each] : 0), 0)
    const kept = staying === NOWHERE ? undefined : this.#memories[memoryOf(staying)]
    const keptBytes = kept !== undefined && leave(kept.tier) ? kept.bytesMapped : 0
    return bytes + keptBytes <= capacity - (mapped - own)
  }

  /** Whether both tiers are on one node. */
  get onOneNode(): boolean {
    return this.#shareNode('local', 'remote')
  }

  #shareNode(one: Tier, other: Tier): boolean {
    return this.#nodes[one] === this.#nodes[other]
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
   * Moves the objects of a slab on a tier's node to others, if there is one for whose objects these have
   * room, and gives it back. Returns whether there was one.
   */
  compact(tier: Tier, moved: Moved): boolean {
    for (const pool of this.#allPools()) {
      const slab = this.#shareNode(pool.tier, tier) ? pool.sparsest : undefined
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
    this.mapped[memory.tier] += memory.bytesMapped
    return memory
  }

  #giveBack(pool: Pool, slab: Memory): void {
    pool.remove(slab)
    this.#unmap(slab)
  }

  #unmap({ number, tier, bytes, bytesMapped }: Memory): void {
    this.#memories[number] = NO_MEMORY
    this.#numbers.push(number)
    this.mapped[tier] -= bytesMapped
    for (const each of TIERS) if (this.#shareNode(each, tier)) this.#refused[each] = NONE
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
    for (const tier of TIERS) {
      this.#pools[tier].length = 0
      this.mapped[tier] = 0
      this.#refused[tier] = NONE
    }
    for (const { bytes } of memories) this.#free(bytes.buffer)
  }

  *#allPools(): Generator<Pool, void, void> {
    for (const pools of [this.#pools.local, this.#pools.remote]) yield* Object.values(pools)
  }
}
