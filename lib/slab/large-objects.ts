// Objects that are too large for slabs: a region of the context each, with refs like those of slabs.

import type { Dependent } from '../memory/closing.js'
import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import type { MigrateResult } from '../memory/reports.js'
import { following, INDEX_MASK, MOST_OBJECTS } from './ref.js'
import { RefSpace } from './ref-space.js'
import { refuseRef } from './refusal.js'
import { PAGE, roundUp } from './shape.js'
import { accountOf, type SlabStats } from './stats.js'

interface Place {
  /** The ref, of an object that lives; of one that was freed, the negative of the last. */
  entry: number
  node: number
  view: DataView<ArrayBuffer>
}

const NO_BYTES = new DataView(new ArrayBuffer(0))

export class LargeObjects implements Dependent {
  readonly #cxl: Emucxl
  readonly #refs: RefSpace
  readonly #places: Place[] = []
  readonly #free: number[] = []
  #destroyed = false

  constructor(cxl: Emucxl) {
    this.#cxl = cxl
    this.#refs = new RefSpace(cxl, this)
  }

  alloc(size: number, node: number): number {
    const index = this.#free.at(-1) ?? this.#places.length
    if (index >= MOST_OBJECTS) {
      throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', `an allocator has ${MOST_OBJECTS} objects`)
    }
    const view = new DataView(this.#cxl.alloc(size, node))
    this.#free.pop()
    const place = this.#places[index]
    const entry = place === undefined ? this.#refs.first + index : following(-place.entry)
    this.#places[index] = { entry, node, view }
    return entry
  }

  has(ref: number): boolean {
    return ref > 0 && !this.#cxl.closed && this.#places[ref & INDEX_MASK]?.entry === ref
  }

  free(ref: number): void {
    const place = this.#find(ref)
    const { buffer } = place.view
    place.entry = -ref
    place.view = NO_BYTES
    this.#free.push(ref & INDEX_MASK)
    // A buffer that somebody has freed or transferred meanwhile is not ours any more.
    if (!this.#cxl.closed && buffer.byteLength > 0) this.#cxl.free(buffer)
  }

  view(ref: number): DataView<ArrayBuffer> {
    return this.#find(ref).view
  }

  buffer(ref: number): ArrayBuffer {
    return this.#find(ref).view.buffer
  }

  offset(ref: number): number {
    this.#find(ref)
    return 0
  }

  nodeOf(ref: number): number {
    return this.#find(ref).node
  }

  /** In place: the ref stays. */
  migrateSlab(ref: number, node: number): MigrateResult {
    const place = this.#find(ref)
    const result = this.#cxl.migrate(place.view.buffer, node)
    place.node = node
    return result
  }

  /** Returns the ref, which stays. */
  migrate(ref: number, node: number): number {
    if (this.nodeOf(ref) !== node) this.migrateSlab(ref, node)
    return ref
  }

  stats(): SlabStats {
    return accountOf(this.#cxl, (node) => {
      const sums = { objects: 0, slabs: 0, bytesUsed: 0, bytesMapped: 0 }
      for (const place of this.#places) {
        if (place.entry < 0 || place.node !== node) continue
        const bytes = place.view.buffer.byteLength
        sums.objects++
        sums.slabs++
        sums.bytesUsed += bytes
        sums.bytesMapped += roundUp(bytes, PAGE)
      }
      return sums
    })
  }

  destroy(): void {
    if (this.#destroyed) return
    for (const { entry } of this.#places) if (this.has(entry)) this.free(entry)
    this.#destroyed = true
    this.contextClosed()
  }

  contextClosed(): void {
    if (this.#refs.ended) return
    this.#refs.end(this.#places.reduce((most, { entry }) => Math.max(most, Math.abs(entry)), 0))
  }

  #find(ref: unknown): Place {
    const place = typeof ref === 'number' ? this.#places[ref & INDEX_MASK] : undefined
    if (place === undefined || place.entry !== ref || !(ref > 0) || this.#cxl.closed) {
      const { id } = this.#refs
      refuseRef(ref, { what: 'slab allocator', cxl: this.#cxl, destroyed: this.#destroyed, id })
    }
    return place
  }
}
