// The values of a store between its user and its memory: encoded and decoded by the store, with a codec of the
// user's around that where there is one, and refused where they are too long.

import { types } from 'node:util'
import { checkBytes, outOfRange, wrongType } from '../memory/arguments.js'
import type { Codec } from './codec.js'
import type { EntryTable } from './entry-table.js'
import { codecOf, type InnerCodec } from './inner-codec.js'

const MOST_BYTES = 512 << 20

export class ValueCodec {
  readonly #inner: InnerCodec<unknown>
  readonly #own: Codec<unknown> | undefined
  readonly #maxBytes: number

  constructor(codec: unknown, maxBytes: number) {
    checkBytes(maxBytes, 'options.maxValueBytes', 0)
    if (maxBytes > MOST_BYTES) {
      throw outOfRange('options.maxValueBytes', 'at most 512 MiB', maxBytes)
    }
    this.#maxBytes = maxBytes
    ;[this.#inner, this.#own] = codecOf(codec)
  }

  /** A value as a text or as bytes, which is not longer than its bytes. It runs code of the user's. */
  encode(value: unknown): string | Uint8Array {
    const own = this.#own?.encode(value)
    if (this.#own !== undefined && !types.isUint8Array(own)) {
      throw wrongType('what options.codec.encode() returned', 'a Uint8Array', own)
    }
    const plain = this.#inner.encode(own ?? value)
    this.checkLength(plain.length)
    return plain
  }

  /** Refuses values of more bytes than a store takes. */
  checkLength(bytes: number): void {
    if (bytes <= this.#maxBytes) return
    throw outOfRange('value', `at most ${this.#maxBytes} bytes: see maxValueBytes`, bytes)
  }

  /** The value of the entry that was read last, as far as the store decodes it itself: for {@link decoded}. */
  read({ valueAt, valueLength, ascii, heap }: EntryTable): unknown {
    return this.#inner.decode(heap.memory, valueAt, valueAt + valueLength, ascii)
  }

  /** The user's value. It runs code of theirs. */
  decoded(value: unknown): unknown {
    if (this.#own === undefined) return value
    // Most codecs are faster with a Buffer, and make other Buffers of it.
    const { buffer, byteOffset, length } = value as Uint8Array<ArrayBuffer>
    return this.#own.decode(Buffer.from(buffer, byteOffset, length))
  }
}
