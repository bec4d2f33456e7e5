// What turns values into bytes and back inside a store: it reads and writes memory.

import { outOfRange, wrongType } from '../memory/arguments.js'
import { bytesOf } from './bytes.js'
import type { Codec } from './codec.js'
import { Copies } from './copies.js'
import type { Memory } from './memory.js'
import { msgpackrCodec } from './msgpackr.js'

/** A codec as a store uses it: it reads values where they are, and runs no code of the user's on the way. */
export interface InnerCodec<V> {
  encode(value: unknown): Uint8Array
  decode(memory: Memory, from: number, to: number, ascii: boolean): V
  /** Whether the text that was encoded last was ASCII, which is decoded faster. */
  readonly ascii: boolean
}

class BytesCodec implements InnerCodec<Uint8Array> {
  readonly #copies = new Copies()
  readonly ascii = false

  encode(value: unknown): Uint8Array {
    return bytesOf(value, 'value')
  }

  decode(memory: Memory, from: number, to: number): Uint8Array {
    return this.#copies.of(memory, from, to)
  }
}

/** What `Buffer.toString` calls when it has read its arguments, which takes as long as the call. */
interface Slices {
  latin1Slice(from: number, to: number): string
  utf8Slice(from: number, to: number): string
}

const LONE_SURROGATE = /\p{Surrogate}/u

class Utf8Codec implements InnerCodec<string> {
  /** The text that was encoded last. It grows. */
  #buffer = Buffer.alloc(4096)
  ascii = false

  encode(value: unknown): Uint8Array {
    if (typeof value !== 'string') throw wrongType('value', 'a string', value)
    // No code unit takes more than three bytes.
    if (this.#buffer.length < 3 * value.length) this.#buffer = Buffer.alloc(4 * value.length)
    const length = this.#buffer.write(value)
    this.ascii = length === value.length
    if (!this.ascii && LONE_SURROGATE.test(value)) {
      throw outOfRange('value', 'text without lone surrogates, which UTF-8 cannot hold', value)
    }
    return this.#buffer.subarray(0, length)
  }

  decode({ bytes }: Memory, from: number, to: number, ascii: boolean): string {
    const slices = bytes as unknown as Slices
    return ascii ? slices.latin1Slice(from, to) : slices.utf8Slice(from, to)
  }
}

class JsonCodec implements InnerCodec<unknown> {
  readonly #text = new Utf8Codec()

  get ascii(): boolean {
    return this.#text.ascii
  }

  encode(value: unknown): Uint8Array {
    const text: unknown = JSON.stringify(value)
    if (typeof text !== 'string') throw wrongType('value', 'what JSON can hold', value)
    return this.#text.encode(text)
  }

  decode(memory: Memory, from: number, to: number, ascii: boolean): unknown {
    return JSON.parse(this.#text.decode(memory, from, to, ascii))
  }
}

const NAMED = { bytes: BytesCodec, utf8: Utf8Codec, json: JsonCodec }

/** The codec that a user asked for: what reads and writes memory, and, around it, the user's own. */
export function codecOf(codec: unknown): [InnerCodec<unknown>, own: Codec<unknown> | undefined] {
  if (codec === 'msgpackr') return [new BytesCodec(), msgpackrCodec()]
  if (typeof codec === 'string' && Object.hasOwn(NAMED, codec)) {
    return [new NAMED[codec as keyof typeof NAMED](), undefined]
  }
  const { encode, decode } = (codec ?? {}) as Partial<Codec<unknown>>
  if (typeof encode !== 'function' || typeof decode !== 'function') {
    const names = [...Object.keys(NAMED), 'msgpackr'].map((name) => `'${name}'`)
    throw wrongType(
      'options.codec',
      `${names.join(', ')}, or an object with encode() and decode()`,
      codec,
    )
  }
  return [new BytesCodec(), codec as Codec<unknown>]
}
