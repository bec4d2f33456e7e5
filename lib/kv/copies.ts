// Copies of values: views of buffers that many of them share, as those of Node.js's Buffer do. That is a
// third of the price of a buffer for each.

import { markAsUntransferable } from 'node:worker_threads'
import type { Memory } from './memory.js'

const POOL_BYTES = 16 << 10
/** Copies beyond this have a buffer of their own. */
const MOST_SHARED = POOL_BYTES / 8
/** Up to here a loop is faster than a call. */
const FEW_LONGS = 32
const LONG = 8
const LONG_SHIFT = 3

export class Copies {
  #pool = new ArrayBuffer(0)
  #longs = new BigInt64Array(0)
  /** The long from which on the pool is free. */
  #next = 0

  /** A copy of bytes of a memory. */
  of({ longs, bytes }: Memory, from: number, to: number): Uint8Array<ArrayBuffer> {
    const length = to - from
    if (length === 0) return new Uint8Array(0)
    if (length > MOST_SHARED) {
      const copy = new Uint8Array(length)
      copy.set(bytes.subarray(from, to))
      return copy
    }
    // Whole longs are copied, with what is in them before and behind.
    const first = from >> LONG_SHIFT
    const count = ((to + LONG - 1) >> LONG_SHIFT) - first
    if (this.#next + count > this.#longs.length) this.#renew() // that of a detached buffer is 0
    const own = this.#longs
    const start = this.#next
    this.#next = start + count
    if (count <= FEW_LONGS) {
      for (let i = 0; i < count; i++) own[start + i] = longs[first + i] as bigint
    } else {
      own.set(longs.subarray(first, first + count), start)
    }
    return new Uint8Array(this.#pool, (start << LONG_SHIFT) + (from & (LONG - 1)), length)
  }

  #renew(): void {
    this.#pool = new ArrayBuffer(POOL_BYTES)
    // Who transfers a copy would take all the others with it.
    markAsUntransferable(this.#pool)
    this.#longs = new BigInt64Array(this.#pool)
    this.#next = 0
  }
}
