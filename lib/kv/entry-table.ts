// The entries of a store: finds them by their keys, and knows how key and value lie in an object.
//
// An object begins with a word: whether the lengths follow in two words more, the kind of the key, whether
// the value is ASCII, and the lengths where they are small. Key and value come after it, one right behind
// the other.

import type { Emucxl } from '../memory/emucxl.js'
import { HashIndex, type Matcher } from './hash-index.js'
import { Heap, NOWHERE } from './heap.js'
import type { Key } from './key.js'
import { hashOf, KeyAtHand, keyIn, roomOfKey } from './keys.js'
import { refuseLost } from './memory.js'
import type { Place } from './place.js'
import type { Tier } from './policy.js'
import { Records } from './records.js'
import { ValueAtHand } from './value-at-hand.js'

const WORD = 4
/** Bytes of short and long headers. */
const SHORT_HEADER = WORD
const LONG_HEADER = 3 * WORD
const LONG = 1 << 31
const KIND_SHIFT = 29
const ASCII = 1 << 28
const KEY_SHIFT = 20
/** Lengths from here on do not fit into the word. */
const LONG_KEY = 1 << 8
const LONG_VALUE = 1 << 20

export class EntryTable implements Matcher {
  readonly records = new Records()
  readonly heap: Heap
  /** The key and the value of the call that is under way. */
  readonly key = new KeyAtHand()
  readonly value = new ValueAtHand()
  #index = new HashIndex()
  /** For keys that are read out of objects. */
  readonly #other = new KeyAtHand()
  /** An object that is nobody's yet while others are asked for: they may move it. */
  reserved = NOWHERE
  /** For {@link exchange}. */
  #scratch = Buffer.alloc(0)

  // Of the object that was looked for last, besides what the heap tells:
  #kind = 0
  #keyLength = 0
  /** Where key and value begin in the memory, in bytes. */
  #keyAt = 0
  valueAt = 0
  valueLength = 0
  ascii = false

  constructor(cxl: Emucxl, nodes: Record<Tier, number>, bytes: Record<Tier, number>) {
    this.heap = new Heap(cxl, nodes, bytes)
  }

  /** Takes the value that comes behind the key at hand. */
  takeValue(value: string | Uint8Array): void {
    this.value.take(value, this.key.length)
  }

  /** Bytes of an object for the key and the value at hand. */
  get sizeAtHand(): number {
    const { length } = this.key
    const isShort = length < LONG_KEY && this.value.length < LONG_VALUE
    const header = isShort ? SHORT_HEADER : LONG_HEADER
    return header + Math.max(length + this.value.length, roomOfKey(length))
  }

  /** The entry with the key at hand; -1 for none. It is read then. */
  find(): number {
    return this.#index.find(this.key.hash, this)
  }

  matches(entry: number): boolean {
    this.read(entry)
    const { length, kind, words } = this.key
    if (this.#keyLength !== length || this.#kind !== kind) return false
    const stored = this.heap.memory.words
    const at = this.#keyAt >> 2
    const whole = length >> 2
    for (let i = 0; i < whole; i++) if (stored[at + i] !== words[i]) return false
    const rest = length & (WORD - 1)
    if (rest === 0) return true
    const differences = (stored[at + whole] as number) ^ (words[whole] as number)
    return differences << ((WORD - rest) << 3) === 0
  }

  /** Finds the object of an entry, and takes its beginning apart. */
  read(entry: number): void {
    const { heap, records } = this
    heap.findIn(records.memory(entry), records.at(entry))
    this.#readHeader()
  }

  #readHeader(): void {
    const { at, memory } = this.heap
    const { words } = memory
    const word = words[at]
    if (word === undefined) refuseLost()
    this.#kind = (word >>> KIND_SHIFT) & 3
    this.ascii = (word & ASCII) !== 0
    if (word >= 0) {
      this.#keyLength = (word >>> KEY_SHIFT) & (LONG_KEY - 1)
      this.valueLength = word & (LONG_VALUE - 1)
      this.#keyAt = WORD * at + SHORT_HEADER
    } else {
      this.#keyLength = words[at + 1] as number
      this.valueLength = words[at + 2] as number
      this.#keyAt = WORD * at + LONG_HEADER
    }
    this.valueAt = this.#keyAt + this.#keyLength
  }

  /** Bytes of the object that was read last, of which the user asked for. */
  get size(): number {
    const header = this.#keyAt - WORD * this.heap.at
    return header + Math.max(this.#keyLength + this.valueLength, roomOfKey(this.#keyLength))
  }

  /** The key of the object that was read last. */
  get storedKey(): Key {
    return keyIn(this.heap.memory.bytes, this.#keyAt, this.#keyLength, this.#kind)
  }

  /** The hash of an entry's key. The entry is read then. */
  hash(entry: number): number {
    this.read(entry)
    return this.#hashOfKey()
  }

  /** That of the object that was read last. */
  #hashOfKey(): number {
    const { words, bytes } = this.#other
    words[this.#keyLength >> 2] = 0
    this.heap.memory.bytes.copy(bytes, 0, this.#keyAt, this.#keyAt + this.#keyLength)
    return hashOf(words, this.#keyLength, this.#kind)
  }

  /** An object in a tier; undefined where its node has no memory, even if other objects move together. */
  alloc(tier: Tier, size: number): Place | undefined {
    for (;;) {
      const place = this.heap.alloc(tier, size)
      if (place !== NOWHERE) return place
      if (!this.heap.compact(tier, this.#moved)) return undefined
    }
  }

  /** An object has moved: an entry's, or the one that is reserved, in which nothing is written. */
  readonly #moved = (from: Place, to: Place) => {
    const { records } = this
    if (from === this.reserved) {
      this.reserved = to
      return
    }
    this.heap.find(from)
    this.#readHeader()
    for (const entry of this.#index.withHash(this.#hashOfKey())) {
      if (records.place(entry) === from) records.setPlace(entry, to)
    }
  }

  /** Writes the key and the value at hand into an object. */
  write(place: Place): void {
    const { heap, key, value } = this
    heap.find(place)
    const { at, memory } = heap
    const { words } = memory
    const { length } = key
    const kinds = (key.kind << KIND_SHIFT) | (value.ascii ? ASCII : 0)
    let keyAt = at + SHORT_HEADER / WORD
    if (length < LONG_KEY && value.length < LONG_VALUE) {
      words[at] = kinds | (length << KEY_SHIFT) | value.length
    } else {
      words[at] = kinds | LONG
      words[at + 1] = length
      words[at + 2] = value.length
      keyAt = at + LONG_HEADER / WORD
    }
    const count = roomOfKey(length) / WORD
    for (let i = 0; i < count; i++) words[keyAt + i] = key.words[i] as number
    value.write(memory, WORD * keyAt + length)
  }

  /** Makes sure that {@link add} succeeds. */
  reserve(): void {
    this.records.reserve()
    this.#index.reserve(this.key.hash)
  }

  /** A new entry with the key at hand, whose object is written. */
  add(place: Place): number {
    const entry = this.records.allocate()
    this.records.setPlace(entry, place)
    this.#index.add(this.key.hash, entry)
    return entry
  }

  /** Removes an entry with the hash of its key, and gives its object back. */
  remove(entry: number, hash: number): void {
    this.#index.remove(hash, entry)
    this.heap.free(this.records.place(entry))
    this.records.release(entry)
  }

  /** Removes all entries, and gives all memory back. */
  clear(): void {
    this.#index = new HashIndex()
    this.#scratch = Buffer.alloc(0)
    this.records.clear()
    this.heap.clear()
  }

  /** An entry has another object from now on; the old one is given back. */
  replace(entry: number, place: Place): void {
    const old = this.records.place(entry)
    this.records.setPlace(entry, place)
    this.heap.free(old)
  }

  /** Copies the object of an entry, which was read last, into another one. */
  copyTo(place: Place): void {
    const { heap, size } = this
    const from = heap.memory.bytes
    const start = WORD * heap.at
    heap.find(place)
    from.copy(heap.memory.bytes, WORD * heap.at, start, start + size)
  }

  /** Two entries, whose objects have room for the same, change places. */
  exchange(first: number, second: number): void {
    const { heap, records } = this
    const places = [records.place(first), records.place(second)] as const
    const room = heap.roomOf(places[0])
    if (this.#scratch.length < room) this.#scratch = Buffer.alloc(room)
    heap.find(places[0])
    const { bytes } = heap.memory
    const at = WORD * heap.at
    heap.find(places[1])
    const other = heap.memory.bytes
    const otherAt = WORD * heap.at
    bytes.copy(this.#scratch, 0, at, at + room)
    other.copy(bytes, at, otherAt, otherAt + room)
    this.#scratch.copy(other, otherAt, 0, room)
    records.setPlace(first, places[1])
    records.setPlace(second, places[0])
  }

  tierOf(entry: number): Tier {
    return this.heap.tierOf(this.records.memory(entry))
  }

  /** The entries that there are, as long as there are such. */
  *entries(): Generator<number, void, void> {
    for (let entry = 0; entry < this.records.count; entry++) {
      if (this.records.has(entry)) yield entry
    }
  }

  /** Bytes of the bookkeeping. */
  get bytes(): number {
    return this.#index.bytes + this.records.bytes + this.heap.bytes
  }
}
