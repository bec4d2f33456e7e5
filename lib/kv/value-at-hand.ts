// The value of the put that is under way, as bytes: those of the user's, or of a text of theirs as UTF-8.

import { outOfRange } from '../memory/arguments.js'
import type { Memory } from './memory.js'

const WORD = 4
/** Up to here a loop is faster than a call. */
const FEW_WORDS = 64
/** Code units of a text for which there is memory, of which each takes three bytes at most. */
const FEW_UNITS = 4096
const TEXT_WORDS = (3 * FEW_UNITS) / WORD + 1

const LONE_SURROGATE = /\p{Surrogate}/u
const NOTHING = new Uint8Array(0)
const encoder = new TextEncoder()

export class ValueAtHand {
  /** Bytes. */
  length = 0
  /** Whether it is a text of which each character is a byte, which is decoded faster. */
  ascii = false
  /** The user's bytes, or those of a long text; undefined where there is a short one. */
  #bytes: Uint8Array | undefined = NOTHING
  /** A short text, behind as many bytes as the key has in its last word. */
  readonly #words = new Int32Array(TEXT_WORDS)
  #lead = 0
  /** The words' bytes from their first on, their second and so on. */
  readonly #from = Array.from({ length: WORD }, (_, lead) => {
    return new Uint8Array(this.#words.buffer, lead)
  })

  /** Takes a value that comes behind a key of so many bytes. */
  take(value: string | Uint8Array, keyLength: number): void {
    if (typeof value === 'string') {
      this.#takeText(value, keyLength & (WORD - 1))
    } else {
      this.#bytes = value
      this.length = value.length
      this.ascii = false
    }
  }

  #takeText(text: string, lead: number): void {
    const { length } = text
    if (length <= FEW_UNITS) {
      this.#bytes = undefined
      this.#lead = lead
      this.length = encoder.encodeInto(text, this.#from[lead] as Uint8Array).written
    } else {
      this.#bytes = Buffer.from(text)
      this.length = this.#bytes.length
    }
    this.ascii = this.length === length
    if (!this.ascii && LONE_SURROGATE.test(text)) {
      throw outOfRange('value', 'text without lone surrogates, which UTF-8 cannot hold', text)
    }
  }

  /** Writes the value into a memory whose bytes before it are kept. Up to three behind it are lost. */
  write({ words, bytes }: Memory, at: number): void {
    const own = this.#bytes
    const first = at >> 2
    const count = (this.#lead + this.length + WORD - 1) >> 2
    if (own !== undefined) {
      bytes.set(own, at)
    } else if (count > FEW_WORDS) {
      bytes.set((this.#from[this.#lead] as Uint8Array).subarray(0, this.length), at)
    } else if (count > 0) {
      const text = this.#words
      const kept = (1 << (8 * this.#lead)) - 1
      words[first] = ((words[first] as number) & kept) | ((text[0] as number) & ~kept)
      for (let i = 1; i < count; i++) words[first + i] = text[i] as number
    }
  }

  /** Lets go of what is the user's. */
  drop(): void {
    if (this.#bytes !== undefined) this.#bytes = NOTHING
  }
}
