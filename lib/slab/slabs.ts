// The slabs of one cache: regions cut into equal objects, and the bookkeeping of them, which lies in
// typed arrays in local memory. Nothing here makes a JavaScript object for an object or for a call.
// Objects are given out and freed by the cache itself, which holds the slab where it does so at hand.
//
// A slab is in one of four places: the current one of its node, from which objects are given out; in
// the list of its node's partial slabs, when it has room; the spare of its node, when it is empty; or
// nowhere, when it is full. Any other slab that gets empty goes back to the node.

import { wrongType } from '../memory/arguments.js'
import type { Dependent } from '../memory/closing.js'
import { type Emucxl, hugePagesOf } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import type { MigrateResult } from '../memory/reports.js'
import { compactNode, type Moved } from './compaction.js'
import { following, GENERATION, INDEX_MASK, MOST_OBJECTS, refOf } from './ref.js'
import { RefSpace } from './ref-space.js'
import { bytesIn, refuseRef } from './refusal.js'
import type { Shape } from './shape.js'

const NONE = -1
const HUGE_PAGE = 2 << 20
const NO_BYTES = new DataView(new ArrayBuffer(0))

type Numbers = Int32Array<ArrayBuffer>

function longer(old: Numbers, length: number): Numbers {
  const array = new Int32Array(length).fill(NONE)
  array.set(old)
  return array
}

/** The cache: it has the slab at hand from which the last object was given out. */
interface User {
  /** Tells with {@link Slabs.setRoom} what is free in that slab, which is then not at hand any more. */
  leave(): void
  /** The arrays are others now. */
  use(entries: Float64Array, stacks: Int32Array): void
}

export class Slabs implements Dependent {
  readonly stride: number = 0
  readonly perSlab: number = 0
  /** An index is the number of the slab, shifted by this, and the number of the object in it. */
  readonly shift: number = 0
  readonly mask: number = 0

  /**
   * By index: the ref of the object that lives there. Where none does, the last one's ref and 1: for
   * that number the index is another one, so nobody can pass it for a ref.
   */
  entries = new Float64Array(0)
  /** By slab: its memory; of one that is gone, none. */
  views: DataView<ArrayBuffer>[] = []

  /** The stacks of all slabs: of one, from its first index up, the indices of its free objects. */
  #stacks: Numbers = new Int32Array(0)
  /** By slab: its free objects. Of the one that the cache has at hand, the cache tells. */
  #room: Numbers = new Int32Array(0)
  /** By slab: its node; NONE for one that is gone. */
  #node: Numbers = new Int32Array(0)
  /** By slab: the neighbours in the list of partial slabs, or of slab numbers that are gone. */
  #before: Numbers = new Int32Array(0)
  #after: Numbers = new Int32Array(0)

  /** By node. */
  readonly #current: Numbers
  readonly #partial: Numbers
  readonly #spare: Numbers

  readonly #cxl: Emucxl
  readonly #shape: Shape
  readonly #refs: RefSpace
  readonly #user: User
  /** The slab that compact() is emptying, which is in none of the four places. */
  #emptied = NONE
  /** Slab numbers that were given out so far, and the first of those that are gone. */
  #slabs = 0
  #gone = NONE
  #destroyed = false
  /** Whether slabs may have huge pages: they are large enough, and the user left it open. */
  #huge: boolean

  constructor(cxl: Emucxl, shape: Shape, user: User) {
    this.stride = shape.stride
    this.perSlab = shape.perSlab
    this.shift = Math.ceil(Math.log2(shape.perSlab)) | 0 // a Smi for V8, as are all of these
    this.mask = (1 << this.shift) - 1
    this.#cxl = cxl
    this.#shape = shape
    this.#current = new Int32Array(cxl.nodes.length).fill(NONE)
    this.#partial = this.#current.slice()
    this.#spare = this.#current.slice()
    this.#huge = shape.slabBytes >= HUGE_PAGE && hugePagesOf(cxl) === undefined
    this.#refs = new RefSpace(cxl, this)
    this.#user = user
  }

  /** Whether a ref names an object of this cache that lives. */
  has(ref: number): boolean {
    return this.entries[ref & INDEX_MASK] === ref
  }

  /** Whether the object of an index lives. */
  livesAt(index: number): boolean {
    const entry = this.entries[index] // undefined, where there is none, or the cache has ended
    return entry !== undefined && (entry & INDEX_MASK) === index
  }

  /** The ref of index 0 with the first generation. */
  get lowestRef(): number {
    return refOf(this.#refs.id, 1)
  }

  /** Throws, for a ref that names no object. */
  refuse(ref: unknown): never {
    const { id } = this.#refs
    refuseRef(ref, { what: 'slab cache', cxl: this.#cxl, destroyed: this.#destroyed, id })
  }

  /** Frees an object that lives. */
  free(ref: number): void {
    this.#user.leave()
    this.entries[ref & INDEX_MASK] = ref + 1
    this.push(ref & INDEX_MASK)
  }

  /** Puts an object that was freed on the stack of its slab, which the cache has not at hand. */
  push(index: number): void {
    const slab = index >> this.shift
    const room = this.#room[slab] as number
    this.#stacks[(slab << this.shift) + room] = index
    this.#room[slab] = room + 1
    if (room === 0 || room + 1 === this.perSlab) this.#place(slab, room === 0)
  }

  /** The cache has a slab not at hand any more, and says how many of its objects are free. */
  setRoom(slab: number, room: number): void {
    this.#room[slab] = room
  }

  /** A slab that was full has room now, or has no object left. */
  #place(slab: number, wasFull: boolean): void {
    const node = this.#node[slab] as number
    if (slab === this.#current[node] || slab === this.#emptied) return
    if ((this.#room[slab] as number) < this.perSlab) {
      this.#link(slab)
      return
    }
    if (!wasFull) this.#unlink(slab)
    this.#keepOrGiveBack(slab)
  }

  /** The slab of a node from which objects are given out next: it has room, and is its current one. */
  currentWithRoom(node: number): number {
    if (typeof node !== 'number') throw wrongType('node', 'the number of a node', node)
    this.#user.leave()
    const current = this.#current[node] ?? NONE
    const hasRoom = current >= 0 && (this.#room[current] as number) > 0
    return hasRoom ? current : this.#nextCurrent(node)
  }

  /** The current slab of a node is full, or there is none: makes another one current. */
  #nextCurrent(node: number): number {
    let slab = this.#partial[node] as number
    if (slab >= 0) {
      this.#unlink(slab)
    } else if ((this.#spare[node] as number) >= 0) {
      slab = this.#spare[node] as number
      this.#spare[node] = NONE
    } else {
      slab = this.#add(node)
    }
    this.#current[node] = slab
    return slab
  }

  /** Maps a slab. The objects of one that was there before go on with their generations. */
  #add(node: number): number {
    if (this.#destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the slab cache is destroyed: make another one')
    }
    const slab = this.#gone >= 0 ? this.#gone : this.#slabs
    if ((slab + 1) * 2 ** this.shift > MOST_OBJECTS) {
      throw new EmucxlError(
        'ERR_EMUCXL_NO_MEMORY',
        `a cache has at most ${MOST_OBJECTS} objects: use several, or larger objects`,
      )
    }
    this.#reserve(slab)
    this.views[slab] = new DataView(this.#map(node))
    if (slab === this.#gone) {
      this.#gone = this.#after[slab] as number
    } else {
      this.#slabs++
      this.#fillStack(slab)
    }
    this.#room[slab] = this.perSlab
    this.#node[slab] = node
    return slab
  }

  /**
   * Memory for a slab. One after the first of its node will be filled, as that was: huge pages give it
   * its memory at a tenth of the price, and cost less to find again.
   */
  #map(node: number): ArrayBuffer {
    const { slabBytes } = this.#shape
    if (this.#huge && this.#current[node] !== NONE) {
      try {
        return this.#cxl.alloc(slabBytes, node, { hugePages: 'prefer' })
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_EMUCXL_UNSUPPORTED') throw error
        this.#huge = false
      }
    }
    return this.#cxl.alloc(slabBytes, node)
  }

  /** A new slab's objects: all are free, and will be given out in the order of addresses. */
  #fillStack(slab: number): void {
    const first = slab << this.shift
    const last = first + this.perSlab - 1
    const before = this.#refs.first - GENERATION // such that the first refs are those
    for (let index = first; index <= last; index++) {
      this.entries[index] = before + index + 1
      this.#stacks[first + last - index] = index
    }
  }

  /** Makes the arrays long enough for a slab of this number. */
  #reserve(slab: number): void {
    if (slab >= this.#room.length) {
      const length = Math.max(8, 2 * this.#room.length)
      this.#room = longer(this.#room, length)
      this.#node = longer(this.#node, length)
      this.#before = longer(this.#before, length)
      this.#after = longer(this.#after, length)
    }
    const needed = (slab + 1) * 2 ** this.shift
    if (needed > this.entries.length) {
      const length = Math.min(MOST_OBJECTS, Math.max(needed, 2 * this.entries.length))
      const entries = new Float64Array(length)
      entries.set(this.entries)
      this.entries = entries
      this.#stacks = longer(this.#stacks, length)
      this.#user.use(this.entries, this.#stacks)
    }
  }

  /** An empty slab that is in no place. */
  #keepOrGiveBack(slab: number): void {
    const node = this.#node[slab] as number
    if (this.#spare[node] === NONE) this.#spare[node] = slab
    else this.#giveBack(slab)
  }

  #giveBack(slab: number): void {
    const { buffer } = this.views[slab] as DataView<ArrayBuffer>
    this.views[slab] = NO_BYTES
    this.#node[slab] = NONE
    this.#after[slab] = this.#gone
    this.#gone = slab
    this.#unmap(buffer)
  }

  /** A buffer that somebody has freed or transferred meanwhile is not ours any more. */
  #unmap(buffer: ArrayBufferLike): void {
    if (!this.#cxl.closed && buffer.byteLength > 0) this.#cxl.free(buffer)
  }

  #link(slab: number): void {
    const node = this.#node[slab] as number
    const first = this.#partial[node] as number
    this.#before[slab] = NONE
    this.#after[slab] = first
    if (first >= 0) this.#before[first] = slab
    this.#partial[node] = slab
  }

  #unlink(slab: number): void {
    const before = this.#before[slab] as number
    const after = this.#after[slab] as number
    if (before >= 0) this.#after[before] = after
    else this.#partial[this.#node[slab] as number] = after
    if (after >= 0) this.#before[after] = before
  }

  /** The slab of an object that lives. */
  slabOf(ref: number): number {
    return (ref & INDEX_MASK) >> this.shift
  }

  nodeOfSlab(slab: number): number {
    return this.#node[slab] as number
  }

  /** Where an object begins in the buffer of its slab, in bytes. */
  offsetOf(ref: number): number {
    return (ref & this.mask) * this.stride
  }

  viewOf(ref: number): DataView<ArrayBuffer> {
    return this.views[this.slabOf(ref)] as DataView<ArrayBuffer>
  }

  bytesOf(ref: number, length: number): Uint8Array<ArrayBuffer> {
    return bytesIn(this.viewOf(ref).buffer, this.offsetOf(ref), length)
  }

  /** Moves a slab to another node, in place: refs and views stay valid. */
  migrateSlab(slab: number, node: number): MigrateResult {
    this.#checkMovable()
    const result = this.#cxl.migrate((this.views[slab] as DataView<ArrayBuffer>).buffer, node)
    if (node === this.#node[slab]) return result
    this.#takeOut(slab)
    this.#node[slab] = node
    this.#putBack(slab)
    return result
  }

  /** Takes a slab out of the place where it is. */
  #takeOut(slab: number): void {
    const node = this.#node[slab] as number
    this.#user.leave()
    if (this.#current[node] === slab) this.#current[node] = NONE
    else if (this.#spare[node] === slab) this.#spare[node] = NONE
    else if ((this.#room[slab] as number) > 0) this.#unlink(slab)
  }

  /** The reverse, by what it holds now. */
  #putBack(slab: number): void {
    this.#user.leave()
    if (this.#room[slab] === this.perSlab) {
      this.#keepOrGiveBack(slab)
    } else if ((this.#room[slab] as number) > 0) {
      this.#link(slab)
    }
  }

  /** Compacts all nodes. */
  compact(moved: Moved): number {
    this.#checkMovable()
    let objects = 0
    for (let node = 0; node < this.#current.length; node++) {
      objects += compactNode(this, node, moved)
    }
    return objects
  }

  /** An empty current slab of a node is its spare from now on, or goes back. */
  retireEmpty(node: number): void {
    this.#user.leave()
    const current = this.#current[node] as number
    if (current < 0 || this.#room[current] !== this.perSlab) return
    this.#takeOut(current)
    this.#putBack(current)
  }

  /** Takes a slab out of its place: it gives out no objects then. */
  startEmptying(slab: number): void {
    this.#takeOut(slab)
    this.#emptied = slab
  }

  endEmptying(slab: number): void {
    this.#emptied = NONE
    if (slab < this.#slabs) this.#putBack(slab) // else the cache has ended meanwhile
  }

  /** Objects that a slab has room for. */
  roomOf(slab: number): number {
    this.#user.leave()
    return this.#room[slab] as number
  }

  /** The objects of a slab that live, as long as they do. */
  *objectsOf(slab: number): Generator<number> {
    const first = slab << this.shift
    for (let index = first; index < first + this.perSlab; index++) {
      if (this.livesAt(index)) yield this.entries[index] as number
    }
  }

  /** Whether a slab is one of a node, and neither full nor empty. */
  hasRoom(slab: number, node: number): boolean {
    const room = this.roomOf(slab)
    return this.#node[slab] === node && room > 0 && room < this.perSlab
  }

  /** The slabs of a node that are neither full nor empty, those with the fewest objects first. */
  withRoom(node: number): number[] {
    const found: number[] = []
    for (let slab = 0; slab < this.#slabs; slab++) {
      if (this.hasRoom(slab, node)) found.push(slab)
    }
    return found.sort((a, b) => (this.#room[b] as number) - (this.#room[a] as number))
  }

  /** An object of this very slab, which has room and is current or partial. */
  takeFrom(slab: number): number {
    this.#user.leave()
    const room = (this.#room[slab] as number) - 1
    this.#room[slab] = room
    const index = this.#stacks[(slab << this.shift) + room] as number
    const ref = following((this.entries[index] as number) - 1)
    this.entries[index] = ref
    if (room === 0 && this.#current[this.#node[slab] as number] !== slab) this.#unlink(slab)
    return ref
  }

  /** Gives back all slabs that are empty. */
  trim(): void {
    this.#user.leave()
    for (let node = 0; node < this.#current.length; node++) {
      const current = this.#current[node] as number
      if (current >= 0 && this.#room[current] === this.perSlab) {
        this.#current[node] = NONE
        this.#giveBack(current)
      }
      const spare = this.#spare[node] as number
      this.#spare[node] = NONE
      if (spare >= 0) this.#giveBack(spare)
    }
  }

  #checkMovable(): void {
    if (this.#emptied !== NONE) {
      throw new EmucxlError('ERR_EMUCXL_BUSY', 'compact() is under way: wait until it returns')
    }
  }

  /** Objects that live, and slabs with their bytes, of a node. */
  count(node: number): { objects: number; slabs: number; bytes: number } {
    this.#user.leave()
    let objects = 0
    let slabs = 0
    let bytes = 0
    for (let slab = 0; slab < this.#slabs; slab++) {
      if (this.#node[slab] !== node) continue
      slabs++
      objects += this.perSlab - (this.#room[slab] as number)
      bytes += (this.views[slab] as DataView<ArrayBuffer>).buffer.byteLength
    }
    return { objects, slabs, bytes }
  }

  /** Gives all slabs back; no ref lives after that. */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    const views = this.views
    this.contextClosed()
    const failures: unknown[] = []
    for (const { buffer } of views) {
      try {
        this.#unmap(buffer)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** No ref that was given out is higher. */
  #highestRef(): number {
    return this.entries.reduce((highest, entry) => Math.max(highest, entry), 0)
  }

  /** There are no slabs, and no refs, any more. */
  contextClosed(): void {
    if (this.#refs.ended) return
    this.#refs.end(this.#highestRef())
    this.#user.leave()
    this.#node.fill(NONE)
    this.views = []
    this.entries = new Float64Array(0)
    this.#stacks = new Int32Array(0)
    this.#slabs = 0
    this.#gone = NONE
    for (const places of [this.#current, this.#partial, this.#spare]) places.fill(NONE)
    this.#user.use(this.entries, this.#stacks)
  }
}
