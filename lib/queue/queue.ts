// A queue whose elements lie in the memory of a node: first in, first out, linked, unbounded.

import {
  checkBytes,
  checkChoice,
  checkOptions,
  outOfRange,
  wrongType,
} from '../memory/arguments.js'
import { dependOn } from '../memory/closing.js'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { FieldType } from '../slab/field-types.js'
import { NULL_REF } from '../slab/ref.js'
import type { SlabAllocator } from '../slab/slab-allocator.js'
import { Ends, type Inside, type Methods, methodsFor } from './methods.js'
import { elementsPerSegment, HEADER_BYTES, type Places, Segments } from './segments.js'
import { giveBackSlabs, takeSlabs } from './shared-slabs.js'
import { slabViews } from './slab-views.js'

/** Where the elements of a queue lie: see {@link QueueOptions}. */
export type QueuePlacement = 'local' | 'remote' | 'spill'

/** Options of a {@link Queue}. */
export interface QueueOptions {
  /** The node of all elements; with `spill`, of those in the middle. Default: by the placement. */
  node?: number
  /**
   * `local`: in local memory. `remote`: on the first remote node. `spill`: the elements that are touched
   * next, at both ends, in local memory, those in the middle on the first remote node or `node`. Default:
   * local, or what `node` says.
   */
  placement?: QueuePlacement
  /**
   * With `spill`: bytes of segments at the two ends, in local memory. Default: 1 MiB. It can be more
   * while the remote node takes no more, and less while the local node does not.
   */
  localBytes?: number
}

/** What a queue has on a node. */
export interface QueueNodeStats {
  node: number
  segments: number
  /** Bytes of the segments. */
  bytes: number
}

/** The account of a queue. */
export interface QueueStats {
  elements: number
  segments: number
  /** Bytes of the segments. */
  bytes: number
  nodes: QueueNodeStats[]
}

let inside: Inside

function refuseType(): never {
  throw new TypeError('this: the method is one of a queue with elements of another type')
}

/** What a queue has that was dropped without destroy(). */
interface Left {
  cxl: Emucxl
  segments: Segments
  /** Its ends need not hear any more that the context is closed. */
  forget: () => void
}

function giveBack({ cxl, segments, forget }: Left): void {
  forget()
  if (!cxl.closed) segments.clear()
  giveBackSlabs(cxl)
}

const dropped = new FinalizationRegistry(giveBack)

const LOCAL_BYTES = 1 << 20
/** Segments that `spill` needs in local memory. */
const FEWEST_LOCAL = 4

const PLACEMENTS = ['local', 'remote', 'spill'] as const

function placesOf(cxl: Emucxl, options: QueueOptions, segmentBytes: number): Places {
  const { node, placement, localBytes } = options
  if (node !== undefined) cxl.stats(node) // it checks the node
  if (placement !== undefined) checkChoice(placement, 'options.placement', PLACEMENTS)
  if (placement !== 'spill') {
    if (localBytes !== undefined) {
      throw outOfRange(
        'options.localBytes',
        "left out, unless options.placement is 'spill'",
        localBytes,
      )
    }
    const wanted = { local: LOCAL_MEMORY, remote: REMOTE_MEMORY }[placement ?? 'local']
    if (
      placement !== undefined &&
      node !== undefined &&
      (node === LOCAL_MEMORY) !== (wanted === LOCAL_MEMORY)
    ) {
      throw outOfRange('options.node', `a ${placement} node, as options.placement says`, node)
    }
    return { kind: 'node', node: node ?? wanted }
  }
  const remote = node ?? REMOTE_MEMORY
  cxl.stats(remote)
  if (remote === LOCAL_MEMORY) {
    throw outOfRange('options.node', "a remote node, where options.placement is 'spill'", node)
  }
  const bytes = localBytes ?? Math.max(LOCAL_BYTES, FEWEST_LOCAL * segmentBytes)
  checkBytes(bytes, 'options.localBytes', 1)
  const limit = Math.floor(bytes / segmentBytes)
  if (limit < FEWEST_LOCAL) {
    const least = FEWEST_LOCAL * segmentBytes
    throw outOfRange('options.localBytes', `at least ${least}, four segments of the queue`, bytes)
  }
  return { kind: 'spill', remote, limit }
}

/**
 * A queue of numbers, structs, or any other field type: first in, first out, unbounded, in memory of a
 * chosen node. It is the queue of the paper (section IV-A, Listing 1), with a link for each segment of
 * many elements in place of a region for each element.
 *
 * ```ts
 * const queue = new Queue(cxl, int32, { node: REMOTE_MEMORY })
 * queue.enqueue(7)
 * queue.dequeue() // 7
 * ```
 *
 * Its segments lie in slabs that the queues of a context share. All methods but `destroy` throw
 * `ERR_EMUCXL_CLOSED` when the queue is destroyed or its context closed.
 */
export class Queue<T> implements Iterable<T> {
  static {
    inside = {
      endsFor: (type) => (queue) => {
        const ends = queue.#ends
        if (ends.type !== type) refuseType()
        return ends
      },
      grow: (queue) => queue.#grow(),
      rewind: (queue) => queue.#rewind(),
      advance: (queue) => queue.#advance(),
      check: (queue) => queue.#check(),
    }
  }

  readonly #cxl: Emucxl
  readonly #slabs: SlabAllocator
  readonly #segments: Segments
  readonly #left: Left
  readonly #stride: number
  /** Bytes of the elements of a segment. */
  readonly #room: number

  readonly #ends = new Ends() // in a field that never held another kind of thing, as V8 likes it
  #destroyed = false

  /** What the elements are. */
  readonly type: FieldType<T>

  constructor(cxl: Emucxl, type: FieldType<T>, options: QueueOptions = {}) {
    if (!(cxl instanceof Emucxl)) throw wrongType('cxl', 'an open Emucxl', cxl)
    if (!(type instanceof FieldType)) {
      throw wrongType('type', 'a field type, as int32, or what struct() returned', type)
    }
    checkOptions(options)
    cxl.stats(LOCAL_MEMORY) // it checks the context
    const perSegment = elementsPerSegment(type.size)
    const segmentBytes = HEADER_BYTES + perSegment * type.size
    const places = placesOf(cxl, options, segmentBytes)
    this.#cxl = cxl
    this.#ends.type = type
    this.#ends.stride = type.size
    this.#stride = type.size
    this.#room = perSegment * type.size
    this.type = type
    this.#slabs = takeSlabs(cxl)
    this.#segments = new Segments(this.#slabs, segmentBytes, places)
    const forget = dependOn(cxl, this.#ends)
    this.#left = { cxl, segments: this.#segments, forget }
    dropped.register(this, this.#left, this)
    if (new.target === Queue) this.#specialize(methodsFor(type, inside))
  }

  /** Gives this queue methods of its own, in place of {@link enqueue} and {@link dequeue}. */
  #specialize(methods: Methods<T> | undefined): void {
    for (const [name, value] of Object.entries(methods ?? {})) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true })
    }
  }

  /** Elements in the queue: none, after it is destroyed or its context closed. */
  get size(): number {
    return this.#ends.size
  }

  /**
   * Adds an element at the tail.
   *
   * Errors: `TypeError` or `RangeError` for a value that the type cannot hold; `ERR_EMUCXL_NO_MEMORY`.
   * The queue is then as it was.
   */
  enqueue(value: T): void {
    const checked = this.type.check(value, 'value')
    const ends = this.#ends
    if (ends.tailAt === ends.tailEnd) this.#grow()
    this.type.put(ends.tail.data, ends.tailAt, checked)
    ends.tailAt += this.#stride
    ends.size++
  }

  /** Removes the element at the head, and returns it; undefined where there is none. */
  dequeue(): T | undefined {
    const value = this.peek()
    const ends = this.#ends
    if (ends.size === 0) return undefined
    ends.headAt += this.#stride
    ends.size--
    if (ends.size === 0) this.#rewind()
    else if (ends.headAt === ends.headEnd) this.#advance()
    return value
  }

  /** The element at the head, which stays; undefined where there is none. */
  peek(): T | undefined {
    const { size, head, headAt } = this.#ends
    if (size > 0) return this.type.load(head.data, headAt)
    this.#check()
    return undefined
  }

  /**
   * The elements from head to tail, which stay. What is enqueued meanwhile is seen; what is dequeued
   * meanwhile is not.
   */
  *[Symbol.iterator](): Generator<T, void, void> {
    this.#check()
    const segments = this.#segments
    let index = this.#ends.gone
    let changes = -1
    let view = this.#ends.head.data
    let segment = 0
    let at = 0
    let end = 0
    while (true) {
      const { gone, size } = this.#ends
      const overtaken = index < gone
      if (overtaken) index = gone
      if (index === gone + size) return
      if (overtaken || changes !== segments.changes) {
        ;({ segment, at } = this.#locate(index))
        view = segments.view(segment)
        end = segments.start(segment) + this.#room
        changes = segments.changes
      }
      if (at === end) {
        segment = segments.next(segment)
        view = segments.view(segment)
        at = segments.start(segment)
        end = at + this.#room
      }
      const value = this.type.load(view, at)
      at += this.#stride
      index++
      yield value
      this.#check()
    }
  }

  /** Where the segments of the queue are. */
  stats(): QueueStats {
    this.#check()
    const nodes = this.#cxl.nodes.map(({ node }) => ({ node, segments: 0, bytes: 0 }))
    for (const segment of this.#segments) {
      const of = nodes[this.#slabs.nodeOf(segment)]
      if (of === undefined) continue
      of.segments++
      of.bytes += this.#slabs.sizeOf(segment)
    }
    const sum = (key: 'segments' | 'bytes') => nodes.reduce((all, each) => all + each[key], 0)
    return { elements: this.#ends.size, segments: sum('segments'), bytes: sum('bytes'), nodes }
  }

  /** Removes all elements, and gives their memory back. */
  clear(): void {
    this.#check()
    this.#segments.clear()
    this.#ends.clear()
  }

  /** Gives all memory back. A second call does nothing. */
  destroy(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    dropped.unregister(this)
    this.#ends.clear()
    giveBack(this.#left)
  }

  /** {@link destroy}, at the end of a block that has the queue as `using`. */
  [Symbol.dispose](): void {
    this.destroy()
  }

  /** The tail's segment is full, or there is none: adds one. */
  #grow(): void {
    this.#check()
    const first = this.#segments.head === NULL_REF
    this.#segments.append()
    this.#enterTail()
    if (first) this.#enterHead()
  }

  #enterTail(): void {
    const { tail } = this.#segments
    const start = this.#segments.start(tail)
    this.#ends.enterTail(slabViews(this.#segments.view(tail)), start, start + this.#room)
  }

  #enterHead(): void {
    const { head } = this.#segments
    const start = this.#segments.start(head)
    this.#ends.enterHead(slabViews(this.#segments.view(head)), start, start + this.#room)
  }

  /** All elements of the head's segment are gone, and there are more. */
  #advance(): void {
    this.#segments.removeHead()
    this.#enterHead()
  }

  /** The queue is empty: its one segment is used from the start again. */
  #rewind(): void {
    while (this.#segments.head !== this.#segments.tail) this.#segments.removeHead()
    this.#segments.changes++ // for iterators: what comes next is not where they are
    this.#enterHead()
    this.#enterTail()
  }

  /** The segment and the place of an element, by its number. */
  #locate(index: number): { segment: number; at: number } {
    let segment = this.#segments.head
    let at = this.#ends.headAt + (index - this.#ends.gone) * this.#stride
    let end = this.#ends.headEnd
    while (at > end) {
      segment = this.#segments.next(segment)
      const start = this.#segments.start(segment)
      at = start + (at - end)
      end = start + this.#room
    }
    return { segment, at }
  }

  #check(): void {
    if (this.#destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the queue is destroyed: make another one')
    }
    if (this.#cxl.closed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context of the queue is closed')
    }
  }
}
