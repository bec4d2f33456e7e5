// The keys of a store. A key is a string or bytes, and never both: it is stored as bytes with the kind that
// it has. Strings take a byte a character where all are Latin-1, else two (UTF-16): nothing is lost, lone
// surrogates neither, and no two strings are the same bytes of the same kind.

import { randomFillSync } from 'node:crypto'
import { outOfRange } from '../memory/arguments.js'
import { bytesOf } from './bytes.js'
import type { Key } from './key.js'

/** Bytes that a key can have as it is stored. */
const LONGEST_KEY = 0xffff

const BYTES = 0
const LATIN1 = 1
const UTF16 = 2

const WORD = 4

/** Bytes of the words that a key takes: it is compared, and hashed, by words. */
export function roomOfKey(length: number): number {
  return (length + WORD - 1) & -WORD
}

const seed = randomFillSync(new Int32Array(2))
const K0 = seed[0] as number
const K1 = seed[1] as number

/**
 * HalfSipHash-1-3 with a key of this process: nobody who does not know that can make keys that all have
 * the same hash. Source: Aumasson, Bernstein: SipHash, a fast short-input PRF (2012), and its reference
 * implementation. `words` has zeros behind the last byte, up to the next word; the kind is part of what is
 * hashed.
 */
export function hashOf(words: Int32Array, length: number, kind: number): number {
  let v0 = K0
  let v1 = K1 ^ kind
  let v2 = K0 ^ 0x6c796765
  let v3 = K1 ^ 0x74656462
  const whole = length >> 2
  // The last word has the length, too, and is followed by three rounds more.
  for (let i = 0; i < whole + 4; i++) {
    let word = 0
    if (i < whole) word = words[i] as number
    else if (i === whole) word = (length & 3 ? (words[i] as number) : 0) | (length << 24)
    v3 ^= word
    if (i === whole + 1) v2 ^= 0xff
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}

/** The key of the call that is under way, as it is stored. */
export class KeyAtHand {
  kind = BYTES
  /** Bytes. */
  length = 0
  hash = 0
  /** The bytes, with zeros up to the next word. */
  readonly words = new Int32Array(roomOfKey(LONGEST_KEY + 1) / WORD)
  readonly bytes: Buffer

  constructor() {
    this.bytes = Buffer.from(this.words.buffer)
  }

  /** Takes a key from the user. */
  take(key: unknown): void {
    if (typeof key === 'string') this.#takeString(key)
    else this.#takeBytes(bytesOf(key, 'key', 'a string or a Uint8Array'))
    this.hash = hashOf(this.words, this.length, this.kind)
  }

  #takeString(key: string): void {
    const { length } = key
    if (length > LONGEST_KEY) this.#refuse(length)
    const { words } = this
    const whole = length & -WORD
    let all = 0
    let i = 0
    for (; i < whole; i += WORD) {
      const first = key.charCodeAt(i)
      const second = key.charCodeAt(i + 1)
      const third = key.charCodeAt(i + 2)
      const fourth = key.charCodeAt(i + 3)
      all |= first | second | third | fourth
      words[i >> 2] = first | (second << 8) | (third << 16) | (fourth << 24)
    }
    let last = 0
    for (; i < length; i++) {
      const code = key.charCodeAt(i)
      all |= code
      last |= code << ((i & 3) << 3)
    }
    if (all > 0xff) {
      this.#takeWide(key)
      return
    }
    words[length >> 2] = last
    this.kind = LATIN1
    this.length = length
  }

  #takeWide(key: string): void {
    const length = 2 * key.length
    if (length > LONGEST_KEY) this.#refuse(length)
    this.words[length >> 2] = 0
    this.bytes.write(key, 0, 'utf16le')
    this.kind = UTF16
    this.length = length
  }

  #takeBytes(key: Uint8Array): void {
    const { length } = key
    if (length > LONGEST_KEY) this.#refuse(length)
    this.words[length >> 2] = 0
    this.bytes.set(key)
    this.kind = BYTES
    this.length = length
  }

  #refuse(length: number): never {
    throw outOfRange(
      'key',
      `of at most ${LONGEST_KEY} bytes (two a character beyond Latin-1)`,
      length,
    )
  }
}

/** A key, out of the bytes of an object. */
export function keyIn(bytes: Buffer, at: number, length: number, kind: number): Key {
  if (kind === LATIN1) return bytes.toString('latin1', at, at + length)
  if (kind === UTF16) return bytes.toString('utf16le', at, at + length)
  return Buffer.from(bytes.subarray(at, at + length))
}
