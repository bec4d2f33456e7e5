// Objects of one size in one tier: slabs that are cut into them. It is what a SlabCache is, for who needs no
// refs: a store tells nobody where its objects are, so that there is nothing to check, and two bytes of
// bookkeeping do for an object where a cache needs twelve.

import { type Emucxl, hugePagesOf } from '../memory/emucxl.js'
import { slabBytesFor } from '../slab/size-class.js'
import { Memory } from './memory.js'
import type { Tier } from './policy.js'

const HUGE_PAGE = 2 << 20
/** Objects of a slab: with more, it would take long to empty one. */
const MOST_OBJECTS = 1 << 13

export class Pool {
  readonly tier: Tier
  /** Bytes of an object. */
  readonly size: number
  /** Objects of a slab, and its bytes. */
  readonly perSlab: number
  readonly slabBytes: number
  /** Slabs that there are, and objects that are free in them. */
  slabs = 0
  room = 0

  readonly #cxl: Emucxl
  readonly #node: number
  /** Slabs that have room. The last one gives out objects; one that is empty comes first. */
  readonly #withRoom: Memory[] = []
  /** Whether slabs may have huge pages: they are large enough, and the user left it open. */
  #huge: boolean

  /** `slabBytes`: about how many a slab is to have. */
  constructor(cxl: Emucxl, tier: Tier, node: number, size: number, slabBytes: number) {
    this.#cxl = cxl
    this.#node = node
    this.tier = tier
    this.size = size
    this.slabBytes = slabBytesFor(size, Math.min(slabBytes, size * MOST_OBJECTS))
    this.perSlab = Math.min(MOST_OBJECTS, Math.floor(this.slabBytes / size))
    this.#huge = this.slabBytes >= HUGE_PAGE && hugePagesOf(cxl) === undefined
  }

  /** The slab that gives out the next object; undefined where none has room. */
  get current(): Memory | undefined {
    return this.#withRoom.at(-1)
  }

  /** Maps a slab. Errors: those of `Emucxl.alloc`. */
  add(): Memory {
    const slab = new Memory(this.#map(), this.tier, this)
    this.slabs++
    this.room += this.perSlab
    this.#enter(slab)
    return slab
  }

  /**
   * Memory for a slab. One after the first will be filled, as that was: huge pages give it its memory at
   * a tenth of the price, and cost less to find again.
   */
  #map(): ArrayBuffer {
    if (this.#huge && this.slabs > 0) {
      try {
        return this.#cxl.alloc(this.slabBytes, this.#node, { hugePages: 'prefer' })
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_EMUCXL_UNSUPPORTED') throw error
        this.#huge = false
      }
    }
    return this.#cxl.alloc(this.slabBytes, this.#node)
  }

  /** Gives out an object of a slab that has room: its number there. */
  take(slab: Memory): number {
    const object = slab.free[--slab.room] as number
    this.room--
    if (slab.room === 0) this.#leave(slab)
    return object
  }

  /** Gives an object back. Returns whether its slab is to go: it is empty, and not the only one that is. */
  free(slab: Memory, object: number): boolean {
    slab.free[slab.room++] = object
    this.room++
    if (slab.position < 0) this.#enter(slab)
    if (slab.room < this.perSlab) return false
    const [first] = this.#withRoom as [Memory]
    if (first === slab) return false
    if (first.room === this.perSlab) return true
    this.#leave(slab)
    this.#enter(slab)
    this.#exchange(first, slab)
    return false
  }

  /** Takes a slab out of the pool: the objects that live in it are its user's. */
  remove(slab: Memory): void {
    if (slab.position >= 0) this.#leave(slab)
    this.slabs--
    this.room -= slab.room
  }

  /** An empty slab; undefined where there is none. */
  get empty(): Memory | undefined {
    return this.#withRoom.find((slab) => slab.room === this.perSlab)
  }

  /** The slab with most room, if the others have room for its objects. */
  get sparsest(): Memory | undefined {
    if (this.room < this.perSlab) return undefined
    // What somebody has transferred cannot be read, nor written.
    if (this.#withRoom.some(({ bytes }) => bytes.length === 0)) return undefined
    return this.#withRoom.reduce((most, slab) => (slab.room > most.room ? slab : most))
  }

  /** Numbers of the objects of a slab that live. */
  liveIn(slab: Memory): number[] {
    const isFree = new Uint8Array(this.perSlab)
    for (let i = 0; i < slab.room; i++) isFree[slab.free[i] as number] = 1
    return Array.from(isFree.keys()).filter((object) => isFree[object] === 0)
  }

  #enter(slab: Memory): void {
    slab.position = this.#withRoom.push(slab) - 1
  }

  #leave(slab: Memory): void {
    this.#exchange(slab, this.#withRoom.at(-1) as Memory)
    this.#withRoom.pop()
    slab.position = -1
  }

  /** Two slabs with room change places. */
  #exchange(one: Memory, other: Memory): void {
    const { position } = one
    this.#withRoom[other.position] = one
    this.#withRoom[position] = other
    one.position = other.position
    other.position = position
  }
}
