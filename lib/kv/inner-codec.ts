// What turns values into bytes and back inside a store: it reads and writes memory.

import { wrongType } from '../memory/arguments.js'
import { bytesOf } from './bytes.js'
import type { Codec } from './codec.js'
import { Copies } from './copies.js'
import type { Memory } from './memory.js'
import { msgpackrCodec } from './msgpackr.js'

/** A codec as a store uses it: it reads values where they are, and runs no code of the user's on the way. */
export interface InnerCodec<V> {
  /** A value of the user's as a text or as bytes. */
  encode(value: unknown): string | Uint8Array
  decode(memory: Memory, from: number, to: number, ascii: boolean): V
}

class BytesCodec implements InnerCodec<Uint8Array> {
  readonly #copies = new Copies()

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

function textOf({ bytes }: Memory, from: number, to: number, ascii: boolean): string {
  const slices = bytes as unknown as Slices
  return ascii ? slices.latin1Slice(from, to) : slices.utf8Slice(from, to)
}

class Utf8Codec implements InnerCodec<string> {
  readonly decode = textOf

  encode(value: unknown): string {
    if (typeof value !== 'string') throw wrongType('value', 'a string', value)
    return value
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
  encode(value: unknown): string {
    return jsonOf(value)
  }

  decode(memory: Memory, from: number, to: number, ascii: boolean): unknown {
    return JSON.parse(textOf(memory, from, to, ascii))
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
