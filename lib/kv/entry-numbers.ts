// A small number for each entry, for policies.

import type { EntryBytes } from './policy.js'

const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1

export class EntryNumbers implements EntryBytes {
  readonly #chunks: Uint8Array[] = []

  get(entry: number): number {
    return this.#chunks[entry >> CHUNK_BITS]?.[entry & IN_CHUNK] ?? 0
  }

  set(entry: number, value: number): void {
    while (entry >> CHUNK_BITS >= this.#chunks.length) {
      this.#chunks.push(new Uint8Array(1 << CHUNK_BITS))
    }
    ;(this.#chunks[entry >> CHUNK_BITS] as Uint8Array)[entry & IN_CHUNK] = value
  }
}
