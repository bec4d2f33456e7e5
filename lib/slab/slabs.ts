// The slabs of one cache: regions cut into equal objects, and the bookkeeping of them, which lies in
// typed arrays in local memory. Nothing here makes a JavaScript object for an object or for a call.
// Objects are given out and freed by the cache itself, which holds the slab where it does so at hand.

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
import { longer, NONE, type Numbers, SlabLists } from './slab-lists.js'

const HUGE_PAGE = 2 << 20
const NO_BYTES = new DataView(new ArrayBuffer(0))

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
  /** Which slabs there are, and which have room. Of the one that the cache has at hand, the cache tells. */
  readonly #lists: SlabLists

  readonly #cxl: Emucxl
  readonly #shape: Shape
  readonly #refs: RefSpace
  readonly #user: User
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
    this.#lists = new SlabLists(cxl.nodes.length, shape.perSlab)
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
    const before = this.#lists.freed(slab)
    this.#stacks[((slab << this.shift) + before) | 0] = index
    if ((before === 0 || before + 1 === this.perSlab) && this.#lists.place(slab, before === 0)) {
      this.#giveBack(slab)
    }
  }

  /** The cache has a slab not at hand any more, and says how many of its objects are free. */
  setRoom(slab: number, room: number): void {
    this.#lists.setRoom(slab, room)
  }

  /** The slab of a node from which objects are given out next: it has room, and is its current one. */
  currentWithRoom(node: number): number {
    if (typeof node !== 'number') throw wrongType('node', 'the number of a node', node)
    const slab = this.lists.turnToRoom(node)
    return slab === NONE ? this.#add(node) : slab
  }

  /** The lists, up to date: the cache has no slab at hand after that. */
  get lists(): SlabLists {
    this.#user.leave()
    return this.#lists
  }

  /** Maps a slab. The objects of one that was there before go on with their generations. */
  #add(node: number): number {
    if (this.#destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the slab cache is destroyed: make another one')
    }
    const slab = this.#lists.next
    if ((slab + 1) * 2 ** this.shift > MOST_OBJECTS) {
      throw new EmucxlError(
        'ERR_EMUCXL_NO_MEMORY',
        `a cache has at most ${MOST_OBJECTS} objects: use several, or larger objects`,
      )
    }
    // The arrays come last: they never have room for a slab that is not there, whose zeros would look as refs.
    const buffer = this.#map(node)
    try {
      this.#reserve(slab)
    } catch (error) {
      this.#unmap(buffer)
      throw error
    }
    this.views[slab] = new DataView(buffer)
    if (slab === this.#lists.count) this.#fillStack(slab)
    this.#lists.add(node)
    return slab
  }

  /**
   * Memory for a slab. One that follows a full one will be filled, as that was: huge pages give it
   * its memory at a tenth of the price, and cost less to find again.
   */
  #map(node: number): ArrayBuffer {
    const { slabBytes } = this.#shape
    if (this.#huge && this.#lists.hasCurrent(node)) {
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

  /** Makes the arrays long enough for a slab of this number. Where that fails, they are as they were. */
  #reserve(slab: number): void {
    this.#lists.reserve()
    const needed = (slab + 1) * 2 ** this.shift
    if (needed <= this.entries.length) return
    const length = Math.min(MOST_OBJECTS, Math.max(needed, 2 * this.entries.length))
    const stacks = longer(this.#stacks, length)
    const entries = new Float64Array(length)
    entries.set(this.entries)
    this.entries = entries
    this.#stacks = stacks
    this.#user.use(entries, stacks)
  }

  /** A slab that is in no place any more goes back to its node. */
  #giveBack(slab: number): void {
    const { buffer } = this.views[slab] as DataView<ArrayBuffer>
    this.views[slab] = NO_BYTES
    this.#lists.remove(slab)
    this.#unmap(buffer)
  }

  /** A buffer that somebody has freed or transferred meanwhile is not ours any more. */
  #unmap(buffer: ArrayBufferLike): void {
    if (!this.#cxl.closed && buffer.byteLength > 0) this.#cxl.free(buffer)
  }

  /** The slab of an object that lives. */
  slabOf(ref: number): number {
    return (ref & INDEX_MASK) >> this.shift
  }

  nodeOfSlab(slab: number): number {
    return this.#lists.nodeOf(slab)
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
    if (node === this.#lists.nodeOf(slab)) return result
    this.lists.takeOut(slab)
    if (this.#lists.putBack(slab, node)) this.#giveBack(slab)
    return result
  }

  /** Compacts all nodes. */
  compact(moved: Moved): number {
    this.#checkMovable()
    let objects = 0
    for (const { node } of this.#cxl.nodes) objects += compactNode(this, node, moved)
    return objects
  }

  /** An empty current slab of a node is its spare from now on, or goes back. */
  retireEmpty(node: number): void {
    for (const slab of this.lists.takeEmpty(node)) {
      if (this.#lists.putBack(slab)) this.#giveBack(slab)
    }
  }

  /** Takes a slab out of its place: it gives out no objects then. */
  startEmptying(slab: number): void {
    this.lists.takeOut(slab)
    this.#lists.setApart(slab)
  }

  endEmptying(slab: number): void {
    const { lists } = this
    lists.setApart(NONE)
    if (slab < lists.count && lists.putBack(slab)) this.#giveBack(slab) // else the cache has ended
  }

  /** The objects of a slab that live, as long as they do. */
  *objectsOf(slab: number): Generator<number> {
    const first = slab << this.shift
    for (let index = first; index < first + this.perSlab; index++) {
      if (this.livesAt(index)) yield this.entries[index] as number
    }
  }

  /** An object of this very slab, which has room and is current or partial. */
  takeFrom(slab: number): number {
    const room = this.lists.roomOf(slab)
    const index = this.#stacks[(slab << this.shift) + room - 1] as number
    const ref = following((this.entries[index] as number) - 1)
    this.entries[index] = ref
    this.#lists.took(slab)
    return ref
  }

  /** Gives back all slabs that are empty. */
  trim(): void {
    for (const { node } of this.#cxl.nodes) {
      for (const slab of this.lists.takeEmpty(node)) this.#giveBack(slab)
    }
  }

  #checkMovable(): void {
    if (this.#lists.isOneApart) {
      throw new EmucxlError('ERR_EMUCXL_BUSY', 'compact() is under way: wait until it returns')
    }
  }

  /** Objects that live, and slabs with their bytes, of a node. */
  count(node: number): { objects: number; slabs: number; bytes: number } {
    let objects = 0
    let slabs = 0
    let bytes = 0
    for (const slab of this.lists.on(node)) {
      slabs++
      objects += this.perSlab - this.#lists.roomOf(slab)
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
    this.lists.clear()
    this.views = []
    this.entries = new Float64Array(0)
    this.#stacks = new Int32Array(0)
    this.#user.use(this.entries, this.#stacks)
  }
}
