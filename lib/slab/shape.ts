// How a slab is cut into objects.

import { checkBytes, outOfRange, wrongType } from '../memory/arguments.js'

const PAGE = 4096
const GiB = 2 ** 30
/** Bytes of a slab where the user does not say, and objects that it has at least. */
export const SLAB_BYTES = 64 << 10
const FEWEST_OBJECTS = 8

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

const roundUp = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple

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

/** Checks the options of a cache. */
export function shapeOf({ objectSize, slabBytes, align }: ShapeOptions): Shape {
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
  const wanted = slabBytes ?? Math.max(SLAB_BYTES, FEWEST_OBJECTS * stride)
  const bytes = roundUp(Math.max(wanted, stride), PAGE)
  return { stride, slabBytes: bytes, perSlab: Math.floor(bytes / stride) }
}
