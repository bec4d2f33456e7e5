// The segments of a queue: a linked list of objects in slabs, each with room for many elements after
// the ref of the next one. It says where new segments come from, and which are moved between nodes.

import { LOCAL_MEMORY } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { NULL_REF } from '../slab/ref.js'
import type { SlabAllocator } from '../slab/slab-allocator.js'

/** Bytes of a segment where elements are small, and before its first element. */
const SEGMENT_BYTES = 4096
export const HEADER_BYTES = 8
/** Elements of a segment at least, unless that makes it larger than this. */
const FEWEST_ELEMENTS = 8
const MOST_BYTES = 64 << 10

/** Elements of a segment, by bytes of an element. */
export function elementsPerSegment(size: number): number {
  const within = (bytes: number): number => Math.floor((bytes - HEADER_BYTES) / size)
  return Math.max(within(SEGMENT_BYTES), Math.min(FEWEST_ELEMENTS, within(MOST_BYTES)), 1)
}

/**
 * Where the segments of a queue lie. `node`: all on one. `spill`: those at both ends in local memory,
 * `limit` segments at most, and those between on another node.
 */
export type Places =
  | { kind: 'node'; node: number }
  | { kind: 'spill'; remote: number; limit: number }

/**
 * A list of segments. With `spill` it has three runs, each of which may be empty: the local ones at
 * the head, the remote ones, the local ones at the tail. Whatever moves, moves in batches.
 */
export class Segments {
  readonly #slabs: SlabAllocator
  readonly #bytes: number
  readonly #places: Places
  /** Segments of a batch, and the most at each end. */
  readonly #batch: number
  readonly #mostAtEnd: number

  head = NULL_REF
  tail = NULL_REF
  /** Grows whenever a segment comes, goes or moves. */
  changes = 0

  /** Segments of the three runs, and the last ones of the first two. */
  #atHead = 0
  #between = 0
  #atTail = 0
  #lastAtHead = NULL_REF
  #lastBetween = NULL_REF

  constructor(slabs: SlabAllocator, bytes: number, places: Places) {
    this.#slabs = slabs
    this.#bytes = bytes
    this.#places = places
    const limit = places.kind === 'spill' ? places.limit : Infinity
    this.#mostAtEnd = Math.floor(limit / 2)
    this.#batch = Math.max(1, Math.floor(limit / 4))
  }

  /** The view of the slab that a segment is in. */
  view(segment: number): DataView<ArrayBuffer> {
    return this.#slabs.view(segment)
  }

  /** Where the first element of a segment is in its view. */
  start(segment: number): number {
    return this.#slabs.offset(segment) + HEADER_BYTES
  }

  next(segment: number): number {
    return this.#slabs.view(segment).getFloat64(this.#slabs.offset(segment), true)
  }

  #link(segment: number, next: number): void {
    this.#slabs.view(segment).setFloat64(this.#slabs.offset(segment), next, true)
  }

  /** Adds a segment at the tail. When it throws, the list is as it was. */
  append(): void {
    if (this.#atTail >= this.#mostAtEnd) this.#spill()
    const fresh = this.#allocate()
    this.#link(fresh, NULL_REF)
    if (this.tail === NULL_REF) this.head = fresh
    else this.#link(this.tail, fresh)
    this.tail = fresh
    this.#atTail++
    this.changes++
  }

  /** With `spill`, others may fill the local node, too: a batch makes room, or the segment is remote. */
  #allocate(): number {
    const places = this.#places
    if (places.kind === 'node') return this.#slabs.alloc(this.#bytes, places.node)
    const local = this.#tryLocal() ?? (this.#spill() > 0 ? this.#tryLocal() : undefined)
    return local ?? this.#slabs.alloc(this.#bytes, places.remote)
  }

  #tryLocal(): number | undefined {
    try {
      return this.#slabs.alloc(this.#bytes, LOCAL_MEMORY)
    } catch (error) {
      if (error instanceof EmucxlError) return undefined
      throw error
    }
  }

  /** Removes the segment at the head, which is not the only one. */
  removeHead(): void {
    const old = this.head
    this.head = this.next(old)
    this.#slabs.free(old)
    this.changes++
    if (this.#atHead > 0) this.#atHead--
    else if (this.#between > 0) this.#between--
    else this.#atTail--
    if (this.#atHead === 0) {
      this.#lastAtHead = NULL_REF
      if (this.#between > 0) this.#fetch()
    }
    if (this.#between === 0) this.#lastBetween = NULL_REF
  }

  /** Removes all. */
  clear(): void {
    while (this.head !== NULL_REF) {
      const next = this.next(this.head)
      this.#slabs.free(this.head)
      this.head = next
    }
    this.tail = NULL_REF
    this.#atHead = this.#between = this.#atTail = 0
    this.#lastAtHead = this.#lastBetween = NULL_REF
    this.changes++
  }

  /**
   * Moves a batch of the oldest segments at the tail to the remote node; before there are any, the
   * head's run is filled up. Returns how many were moved: none, where the remote node is full.
   */
  #spill(): number {
    while (this.#between === 0 && this.#atHead < this.#mostAtEnd && this.#atTail > 1) {
      this.#lastAtHead = this.#lastAtHead === NULL_REF ? this.head : this.next(this.#lastAtHead)
      this.#atHead++
      this.#atTail--
    }
    const { kind } = this.#places
    if (kind === 'node' || this.#atTail < 2) return 0
    const before = this.#lastBetween === NULL_REF ? this.#lastAtHead : this.#lastBetween
    const count = Math.min(this.#batch, this.#atTail - 1)
    return this.#move(before, count, this.#places.remote, (segment) => {
      this.#lastBetween = segment
      this.#between++
      this.#atTail--
    })
  }

  /** Moves a batch of remote segments, of which the first is the head, to the local node. */
  #fetch(): void {
    const count = Math.min(this.#batch, this.#between)
    this.#move(NULL_REF, count, LOCAL_MEMORY, (segment) => {
      this.#lastAtHead = segment
      this.#atHead++
      this.#between--
    })
  }

  /**
   * Moves segments to a node: those after `before`, or the head and those after it, but not the tail.
   * Tells the new ref of each, and returns how many they are: fewer, where the node takes no more.
   */
  #move(before: number, count: number, node: number, told: (segment: number) => void): number {
    let previous = before
    for (let moved = 0; moved < count; moved++) {
      const old = previous === NULL_REF ? this.head : this.next(previous)
      let fresh: number
      try {
        fresh = this.#slabs.migrate(old, node)
      } catch (error) {
        // Full, or not permitted: the segments stay where they are, and the queue goes on.
        if (error instanceof EmucxlError) return moved
        throw error
      }
      if (previous === NULL_REF) this.head = fresh
      else this.#link(previous, fresh)
      this.changes++
      told(fresh)
      previous = fresh
    }
    return count
  }

  /** The segments from head to tail. */
  *[Symbol.iterator](): Generator<number> {
    for (let segment = this.head; segment !== NULL_REF; segment = this.next(segment)) yield segment
  }
}
