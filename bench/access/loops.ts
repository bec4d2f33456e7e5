// The loops of the experiment access: one way to reach memory each, made from text. Functions of equal
// text share what V8 has learnt of their types, and a loop that has seen two kinds of views is slower
// with both: no two kinds have the same text here. The two nodes have the same loop on purpose.

import type { Emucxl } from '../../lib/memory/emucxl.js'

/**
 * By what memory is reached: a view of a block, `cxl.read` and `cxl.write` (`call`), a loop over elements
 * of a Float64Array (`loop`), `TypedArray.set` (`set`).
 */
export const VIEWS = ['Float64Array', 'Int32Array', 'Uint8Array', 'DataView'] as const
export const COPIES = ['loop', 'set', 'call'] as const
export type Access = (typeof VIEWS)[number] | (typeof COPIES)[number]

export interface LoopKind {
  access: Access
  /** A `call` that loads is `cxl.read`, one that stores `cxl.write`. */
  operation: 'load' | 'store'
  /** One after the other, or at places that do not depend on what was loaded before. */
  order: 'sequential' | 'random'
  /** Of an access. */
  bytes: number
}

export type View = Float64Array | Int32Array | Uint8Array | DataView

/** What a loop works on. */
export interface Operands {
  cxl: Emucxl
  block: ArrayBuffer
  /** Of the whole block. */
  view: View
  /** Ordinary memory, as long as an access. */
  buffer: Float64Array
  /** An element, as it is stored. */
  value: number
}

/**
 * Makes `count` accesses, from place `first` on, or at places drawn from the seed `first`, of which there
 * are 2 ** (32 - shift). Returns the sum of what was loaded, or of the last element of what was.
 */
export type Loop = (operands: Operands, count: number, first: number, shift: number) => number

const WORD = 8

/** What is done at place `i`. */
function statement({ access, operation, bytes }: LoopKind): string {
  const loads = operation === 'load'
  const words = bytes / WORD
  const loaded = `sum += buffer[${words - 1}]`
  switch (access) {
    case 'Float64Array':
      return loads ? 'sum += view[i]' : 'view[i] = value'
    case 'Int32Array':
    case 'Uint8Array':
      return loads ? 'sum = (sum + view[i]) | 0' : 'view[i] = value'
    case 'DataView':
      return loads ? 'sum += view.getFloat64(i * 8, true)' : 'view.setFloat64(i * 8, value, true)'
    case 'call':
      return loads
        ? `cxl.read(block, i * ${bytes}, buffer); ${loaded}`
        : `cxl.write(block, i * ${bytes}, buffer)`
    case 'set':
      return loads
        ? `buffer.set(view.subarray(i * ${words}, (i + 1) * ${words})); ${loaded}`
        : `view.set(buffer, i * ${words})`
    case 'loop':
      return loads
        ? `for (let j = 0, at = i * ${words}; j < ${words}; j++) buffer[j] = view[at + j]; ${loaded}`
        : `for (let j = 0, at = i * ${words}; j < ${words}; j++) view[at + j] = buffer[j]`
  }
}

/** A linear congruential generator (Numerical Recipes): its upper bits are good enough for places. */
const RANDOM = `
  let x = first | 0
  for (let k = 0; k < count; k++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    const i = x >>> shift`
const SEQUENTIAL = `
  const end = first + count
  for (let i = first; i < end; i++) {`

export function makeLoop(kind: LoopKind): Loop {
  const name = Object.values(kind).join(' ')
  const text = `'use strict' // ${name}
  const { cxl, block, view, buffer, value } = operands
  let sum = 0${kind.order === 'random' ? RANDOM : SEQUENTIAL}
    ${statement(kind)}
  }
  return sum`
  return new Function('operands', 'count', 'first', 'shift', text) as Loop
}

/** Elements of views, and of the buffers of copies. */
const ELEMENTS = { Int32Array, Uint8Array, Float64Array }

const elementsOf = (access: Access) =>
  ELEMENTS[access === 'Int32Array' || access === 'Uint8Array' ? access : 'Float64Array']

/** A view of a whole block. */
export function viewOf(access: Access, block: ArrayBuffer): View {
  return access === 'DataView' ? new DataView(block) : new (elementsOf(access))(block)
}

/** Bytes of an element of a view. */
export const elementBytes = (access: Access): number => elementsOf(access).BYTES_PER_ELEMENT

/** The element all of whose bytes are the same. */
export function elementOf(access: Access, byte: number): number {
  return new (elementsOf(access))(new Uint8Array(WORD).fill(byte).buffer)[0] as number
}

/**
 * Throws where the sum of elements that are all alike is not what it must be; sums of integers are right
 * in their lower 32 bits.
 */
export function verifySum(kind: LoopKind, sum: number, count: number, value: number): void {
  const isWhole = elementsOf(kind.access) !== Float64Array
  const wanted = isWhole ? Math.imul(count, value) : count * value
  const found = isWhole ? sum | 0 : sum
  // Each addition of floating-point numbers may round.
  const tolerance = isWhole ? 0 : 1e-9 * wanted
  if (Math.abs(found - wanted) <= tolerance) return
  const { access, operation, order, bytes } = kind
  throw new Error(
    `access: ${order} ${operation}s of ${bytes} bytes by ${access} found other data than was stored`,
  )
}
