// The entries of a store: finds them by their keys, and knows how key and value lie in an object.
//
// An object begins with a word: whether the lengths follow in two words more, the kind of the key, whether
// the value is ASCII, and the lengths where they are small. Key and value come after it.

import type { Emucxl } from '../memory/emucxl.js'
import { HashIndex, type Matcher } from './hash-index.js'
import { Heap } from './heap.js'
import type { Key } from './key.js'
import { hashOf, KeyAtHand, keyIn, roomOfKey } from './keys.js'
import type { Tier } from './policy.js'
import { NOWHERE, Records } from './records.js'

const WORD = 4
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
  /** The key of the call that is under way. */
  readonly key = new KeyAtHand()
  readonly #index = new HashIndex()
  /** For keys that are read out of objects. */
  readonly #other = new KeyAtHand()
  /** For {@link exchange}. */
  #scratch = Buffer.alloc(0)

  // Of the object that was looked for last, besides what the heap tells:
  #kind = 0
  #keyLength = 0
  #keyAt = 0
  valueLength = 0
  /** Where the value begins in the buffer of the heap. */
  valueAt = 0
  ascii = false

  constructor(cxl: Emucxl, nodes: Record<Tier, number>, bytes: Record<Tier, number>) {
    this.heap = new Heap(cxl, nodes, bytes)
  }

  /** Bytes of an object for the key at hand, with a value. */
  sizeFor(valueLength: number): number {
    const { length } = this.key
    const header = length < LONG_KEY && valueLength < LONG_VALUE ? WORD : 3 * WORD
    return header + Math.max(length + valueLength, roomOfKey(length))
  }

  /** The entry with the key at hand; -1 for none. It is read then. */
  find(): number {
    return this.#index.find(this.key.hash, this)
  }

  matches(entry: number): boolean {
    this.read(entry)
    const { key } = this
    if (this.#keyLength !== key.length || this.#kind !== key.kind) return false
    const { view } = this.heap
    const at = this.#keyAt
    const { length, words } = key
    const whole = length & -WORD
    for (let i = 0; i < whole; i += WORD) {
      if (view.getInt32(at + i, true) !== words[i >> 2]) return false
    }
    if (whole === length) return true
    const differences = view.getInt32(at + whole, true) ^ (words[whole >> 2] as number)
    return differences << ((WORD - (length & 3)) << 3) === 0
  }

  /** Finds the object of an entry, and takes its beginning apart. */
  read(entry: number): void {
    const { heap } = this
    heap.find(this.records.place(entry))
    const { view, at } = heap
    const word = view.getInt32(at, true)
    this.#kind = (word >>> KIND_SHIFT) & 3
    this.ascii = (word & ASCII) !== 0
    if (word >= 0) {
      this.#keyLength = (word >>> KEY_SHIFT) & (LONG_KEY - 1)
      this.valueLength = word & (LONG_VALUE - 1)
      this.#keyAt = at + WORD
    } else {
      this.#keyLength = view.getInt32(at + WORD, true)
      this.valueLength = view.getInt32(at + 2 * WORD, true)
      this.#keyAt = at + 3 * WORD
    }
    this.valueAt = this.#keyAt + this.#keyLength
  }

  /** Bytes of the object that was read last, of which the user asked for. */
  get size(): number {
    const header = this.#keyAt - this.heap.at
    return header + Math.max(this.#keyLength + this.valueLength, roomOfKey(this.#keyLength))
  }

  /** The key of the object that was read last. */
  get storedKey(): Key {
    return keyIn(this.heap.buffer, this.#keyAt, this.#keyLength, this.#kind)
  }

  /** The hash of an entry's key. The entry is read then. */
  hash(entry: number): number {
    this.read(entry)
    const { words, bytes } = this.#other
    words[this.#keyLength >> 2] = 0
    this.heap.buffer.copy(bytes, 0, this.#keyAt, this.#keyAt + this.#keyLength)
    return hashOf(words, this.#keyLength, this.#kind)
  }

  /** Writes the key at hand and a value into an object. */
  write(place: number, value: Uint8Array, ascii: boolean): void {
    const { heap, key } = this
    heap.find(place)
    const { view, at, buffer } = heap
    const kinds = (key.kind << KIND_SHIFT) | (ascii ? ASCII : 0)
    let keyAt = at + WORD
    if (key.length < LONG_KEY && value.length < LONG_VALUE) {
      view.setInt32(at, kinds | (key.length << KEY_SHIFT) | value.length, true)
    } else {
      view.setInt32(at, kinds | LONG, true)
      view.setInt32(at + WORD, key.length, true)
      view.setInt32(at + 2 * WORD, value.length, true)
      keyAt = at + 3 * WORD
    }
    key.bytes.copy(buffer, keyAt, 0, key.length)
    buffer.set(value, keyAt + key.length)
  }

  /** Makes sure that {@link add} succeeds. */
  reserve(): void {
    this.records.reserve()
    this.#index.reserve(this.key.hash)
  }

  /** A new entry with the key at hand, whose object is written. */
  add(place: number): number {
    const entry = this.records.allocate()
    this.records.setPlace(entry, place)
    this.#index.add(this.key.hash, entry)
    return entry
  }

  /** Gives the object of an entry back, too. */
  remove(entry: number): void {
    this.#index.remove(this.hash(entry), entry)
    this.heap.free(this.records.place(entry))
    this.records.release(entry)
  }

  /** An entry has another object from now on; the old one is given back. */
  replace(entry: number, place: number): void {
    const old = this.records.place(entry)
    this.records.setPlace(entry, place)
    this.heap.free(old)
  }

  /** Copies the object of an entry, which was read last, into another one. */
  copyTo(place: number): void {
    const { heap, size } = this
    const { buffer, at } = heap
    heap.find(place)
    buffer.copy(heap.buffer, heap.at, at, at + size)
  }

  /** Two entries, whose objects have room for the same, change places. */
  exchange(first: number, second: number): void {
    const { heap, records } = this
    const places = [records.place(first), records.place(second)] as const
    heap.find(places[0])
    const { buffer, at } = heap
    const room = heap.roomOf(places[0])
    if (this.#scratch.length < room) this.#scratch = Buffer.alloc(room)
    buffer.copy(this.#scratch, 0, at, at + room)
    heap.find(places[1])
    heap.buffer.copy(buffer, at, heap.at, heap.at + room)
    this.#scratch.copy(heap.buffer, heap.at, 0, room)
    records.setPlace(first, places[1])
    records.setPlace(second, places[0])
  }

  tierOf(entry: number): Tier {
    return this.heap.tierOf(this.records.place(entry))
  }

  /** The entries that there are, as long as there are such. */
  *entries(): Generator<number, void, void> {
    for (let entry = 0; entry < this.records.count; entry++) {
      if (this.records.place(entry) !== NOWHERE) yield entry
    }
  }

  /** Bytes of index and records. */
  get bytes(): number {
    return this.#index.bytes + this.records.bytes
  }
}
