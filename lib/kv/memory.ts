// The memory that objects lie in: a slab of a pool, or a large object.

import { EmucxlError } from '../memory/errors.js'
import { PAGE, roundUp } from '../slab/shape.js'
import type { Tier } from './policy.js'
import type { Pool } from './pool.js'

/** Who has the buffer from view() can free, resize or transfer it: it is empty then. */
export function refuseLost(): never {
  throw new EmucxlError(
    'ERR_EMUCXL_DETACHED',
    'memory of the store was freed, resized or transferred by who had it from view(), and its entries are ' +
      'lost: clear() or destroy() the store',
  )
}

export class Memory {
  readonly tier: Tier
  /** The same memory in three ways. */
  readonly words: Int32Array<ArrayBuffer>
  readonly longs: BigInt64Array<ArrayBuffer>
  readonly bytes: Buffer<ArrayBuffer>
  /** Bytes of the buffer as it was. Who transfers the buffer makes it empty. */
  readonly size: number
  /** {@link size} in whole pages. */
  readonly bytesMapped: number
  /** Its number in the store; -1 for one that is in none. */
  number = -1

  /** Undefined for a large object. */
  readonly pool: Pool | undefined
  /** Numbers of a slab's objects: the first ones, so many as it has room for, are free. */
  readonly free: Uint16Array
  room: number
  /** Where it is among the slabs of its pool that have room; -1 for one that is full. */
  position = -1

  constructor(buffer: ArrayBuffer, tier: Tier, pool?: Pool) {
    this.tier = tier
    this.size = buffer.byteLength
    this.bytesMapped = roundUp(this.size, PAGE)
    this.words = new Int32Array(buffer)
    this.longs = new BigInt64Array(buffer)
    this.bytes = Buffer.from(buffer)
    this.pool = pool
    const objects = pool?.perSlab ?? 0
    this.room = objects
    // They are given out in the order of addresses.
    this.free = Uint16Array.from({ length: objects }, (_, i) => objects - 1 - i)
  }
}
