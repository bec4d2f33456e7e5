// How a slab is cut into objects.

import { checkBytes, outOfRange, wrongType } from '../memory/arguments.js'
import { MOST_OBJECTS } from './ref.js'

export const PAGE = 4096
const GiB = 2 ** 30
/** Where the user does not say: bytes of a slab, and objects that it has at least. */
export const SLAB_BYTES = 64 << 10
const MOST_SLAB_BYTES = 2 << 20
export const FEWEST_OBJECTS = 8
/** Slabs are not made larger than this for the sake of more objects. */
const LARGE = 16 << 20
/** Objects of a slab where that makes it neither too small nor too large, */
const OBJECTS = 16384
/** and the part of the node's capacity that it may take. */
const SHARE = 1 / 64

export interface Shape {
  /** Bytes from one object to the next. */
  stride: number
  /** Bytes of a slab. */
  slabBytes: number
  /** Objects of a slab. */
  perSlab: number
}

/** What {@link shapeOf} needs of the options of a cache. */
export interface ShapeOptions {
  objectSize: number
  slabBytes?: number
  align?: number
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple
}

export function checkAlign(value: unknown): asserts value is number {
  if (typeof value !== 'number') throw wrongType('options.align', 'a number of bytes', value)
  if (!(value >= 1 && value <= PAGE && Number.isInteger(Math.log2(value)))) {
    throw outOfRange('options.align', `a power of two from 1 to ${PAGE}`, value)
  }
}

/** 8, or the power of two that is no less than the size. */
function defaultAlign(objectSize: number): number {
  return Math.min(8, 2 ** Math.ceil(Math.log2(objectSize)))
}

function defaultSlabBytes(stride: number, capacity: number): number {
  const most = Math.max(SLAB_BYTES, Math.min(MOST_SLAB_BYTES, capacity * SHARE))
  const few = Math.min(FEWEST_OBJECTS * stride, Math.max(stride, LARGE))
  return Math.max(few, Math.min(most, Math.max(SLAB_BYTES, OBJECTS * stride)))
}

/** Checks the options of a cache on a node with a capacity, in bytes. */
export function shapeOf({ objectSize, slabBytes, align }: ShapeOptions, capacity: number): Shape {
  checkBytes(objectSize, 'options.objectSize', 1)
  if (objectSize > GiB) throw outOfRange('options.objectSize', 'at most 1 GiB', objectSize)
  if (align !== undefined) checkAlign(align)
  const stride = roundUp(objectSize, align ?? defaultAlign(objectSize))
  if (slabBytes !== undefined) {
    checkBytes(slabBytes, 'options.slabBytes', 1)
    if (slabBytes < objectSize || slabBytes > GiB) {
      throw outOfRange('options.slabBytes', 'from options.objectSize to 1 GiB', slabBytes)
    }
  }
  const wanted = slabBytes ?? defaultSlabBytes(stride, capacity)
  const bytes = roundUp(Math.max(wanted, stride), PAGE)
  const perSlab = Math.floor(bytes / stride)
  if (perSlab > MOST_OBJECTS) {
    throw outOfRange(
      'options.slabBytes',
      `such that a slab has at most ${MOST_OBJECTS} objects`,
      bytes,
    )
  }
  return { stride, slabBytes: bytes, perSlab }
}
