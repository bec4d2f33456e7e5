// The slabs of one cache: regions cut into equal objects, and the bookkeeping of them, which lies in
// typed arrays in local memory. Nothing here makes a JavaScript object for an object or for a call.
//
// A slab is in one of four places: the current one of its node, from which objects are given out; in
// the list of its node's partial slabs, when it has room; the spare of its node, when it is empty; or
// nowhere, when it is full. Any other slab that gets empty goes back to the node.

import { wrongType } from '../memory/arguments.js'
import type { Dependent } from '../memory/closing.js'
import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import type { MigrateResult } from '../memory/reports.js'
import { compactNode, type Moved } from './compaction.js'
import { INDEX_MASK, MOST_OBJECTS } from './ref.js'
import { RefSpace } from './ref-space.js'
import { bytesIn, refuseRef } from './refusal.js'
import type { Shape } from './shape.js'

const NONE = -1
const NO_BYTES = new DataView(new ArrayBuffer(0))

type Numbers = Int32Array<ArrayBuffer>

function longer(old: Numbers, length: number): Numbers {
  const array = new Int32Array(length).fill(NONE)
  array.set(old)
  return array
}

export class Slabs implements Dependent {
  readonly stride: number
  readonly perSlab: number
  /** An index is the number of the slab, shifted by this, and the number of the object in it. */
  readonly shift: number
  readonly mask: number

  /** By index: the ref of the object that lives there, else NaN, which is equal to no ref. */
  entries = new Float64Array(0)
  /** By slab: its memory; of one that is gone, none. */
  views: DataView<ArrayBuffer>[] = []

  /** The stacks of all slabs: of one, from its first index up, the next refs of its free objects. */
  #stacks = new Float64Array(0)
  /** By slab: its free objects. Of the slab at home, {@link #top} tells. */
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
  /**
   * The slab from which the last object was given out, which is the current one of its node. It has its
   * stack at hand: where that begins, and ends.
   */
  #home = NONE
  #homeNode = NONE
  #bottom = 0
  #top = 0
  /** The slab that compact() is emptying, which is in none of the four places. */
  #emptied = NONE
  /** Slab numbers that were given out so far, and the first of those that are gone. */
  #slabs = 0
  #gone = NONE
  #destroyed = false

  constructor(cxl: Emucxl, shape: Shape) {
    this.stride = shape.stride
    this.perSlab = shape.perSlab
    this.shift = Math.ceil(Math.log2(shape.perSlab))
    this.mask = 2 ** this.shift - 1
    this.#cxl = cxl
    this.#shape = shape
    this.#current = new Int32Array(cxl.nodes.length).fill(NONE)
    this.#partial = this.#current.slice()
    this.#spare = this.#current.slice()
    this.#refs = new RefSpace(cxl, this)
  }

  /**
   * Gives out an object of a node, and returns its ref. That has one source, so that V8 keeps it as a
   * number in a register: as the result of one of two calls it would be a new object of the heap.
   * Here, in {@link has} and in {@link free} the numbers of ref.ts are literals, which V8 folds: what is
   * imported it loads and checks each time, a third of the time of such a call.
   */
  alloc(node: number): number {
    if (node !== this.#homeNode || this.#top === this.#bottom) this.#goWhereRoomIs(node)
    const top = this.#top - 1
    const ref = this.#stacks[top] as number
    this.#top = top
    this.entries[ref & 0xfff_ffff] = ref // INDEX_MASK
    return ref
  }

  /** Whether a ref names an object of this cache that lives. */
  has(ref: number): boolean {
    return this.entries[ref & 0xfff_ffff] === ref // INDEX_MASK
  }

  /** Throws, for a ref that names no object. */
  refuse(ref: unknown): never {
    const { id } = this.#refs
    refuseRef(ref, { what: 'slab cache', cxl: this.#cxl, destroyed: this.#destroyed, id })
  }

  /** The caller has checked that the object lives. */
  free(ref: number): void {
    const index = ref & 0xfff_ffff // INDEX_MASK
    this.entries[index] = Number.NaN
    // following(ref)
    const next = (ref < 2 ** 53 - 2 ** 39 ? ref : ref - (2 ** 53 - 2 ** 39)) + 2 ** 39
    const slab = index >> this.shift
    if (slab === this.#home) {
      const top = this.#top
      this.#stacks[top] = next
      this.#top = top + 1
      return
    }
    const room = this.#room[slab] as number
    this.#stacks[(slab << this.shift) + room] = next
    this.#room[slab] = room + 1
    if (room === 0 || room + 1 === this.perSlab) this.#place(slab, room === 0)
  }

  /** Makes a slab the one at home. */
  #enter(slab: number, node: number): void {
    this.#home = slab
    this.#homeNode = node
    this.#bottom = slab << this.shift
    this.#top = this.#bottom + (this.#room[slab] as number)
  }

  /** No slab is at home: from here on, all have their room in {@link #room}. */
  #leave(): void {
    if (this.#home === NONE) return
    this.#room[this.#home] = this.#top - this.#bottom
    this.#home = this.#homeNode = NONE
    this.#bottom = this.#top = 0
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

  /** Makes a slab of a node that has room the one at home. */
  #goWhereRoomIs(node: number): void {
    if (typeof node !== 'number') throw wrongType('node', 'the number of a node', node)
    this.#leave()
    const current = this.#current[node] ?? NONE
    const hasRoom = current >= 0 && (this.#room[current] as number) > 0
    this.#enter(hasRoom ? current : this.#nextCurrent(node), node)
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
    this.views[slab] = new DataView(this.#cxl.alloc(this.#shape.slabBytes, node))
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

  /** The first refs of a slab's objects, such that they are given out in the order of addresses. */
  #fillStack(slab: number): void {
    const { perSlab } = this
    const first = slab << this.shift
    for (let i = 0; i < perSlab; i++) {
      this.entries[first + i] = Number.NaN
      this.#stacks[first + i] = this.#refs.first + first + perSlab - 1 - i
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
      const [entries, stacks] = [new Float64Array(length), new Float64Array(length)]
      entries.set(this.entries)
      stacks.set(this.#stacks)
      this.entries = entries
      this.#stacks = stacks
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
    this.#leave()
    if (this.#current[node] === slab) this.#current[node] = NONE
    else if (this.#spare[node] === slab) this.#spare[node] = NONE
    else if ((this.#room[slab] as number) > 0) this.#unlink(slab)
  }

  /** The reverse, by what it holds now. */
  #putBack(slab: number): void {
    this.#leave()
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
    this.#leave()
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
    this.#leave()
    return this.#room[slab] as number
  }

  /** The objects of a slab that live, as long as they do. */
  *objectsOf(slab: number): Generator<number> {
    const first = slab << this.shift
    for (let index = first; index < first + this.perSlab; index++) {
      const ref = this.entries[index] // undefined, where the cache has ended meanwhile
      if (ref !== undefined && ref > 0) yield ref
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
    this.#leave()
    const room = (this.#room[slab] as number) - 1
    this.#room[slab] = room
    const ref = this.#stacks[(slab << this.shift) + room] as number
    this.entries[ref & INDEX_MASK] = ref
    if (room === 0 && this.#current[this.#node[slab] as number] !== slab) this.#unlink(slab)
    return ref
  }

  /** Gives back all slabs that are empty. */
  trim(): void {
    this.#leave()
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
    this.#leave()
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

  /** The highest of all refs that were given out, or would be next. */
  #highestRef(): number {
    let highest = 0
    for (const refs of [this.entries, this.#stacks]) {
      for (let i = 0; i < refs.length; i++) highest = Math.max(highest, (refs[i] as number) || 0)
    }
    return highest
  }

  /** There are no slabs, and no refs, any more. */
  contextClosed(): void {
    if (this.#refs.ended) return
    this.#refs.end(this.#highestRef())
    this.#leave()
    this.#node.fill(NONE)
    this.views = []
    this.entries = this.#stacks = new Float64Array(0)
    this.#slabs = 0
    this.#gone = NONE
    for (const places of [this.#current, this.#partial, this.#spare]) places.fill(NONE)
  }
}
