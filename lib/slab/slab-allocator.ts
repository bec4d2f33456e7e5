// Objects of any sizes: a slab cache for each of some classes of sizes, and regions for large ones.

import { constants } from 'node:buffer'
import {
  checkBoolean,
  checkBytes,
  checkOptions,
  outOfRange,
  wrongType,
} from '../memory/arguments.js'
import { Emucxl, LOCAL_MEMORY } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import type { MigrateResult } from '../memory/reports.js'
import { LargeObjects } from './large-objects.js'
import { cacheOf, INDEX_MASK } from './ref.js'
import { bytesIn, refuseClosed, refuseRef } from './refusal.js'
import { checkAlign, SLAB_BYTES } from './shape.js'
import { classOf, sizeOfClass, slabBytesFor } from './size-class.js'
import { SlabCache, slabsOf } from './slab-cache.js'
import { type SlabStats, together } from './stats.js'

/** Options of a {@link SlabAllocator}. */
export interface SlabAllocatorOptions {
  /** The node that {@link SlabAllocator.alloc} takes where it is not told another. Default: local. */
  node?: number
  /** Bytes of a slab at least. What is larger than half of it has a region of its own. Default: 64 KiB. */
  slabBytes?: number
  /**
   * Objects begin at multiples of this: a power of two up to 4096. Default 1: an object is aligned to
   * the largest power of two that divides its size, up to 4096, as C wants it for structs and arrays.
   */
  align?: number
  /** Zero an object when it is given out. Default false. */
  zero?: boolean
}

/** The account of one class of sizes. */
export interface SizeClassStats extends SlabStats {
  /** Bytes of an object; undefined for the objects with a region of their own. */
  objectSize: number | undefined
  /** Bytes that were asked for: `bytesUsed` without what is lost to rounding. */
  bytesRequested: number
}

/** The account of an allocator: altogether, by node, and by class of sizes. */
export interface SlabAllocatorStats extends SlabStats {
  /** Bytes that were asked for: `bytesUsed` without what is lost to rounding. */
  bytesRequested: number
  /** The classes in use, the smallest first. */
  classes: SizeClassStats[]
}

/** What has objects: a cache, or the large ones. */
type Objects = Pick<
  SlabCache,
  'has' | 'free' | 'view' | 'buffer' | 'offset' | 'nodeOf' | 'migrate' | 'migrateSlab' | 'stats'
> & { destroy(): void }

interface SizeClass {
  objects: Objects
  /** Undefined for the large ones. */
  cache: SlabCache | undefined
  /** By index: the size that was asked for. Empty for the large ones, whose views have it. */
  sizes: Int32Array<ArrayBuffer>
}

/** The longest slab that can be asked for. */
const LARGEST_SLAB = 2 ** 26

/**
 * Objects of any sizes. One takes an object of the next class of sizes: less than an eighth more than
 * was asked for. What is larger than half a slab has a region of its own. Refs and errors are those of
 * {@link SlabCache}.
 */
export class SlabAllocator {
  readonly #cxl: Emucxl
  readonly #zero: boolean
  readonly #align: number
  readonly #slabBytes: number
  /** By number of the class. */
  readonly #classes: (SizeClass | undefined)[] = []
  #large: (SizeClass & { objects: LargeObjects }) | undefined
  /** By number of the cache, which refs have in them. */
  #owners: (SizeClass | undefined)[] = []
  #destroyed = false

  /** The node of objects that are allocated without naming one. */
  readonly node: number

  constructor(cxl: Emucxl, options: SlabAllocatorOptions = {}) {
    if (!(cxl instanceof Emucxl)) throw wrongType('cxl', 'an open Emucxl', cxl)
    checkOptions(options)
    const { node = LOCAL_MEMORY, slabBytes = SLAB_BYTES, align = 1, zero = false } = options
    cxl.stats(node) // it checks the context and the node
    checkBytes(slabBytes, 'options.slabBytes', 1)
    if (slabBytes > LARGEST_SLAB) throw outOfRange('options.slabBytes', 'at most 64 MiB', slabBytes)
    checkAlign(align)
    this.#cxl = cxl
    this.#slabBytes = slabBytes
    this.#align = align
    this.#zero = checkBoolean(zero, 'options.zero')
    this.node = node
  }

  /**
   * Gives out an object of `size` bytes: its ref.
   *
   * Errors: `ERR_EMUCXL_NO_MEMORY` where the node has no room, `ERR_EMUCXL_BAD_NODE`,
   * `ERR_EMUCXL_CLOSED`; `RangeError` for a size that is no whole number of bytes, or 0.
   */
  alloc(size: number, node: number = this.node): number {
    try {
      return this.#alloc(size, node)
    } catch (error) {
      // Where the node is full, empty slabs of other sizes make room.
      const isFull = error instanceof EmucxlError && error.code === 'ERR_EMUCXL_NO_MEMORY'
      if (!isFull) throw error
      this.trim()
      return this.#alloc(size, node)
    }
  }

  #alloc(size: number, node: number): number {
    if (!(size > 0 && size <= this.#slabBytes / 2 && Number.isInteger(size))) {
      return this.#allocLarge(size, node)
    }
    const rounded = this.#align === 1 ? size : Math.ceil(size / this.#align) * this.#align
    const number = classOf(rounded)
    const found = this.#classes[number]
    if (found === undefined) return this.#allocFirst(number, size, node)
    const ref = (found.cache as SlabCache).alloc(node)
    setSize(found, ref, size)
    return ref
  }

  /** Frees an object; its ref names nothing from then on. */
  free(ref: number): void {
    this.#owner(ref).objects.free(ref)
  }

  /** Whether a ref names an object of this allocator that lives. */
  has(ref: number): boolean {
    return typeof ref === 'number' && (this.#owners[cacheOf(ref)]?.objects.has(ref) ?? false)
  }

  /** The bytes that were asked for. */
  sizeOf(ref: number): number {
    const owner = this.#owner(ref)
    owner.objects.offset(ref) // it checks the ref
    return sizeIn(owner, ref)
  }

  /** The bytes of an object, in place: see {@link SlabCache.bytes}. */
  bytes(ref: number): Uint8Array<ArrayBuffer> {
    const owner = this.#owner(ref)
    const { objects } = owner
    const buffer = objects.buffer(ref)
    return bytesIn(buffer, objects.offset(ref), sizeIn(owner, ref))
  }

  /** The buffer that an object is in, for views of one's own: see {@link offset}. */
  buffer(ref: number): ArrayBuffer {
    return this.#owner(ref).objects.buffer(ref)
  }

  /** A view of the buffer that an object is in. */
  view(ref: number): DataView<ArrayBuffer> {
    return this.#owner(ref).objects.view(ref)
  }

  /** Where in its buffer an object begins, in bytes. */
  offset(ref: number): number {
    return this.#owner(ref).objects.offset(ref)
  }

  /** The node of an object. */
  nodeOf(ref: number): number {
    return this.#owner(ref).objects.nodeOf(ref)
  }

  /**
   * Moves one object to another node, and returns its ref there: a new one, but for an object that is
   * on the node already, or that has a region of its own, which moves in place.
   *
   * Errors: as {@link alloc}; the object is then where it was.
   */
  migrate(ref: number, node: number): number {
    const owner = this.#owner(ref)
    owner.objects.offset(ref) // it checks the ref
    const size = sizeIn(owner, ref)
    const fresh = owner.objects.migrate(ref, node)
    if (fresh !== ref) setSize(owner, fresh, size)
    return fresh
  }

  /** Moves the slab of an object, or its region, to another node, in place: refs stay valid. */
  migrateSlab(ref: number, node: number): MigrateResult {
    return this.#owner(ref).objects.migrateSlab(ref, node)
  }

  /** {@link SlabCache.compact} of all sizes. */
  compact(moved: (from: number, to: number) => void): number {
    if (typeof moved !== 'function') throw wrongType('moved', 'a function', moved)
    let objects = 0
    for (const each of this.#classes) {
      objects +=
        each?.cache?.compact((from, to) => {
          setSize(each, to, sizeIn(each, from))
          moved(from, to)
        }) ?? 0
    }
    return objects
  }

  /** {@link SlabCache.trim} of all sizes. */
  trim(): void {
    for (const each of this.#classes) each?.cache?.trim()
  }

  /** The account, counted anew: it takes a moment for thousands of slabs. */
  stats(): SlabAllocatorStats {
    const used = [...this.#classes, this.#large].filter((each) => each !== undefined)
    const classes = used.map((each) => {
      const stats = each.objects.stats()
      const bytesRequested = each.cache === undefined ? stats.bytesUsed : requestedOf(each)
      return { objectSize: each.cache?.objectSize, bytesRequested, ...stats }
    })
    const bytesRequested = classes.reduce((sum, each) => sum + each.bytesRequested, 0)
    return { ...together(this.#cxl, classes), bytesRequested, classes }
  }

  /** Gives all memory back; no ref names anything after that. A second call does nothing. */
  destroy(): void {
    this.#destroyed = true
    this.#owners = []
    const used = [...this.#classes, this.#large]
    this.#classes.length = 0
    this.#large = undefined
    for (const each of used) each?.objects.destroy()
  }

  /** {@link destroy}, at the end of a block that has the allocator as `using`. */
  [Symbol.dispose](): void {
    this.destroy()
  }

  #owner(ref: number): SizeClass {
    const owner = typeof ref === 'number' ? this.#owners[cacheOf(ref)] : undefined
    if (owner === undefined) {
      refuseRef(ref, { what: 'slab allocator', cxl: this.#cxl, destroyed: this.#destroyed })
    }
    return owner
  }

  /** The first object of a class, which has no cache yet. */
  #allocFirst(number: number, size: number, node: number): number {
    this.#checkOpen()
    const objectSize = sizeOfClass(number)
    const cache = new SlabCache(this.#cxl, {
      objectSize,
      node: this.node,
      slabBytes: slabBytesFor(objectSize, this.#slabBytes),
      align: 1,
      zero: this.#zero,
    })
    let ref: number
    try {
      ref = cache.alloc(node)
    } catch (error) {
      cache.destroy()
      throw error
    }
    const fresh = { objects: cache, cache, sizes: new Int32Array(0) }
    this.#classes[number] = fresh
    this.#owners[cacheOf(ref)] = fresh
    setSize(fresh, ref, size)
    return ref
  }

  /** What is larger than half a slab, or no size at all. */
  #allocLarge(size: number, node: number): number {
    checkBytes(size, 'size', 1)
    if (size > constants.MAX_LENGTH) {
      throw outOfRange('size', `at most ${constants.MAX_LENGTH} bytes`, size)
    }
    if (typeof node !== 'number') throw wrongType('node', 'the number of a node', node)
    this.#checkOpen()
    const objects = this.#large?.objects ?? new LargeObjects(this.#cxl)
    try {
      const ref = objects.alloc(size, node)
      if (this.#large === undefined) {
        this.#large = { objects, cache: undefined, sizes: new Int32Array(0) }
        this.#owners[cacheOf(ref)] = this.#large
      }
      return ref
    } catch (error) {
      if (this.#large === undefined) objects.destroy()
      throw error
    }
  }

  #checkOpen(): void {
    if (this.#cxl.closed) refuseClosed('slab allocator')
    if (this.#destroyed) {
      throw new EmucxlError(
        'ERR_EMUCXL_CLOSED',
        'the slab allocator is destroyed: make another one',
      )
    }
  }
}

function sizeIn({ cache, sizes, objects }: SizeClass, ref: number): number {
  if (cache === undefined) return objects.buffer(ref).byteLength
  return sizes[ref & INDEX_MASK] as number
}

/** What was asked for, of all objects of a class that live. */
function requestedOf({ cache, sizes }: SizeClass): number {
  const slabs = slabsOf(cache as SlabCache)
  return sizes.reduce((sum, size, index) => (slabs.livesAt(index) ? sum + size : sum), 0)
}

function setSize(sizeClass: SizeClass, ref: number, size: number): void {
  const index = ref & INDEX_MASK
  if (index >= sizeClass.sizes.length) {
    const sizes = new Int32Array(Math.max(64, 2 * index))
    sizes.set(sizeClass.sizes)
    sizeClass.sizes = sizes
  }
  sizeClass.sizes[index] = size
}
