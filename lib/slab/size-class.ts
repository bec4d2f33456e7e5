// The size classes of an allocator: eight to each doubling, so that less than an eighth of an object's
// size is lost to rounding. Up to 16 bytes every size is a class.
//
// A class is divided by every power of two that divides a size in it: an object whose size is a
// multiple of 8, as that of a C struct with a double in it, begins at a multiple of 8.

import { FEWEST_OBJECTS, PAGE, roundUp } from './shape.js'

/** Powers of two that have no classes between them, and the classes of a doubling as a power. */
const STEPS = 3

/** The part of a slab that may be left at its end. */
const TAIL = 1 / 32
const MOST_SLAB_BYTES = 2 ** 30

/** The number of the class of a size, from 1 to 2^30 bytes. */
export function classOf(size: number): number {
  if (size < 2 << STEPS) return size
  const step = 31 - Math.clz32(size) - STEPS
  return step * 2 ** STEPS + ((size + (1 << step) - 1) >> step)
}

/** Bytes of the objects of a class. */
export function sizeOfClass(number: number): number {
  if (number < 2 << STEPS) return number
  const step = (number >> STEPS) - 1
  return (number - step * 2 ** STEPS) << step
}

/** Bytes of a slab for objects of a size: at least `least`, with little left at its end. */
export function slabBytesFor(size: number, least: number): number {
  const wanted = Math.min(Math.max(least, FEWEST_OBJECTS * size), MOST_SLAB_BYTES)
  const first = roundUp(Math.max(wanted, size), PAGE)
  let best = first
  for (let bytes = first; bytes < 1.25 * first; bytes += PAGE) {
    if ((bytes % size) / bytes < (best % size) / best) best = bytes
    if ((best % size) / best <= TAIL || bytes >= MOST_SLAB_BYTES) break
  }
  return best
}
