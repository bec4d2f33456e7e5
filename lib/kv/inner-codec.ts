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

/** Refuses values of more bytes than a store takes. */
export function checkLength(bytes: number, most: number): void {
  if (bytes > most) throw outOfRange('value', `at most ${most} bytes: see maxValueBytes`, bytes)
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
  readonly #mostBytes: number
  ascii = false

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  encode(value: unknown): Uint8Array {
    if (typeof value !== 'string') throw wrongType('value', 'a string', value)
    checkLength(value.length, this.#mostBytes) // no code unit takes less than a byte
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

/** What the engine says of a cycle, and of a bigint. */
const NO_JSON = /^(?:Converting circular structure to JSON|Do not know how to serialize a BigInt)/

/** A value as JSON. What its toJSON and its getters throw passes as it is. */
function jsonOf(value: unknown): string {
  let text: unknown
  try {
    text = JSON.stringify(value)
  } catch (error) {
    const why = error instanceof TypeError ? NO_JSON.exec(error.message)?.[0] : undefined
    if (why === undefined) throw error
    throw wrongType('value', `what JSON can hold (${why})`, value, error)
  }
  if (typeof text !== 'string') throw wrongType('value', 'what JSON can hold', value)
  return text
}

class JsonCodec implements InnerCodec<unknown> {
  readonly #text: Utf8Codec

  constructor(mostBytes: number) {
    this.#text = new Utf8Codec(mostBytes)
  }

  get ascii(): boolean {
    return this.#text.ascii
  }

  encode(value: unknown): Uint8Array {
    return this.#text.encode(jsonOf(value))
  }

  decode(memory: Memory, from: number, to: number, ascii: boolean): unknown {
    return JSON.parse(this.#text.decode(memory, from, to, ascii))
  }
}

const NAMED = { bytes: BytesCodec, utf8: Utf8Codec, json: JsonCodec }

/**
 * The codec that a user asked for: what reads and writes memory, and, around it, the user's own. Text of more
 * than `mostBytes` is refused before it is encoded, if its length says so.
 */
export function codecOf(
  codec: unknown,
  mostBytes: number,
): [InnerCodec<unknown>, own: Codec<unknown> | undefined] {
  if (codec === 'msgpackr') return [new BytesCodec(), msgpackrCodec()]
  if (typeof codec === 'string' && Object.hasOwn(NAMED, codec)) {
    return [new NAMED[codec as keyof typeof NAMED](mostBytes), undefined]
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
