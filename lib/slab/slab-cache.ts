// Objects of one size in the memory of a node: some bytes each, not a system call each.

import { checkBoolean, checkOptions, wrongType } from '../memory/arguments.js'
import { Emucxl, LOCAL_MEMORY } from '../memory/emucxl.js'
import type { MigrateResult } from '../memory/reports.js'
import { INDEX_MASK } from './ref.js'
import { shapeOf } from './shape.js'
import { Slabs } from './slabs.js'
import { accountOf, type SlabStats } from './stats.js'

/** Options of a {@link SlabCache}. */
export interface SlabCacheOptions {
  /** Bytes of an object. */
  objectSize: number
  /** The node that {@link SlabCache.alloc} takes where it is not told another. Default: local. */
  node?: number
  /**
   * Bytes of a slab: rounded up to pages. Default: 16,384 objects, but from 64 KiB to 2 MiB, and no more
   * than 1/64 of the node's capacity; eight objects at least.
   */
  slabBytes?: number
  /**
   * Objects begin at multiples of this: a power of two up to 4096. Default: 8, or less for objects
   * that are smaller.
   */
  align?: number
  /**
   * Zero an object when it is given out. Without it an object has the bytes of the last one in its
   * place, as with malloc(3). Default false.
   */
  zero?: boolean
}

const NONE = -1

/** The bookkeeping of a cache, for what is built on caches. */
export let slabsOf: (cache: SlabCache) => Slabs

/**
 * Objects of one size. A slab is a region of the context, cut into objects; it is mapped when the
 * others have no room, and goes back to its node when it is empty, but for one that each node keeps
 * besides that from which objects are given out.
 * Section IV of the paper plans it.
 *
 * {@link alloc} returns a *ref*: a number that names the object, for this cache and this thread. A ref
 * whose object was freed is told apart from the next object's in the same place, for 16,383 objects in
 * a row there; so is one of a cache that was destroyed. A thread can have 2047 caches at a time.
 *
 * Errors of all methods with a ref: `ERR_EMUCXL_FREED` where the object does not live any more,
 * `ERR_EMUCXL_NOT_ALLOCATED` for the ref of another cache, or none at all; `TypeError` for what is no
 * number. A call that fails changes nothing.
 */
export class SlabCache {
  static {
    slabsOf = (cache) => cache.#slabs
  }

  readonly #cxl: Emucxl
  readonly #slabs: Slabs
  readonly #zero: boolean = false

  // What follows is the slab at home, from which the last object was given out: it is the current one of
  // its node. Its free objects are counted here, and not in #slabs, while it is. Without a slab: NONE.
  #homeNode = NONE
  /** Its first index, which is where its stack begins, and where that ends. */
  #bottom = NONE
  #top = NONE
  /** The ref of the object that was freed last, while that is not on the stack, and then its node. */
  #hot = 0.5 // V8 keeps a field as a double where it begins as one
  #hotNode = NONE
  /** Refs from here on need more than to follow: generations go round there; all, if they are zeroed. */
  #limit = 0.5
  /** The first ref of index 0. */
  #first = 0.5
  /** Those of #slabs, and bits that the indices of a slab have in common. */
  #entries: Float64Array = new Float64Array(0)
  #stacks: Int32Array = new Int32Array(0)
  #common = 0

  /** Bytes of an object. */
  readonly objectSize: number
  /** The node of objects that are allocated without naming one. */
  readonly node: number = LOCAL_MEMORY

  constructor(cxl: Emucxl, options: SlabCacheOptions) {
    if (!(cxl instanceof Emucxl)) throw wrongType('cxl', 'an open Emucxl', cxl)
    if (options === undefined) throw wrongType('options', 'an object', options)
    checkOptions(options)
    const { node = LOCAL_MEMORY, zero = false, objectSize } = options
    const { capacity } = cxl.stats(node) // it checks the context and the node
    this.#zero = checkBoolean(zero, 'options.zero')
    this.#cxl = cxl
    this.#slabs = new Slabs(cxl, shapeOf({ ...options, objectSize }, capacity), {
      leave: () => this.#leave(),
      use: (entries, stacks) => {
        this.#entries = entries
        this.#stacks = stacks
      },
    })
    this.#common = ~this.#slabs.mask
    if (!this.#zero) this.#limit = 2 ** 53
    this.#first = this.#slabs.lowestRef
    this.objectSize = objectSize
    this.node = node
  }

  /**
   * Gives out an object: its ref.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` where the node has no room for a further slab,
   * `ERR_EMUCXL_BAD_NODE`, `ERR_EMUCXL_CLOSED`.
   */
  alloc(node: number = this.node): number {
    // The ref has one source, so that V8 keeps it as a number in a register: as the result of one of two
    // calls it would be a new object of the heap. The numbers of ref.ts are literals, which V8 folds:
    // what is imported it loads and checks each time, a third of the time of such a call.
    let index: number
    let ref: number
    if (node === this.#hotNode && node !== -1 /* NONE */) {
      this.#hotNode = -1
      const last = this.#hot
      index = last & 0xfff_ffff // INDEX_MASK
      ref = last + 2 ** 39 // following(last)
    } else {
      if (node !== this.#homeNode || this.#top === this.#bottom) this.#goHome(node)
      const top = (this.#top - 1) | 0 // V8 does not look for an overflow then
      this.#top = top
      index = this.#stacks[top] as number
      ref = (this.#entries[index] as number) + (2 ** 39 - 1) // following(the entry - 1)
    }
    if (ref >= this.#limit) {
      if (ref >= 2 ** 53) ref = this.#first + index
      this.#entries[index] = ref
      if (this.#zero) this.#fill(ref)
    }
    this.#entries[index] = ref
    return ref
  }

  /** Frees an object; its ref names nothing from then on. */
  free(ref: number): void {
    this.#check(ref)
    const index = ref & 0xfff_ffff // INDEX_MASK
    this.#entries[index] = ref + 1
    if ((index & this.#common) !== this.#bottom) {
      this.#slabs.push(index)
    } else if (this.#hotNode < 0) {
      this.#hot = ref
      this.#hotNode = this.#homeNode
    } else {
      const top = this.#top
      this.#stacks[top] = index
      this.#top = (top + 1) | 0
    }
  }

  /** Has a slab of a node at home that has room. */
  #goHome(node: number): void {
    const slabs = this.#slabs
    const slab = slabs.currentWithRoom(node)
    const room = slabs.lists.roomOf(slab)
    this.#homeNode = node
    this.#bottom = slab << slabs.shift
    this.#top = this.#bottom + room
  }

  /** Has no slab at home: of all, #slabs knows what is free. */
  #leave(): void {
    if (this.#homeNode === NONE) return
    if (this.#hotNode !== NONE) this.#stacks[this.#top++] = this.#hot & INDEX_MASK
    this.#slabs.setRoom(this.#bottom >> this.#slabs.shift, this.#top - this.#bottom)
    this.#homeNode = this.#hotNode = this.#bottom = this.#top = NONE
  }

  /** Whether a ref names an object of this cache that lives. */
  has(ref: number): boolean {
    return typeof ref === 'number' && this.#entries[ref & 0xfff_ffff] === ref // INDEX_MASK
  }

  /**
   * The bytes of an object, in place. After the object was freed they are those of another one, or,
   * with its slab, gone (length 0): keep refs, not views.
   */
  bytes(ref: number): Uint8Array<ArrayBuffer> {
    this.#check(ref)
    return this.#slabs.bytesOf(ref, this.objectSize)
  }

  /**
   * The buffer of the slab that holds an object, for views of one's own: see {@link offset}. Do not free,
   * resize, transfer or migrate it yourself: other objects are in it. {@link migrateSlab} moves it.
   */
  buffer(ref: number): ArrayBuffer {
    this.#check(ref)
    return this.#slabs.viewOf(ref).buffer
  }

  /** A view of the slab that holds an object: the same one for all objects of it. */
  view(ref: number): DataView<ArrayBuffer> {
    this.#check(ref)
    return this.#slabs.viewOf(ref)
  }

  /** Where in the buffer of its slab an object begins, in bytes. */
  offset(ref: number): number {
    this.#check(ref)
    return this.#slabs.offsetOf(ref)
  }

  /** The node of an object. */
  nodeOf(ref: number): number {
    this.#check(ref)
    return this.#slabs.nodeOfSlab(this.#slabs.slabOf(ref))
  }

  /**
   * Moves one object to another node. It has a new ref there, which is returned; the old one names
   * nothing any more. On the node where it is already it keeps its ref.
   *
   * Errors: as {@link alloc}; the object is then where it was.
   */
  migrate(ref: number, node: number): number {
    this.#check(ref)
    const slabs = this.#slabs
    if (slabs.nodeOfSlab(slabs.slabOf(ref)) === node) return ref
    if (typeof node !== 'number') throw wrongType('node', 'the number of a node', node)
    const bytes = slabs.bytesOf(ref, this.objectSize)
    // Not those of a class that is derived from this one, which may do more.
    const fresh = SlabCache.prototype.alloc.call(this, node)
    this.#fill(fresh, bytes)
    SlabCache.prototype.free.call(this, ref)
    return fresh
  }

  /**
   * Moves the slab of an object to another node, in place: the refs of all its objects stay valid,
   * and other threads may read and write them meanwhile.
   *
   * Errors: those of `Emucxl.migrate`; `ERR_EMUCXL_BUSY` while {@link compact} is under way.
   */
  migrateSlab(ref: number, node: number): MigrateResult {
    this.#check(ref)
    return this.#slabs.migrateSlab(this.#slabs.slabOf(ref), node)
  }

  /**
   * Moves objects out of slabs that have few of them into others of the same node, as long as that
   * gives slabs back to it. `moved` is called for each while both refs are valid and the object has
   * the same bytes under both; what has the old ref must take the new one then. Where it throws, that
   * object stays under its old ref, and the call ends with the error. Returns how many were moved.
   */
  compact(moved: (from: number, to: number) => void): number {
    if (typeof moved !== 'function') throw wrongType('moved', 'a function', moved)
    return this.#slabs.compact(moved)
  }

  /** Gives back the slabs that are kept though they are empty: at most two of each node. */
  trim(): void {
    this.#slabs.trim()
  }

  /** The account, counted anew: it takes a moment for thousands of slabs. */
  stats(): SlabStats {
    return accountOf(this.#cxl, (node) => {
      const { objects, slabs, bytes } = this.#slabs.count(node)
      return { objects, slabs, bytesUsed: objects * this.objectSize, bytesMapped: bytes }
    })
  }

  /** Gives all memory back; no ref names anything after that. A second call does nothing. */
  destroy(): void {
    this.#slabs.destroy()
  }

  /** {@link destroy}, at the end of a block that has the cache as `using`. */
  [Symbol.dispose](): void {
    this.destroy()
  }

  /** Writes a new object: zeros, or what another one has. Frees it where that fails. */
  #fill(ref: number, from?: Uint8Array): void {
    try {
      const bytes = this.#slabs.bytesOf(ref, this.objectSize)
      if (from === undefined) bytes.fill(0)
      else bytes.set(from)
    } catch (error) {
      SlabCache.prototype.free.call(this, ref)
      throw error
    }
  }

  #check(ref: unknown): void {
    if (typeof ref !== 'number' || this.#entries[ref & 0xfff_ffff] !== ref) this.#slabs.refuse(ref)
  }
}
