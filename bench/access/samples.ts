// Samples of the experiment access: the blocks that it loads from and stores to, and one way to do so.

import type { Emucxl } from '../../lib/memory/emucxl.js'
import type { Node } from '../../lib/memory/options.js'
import { now, type Subject } from '../harness/rounds.js'
import {
  type Access,
  COPIES,
  elementOf,
  type Loop,
  type LoopKind,
  type Operands,
  VIEWS,
  type View,
  verifySum,
  viewOf,
} from './loops.js'

/** Nanoseconds that a sample is to take. */
const SAMPLE = 5e5
/** Bytes that fit the L2 cache of any server, twice. */
export const CACHED = 128 * 2 ** 10

/** What each byte of the blocks is, and what stores are tried with. */
const BYTE = 0x3f
const OTHER = 0x5a

export interface AccessKind extends LoopKind {
  node: 'local' | 'remote'
  numaNode: number
  /** What the accesses are spread over: of a size that fits the L2 cache, or of one that no cache has. */
  set: 'cache' | 'memory'
  workingSetBytes: number
  pageBytes: number
}

/** A block, and where sequential accesses to it go on: what was read of late may be in a cache. */
export class Place {
  readonly pageBytes: number
  readonly views = new Map<Access, View>()
  cursor = 0

  constructor(
    cxl: Emucxl,
    readonly node: Node,
    readonly block: ArrayBuffer,
  ) {
    cxl.fill(block, BYTE)
    this.pageBytes = cxl.mappings()[0]?.pageSize ?? 0
    for (const access of [...VIEWS, ...COPIES]) this.views.set(access, viewOf(access, block))
  }
}

/** Accesses of one kind to a working set. */
export class Accesses implements Subject<AccessKind> {
  readonly figures
  readonly #operands: Operands
  readonly #slots: number
  #seed = 1
  /** Accesses of a sample; undefined before the first. */
  #count: number | undefined

  constructor(
    readonly cxl: Emucxl,
    readonly place: Place,
    readonly row: AccessKind,
    readonly loops: { measured: Loop; load: Loop },
    readonly scratch: Uint8Array,
  ) {
    const { access, bytes } = row
    const { block } = place
    const view = place.views.get(access) as View
    const buffer = new Float64Array(Math.max(1, bytes / 8))
    this.figures = [{ row, unit: 'ns' }] as const
    this.#operands = { cxl, block, view, buffer, value: 0 }
    this.#slots = row.workingSetBytes / bytes
  }

  sample(): number[] {
    if (this.#count === undefined) {
      this.#verifyStores()
      this.#prepare(BYTE)
      this.#count = 8
      while (this.#measure(this.#count) < SAMPLE / 4) this.#count *= 4
    }
    // The cache has what others left: it is to have this.
    if (this.row.set === 'cache') this.cxl.read(this.place.block, 0, this.scratch, CACHED)
    const ns = this.#measure(this.#count) / this.#count
    this.#count = Math.max(1, Math.round(SAMPLE / ns))
    return [ns]
  }

  /** Nanoseconds of so many accesses; what they loaded is checked. */
  #measure(count: number): number {
    const first = this.#first()
    const began = now()
    const sum = this.#go(this.loops.measured, count, first)
    const ns = now() - began
    if (this.row.operation === 'load') verifySum(this.row, sum, count, this.#operands.value)
    const { order, set, bytes } = this.row
    if (order === 'sequential' && set === 'memory') this.place.cursor = (first + count) * bytes
    return ns
  }

  #first(): number {
    if (this.row.order === 'random') return Math.imul(this.#seed++, 0x9e3779b1)
    return this.row.set === 'cache' ? 0 : Math.floor(this.place.cursor / this.row.bytes)
  }

  #go(loop: Loop, count: number, first: number): number {
    if (this.row.order === 'random') {
      return loop(this.#operands, count, first, 32 - Math.log2(this.#slots))
    }
    let sum = 0
    for (let left = count, at = first % this.#slots; left > 0; at = 0) {
      const some = Math.min(left, this.#slots - at)
      sum += loop(this.#operands, some, at, 0)
      left -= some
    }
    return sum
  }

  #prepare(byte: number): void {
    this.#operands.value = elementOf(this.row.access, byte)
    this.#operands.buffer.fill(elementOf('Float64Array', byte))
  }

  /** Tries whether stores arrive: they are loaded again, and taken back. */
  #verifyStores(): void {
    if (this.row.operation === 'load') return
    const count = Math.min(64, this.#slots)
    const first = this.#first()
    this.#prepare(OTHER)
    const { value } = this.#operands
    this.#go(this.loops.measured, count, first)
    verifySum(this.row, this.#go(this.loops.load, count, first), count, value)
    this.#prepare(BYTE)
    this.#go(this.loops.measured, count, first)
  }
}

/** Throws where stores went astray. */
export function verifyContents({ block, node }: Place): void {
  const whole = new Uint8Array(Math.min(block.byteLength, CACHED)).fill(BYTE)
  for (let at = 0; at < block.byteLength; at += whole.length) {
    const part = new Uint8Array(block, at, Math.min(whole.length, block.byteLength - at))
    if (Buffer.compare(part, whole.subarray(0, part.length)) !== 0) {
      throw new Error(`access: the ${node.role} block holds other data than was stored`)
    }
  }
}
