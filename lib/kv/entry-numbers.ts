// A number for each entry, in typed arrays of fixed length, a row of which grows: nothing is ever copied.

import type { EntryBytes } from './policy.js'

const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1

/** Numbers as typed arrays of a kind hold them; 0 for entries to which none was given. */
export class EntryNumbers implements EntryBytes {
  readonly #Chunk: Uint8ArrayConstructor | Float64ArrayConstructor
  readonly #chunks: (Uint8Array | Float64Array | undefined)[] = []

  constructor(Chunk: Uint8ArrayConstructor | Float64ArrayConstructor) {
    this.#Chunk = Chunk
  }

  /** Bytes of the numbers. */
  get bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + (chunk?.byteLength ?? 0), 0)
  }

  /** Gives all memory back: each entry has 0. */
  clear(): void {
    this.#chunks.length = 0
  }

  get(entry: number): number {
    return this.#chunks[entry >> CHUNK_BITS]?.[entry & IN_CHUNK] ?? 0
  }

  set(entry: number, value: number): void {
    let chunk = this.#chunks[entry >> CHUNK_BITS]
    if (chunk === undefined) {
      if (value === 0) return
      chunk = new this.#Chunk(1 << CHUNK_BITS)
      this.#chunks[entry >> CHUNK_BITS] = chunk
    }
    chunk[entry & IN_CHUNK] = value
  }
}
