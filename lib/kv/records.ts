// What a store keeps of each entry, by its number: the place of its object, and its neighbours in the list
// that it is in. They lie in typed arrays of fixed length, a row of which grows: nothing is ever copied, so
// that no call takes long, however many entries there are.

import { EmucxlError } from '../memory/errors.js'

const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1
/** Words of a record: the neighbours, and the place. */
const WORDS = 3
const PLACE = 2
/** Entries that a store can have. */
const MOST_ENTRIES = 2 ** 28
const NONE = -1
/** The place of what is no entry. */
export const NOWHERE = -1

export class Records {
  readonly #chunks: Int32Array[] = []
  /** Numbers that were given out so far; of those that are free the first one, linked by their `after`. */
  #count = 0
  #free = NONE

  /** Numbers from 0 up to this were given out so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the records. */
  get bytes(): number {
    return this.#chunks.length * (WORDS << (CHUNK_BITS + 2))
  }

  /** Makes sure that the next {@link allocate} succeeds. */
  reserve(): void {
    if (this.#free >= 0 || this.#count >> CHUNK_BITS < this.#chunks.length) return
    if (this.#count >= MOST_ENTRIES) {
      throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', `a store has at most ${MOST_ENTRIES} entries`)
    }
    this.#chunks.push(new Int32Array(WORDS << CHUNK_BITS))
  }

  /** A number that has no place yet. */
  allocate(): number {
    this.reserve()
    const free = this.#free
    if (free < 0) {
      this.setPlace(this.#count, NOWHERE)
      return this.#count++
    }
    this.#free = this.after(free)
    return free
  }

  release(entry: number): void {
    this.setPlace(entry, NOWHERE)
    this.setAfter(entry, this.#free)
    this.#free = entry
  }

  before(entry: number): number {
    return this.#chunk(entry)[WORDS * (entry & IN_CHUNK)] as number
  }

  setBefore(entry: number, before: number): void {
    this.#chunk(entry)[WORDS * (entry & IN_CHUNK)] = before
  }

  after(entry: number): number {
    return this.#chunk(entry)[WORDS * (entry & IN_CHUNK) + 1] as number
  }

  setAfter(entry: number, after: number): void {
    this.#chunk(entry)[WORDS * (entry & IN_CHUNK) + 1] = after
  }

  /** Where the object of an entry is: see Heap. */
  place(entry: number): number {
    return this.#chunk(entry)[WORDS * (entry & IN_CHUNK) + PLACE] as number
  }

  setPlace(entry: number, place: number): void {
    this.#chunk(entry)[WORDS * (entry & IN_CHUNK) + PLACE] = place
  }

  #chunk(entry: number): Int32Array {
    return this.#chunks[entry >> CHUNK_BITS] as Int32Array
  }
}
