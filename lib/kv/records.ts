// What a store keeps of each entry, by its number: where its object is, and its neighbours in the list that
// it is in. They lie in typed arrays of fixed length, a row of which grows: nothing is ever copied, so
// that no call takes long, however many entries there are.

import { EmucxlError } from '../memory/errors.js'
import { memoryOf, type Place, placeOf, wordOf } from './place.js'

const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1
/** Words of a record as a power of two: the neighbours, the number of the object's memory, and its place there. */
const SHIFT = 2
const AFTER = 1
const MEMORY = 2
const AT = 3
/** Entries that a store can have. */
const MOST_ENTRIES = 2 ** 28
const NONE = -1
/** The memory of what is no entry. */
const NOWHERE = -1

export class Records {
  readonly #chunks: Int32Array[] = []
  /** Numbers that were given out so far; of those that are free the first one, linked by their `after`. */
  #count = 0
  #free = NONE
  /** Numbers that stand for the ends of lists. */
  readonly #ends = new Set<number>()

  /** Numbers from 0 up to this were given out so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes of the records. */
  get bytes(): number {
    return this.#chunks.length * (4 << (CHUNK_BITS + SHIFT))
  }

  /** Makes sure that the next {@link allocate} succeeds. */
  reserve(): void {
    if (this.#free >= 0 || this.#count >> CHUNK_BITS < this.#chunks.length) return
    if (this.#count >= MOST_ENTRIES) {
      throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', `a store has at most ${MOST_ENTRIES} entries`)
    }
    this.#chunks.push(new Int32Array(1 << (CHUNK_BITS + SHIFT)))
  }

  /** A number whose object is nowhere yet. */
  allocate(): number {
    this.reserve()
    const free = this.#free
    if (free < 0) {
      this.#chunk(this.#count)[((this.#count & IN_CHUNK) << SHIFT) + MEMORY] = NOWHERE
      return this.#count++
    }
    this.#free = this.after(free)
    return free
  }

  release(entry: number): void {
    const chunk = this.#chunk(entry)
    const at = (entry & IN_CHUNK) << SHIFT
    chunk[at + MEMORY] = NOWHERE
    chunk[at + AFTER] = this.#free
    this.#free = entry
  }

  /** Frees all numbers but those of the ends of lists, and gives back what memory lies beyond these. */
  clear(): void {
    this.#count = 0
    for (const end of this.#ends) this.#count = Math.max(this.#count, end + 1)
    this.#chunks.length = Math.ceil(this.#count / (1 << CHUNK_BITS))
    this.#free = NONE
    for (let entry = this.#count - 1; entry >= 0; entry--) {
      if (!this.#ends.has(entry)) this.release(entry)
    }
  }

  before(entry: number): number {
    return this.#chunk(entry)[(entry & IN_CHUNK) << SHIFT] as number
  }

  after(entry: number): number {
    return this.#chunk(entry)[((entry & IN_CHUNK) << SHIFT) + AFTER] as number
  }

  /** Makes one follow the other. */
  link(before: number, after: number): void {
    this.#chunk(before)[((before & IN_CHUNK) << SHIFT) + AFTER] = after
    this.#chunk(after)[(after & IN_CHUNK) << SHIFT] = before
  }

  /** Takes an entry out from between its neighbours. */
  unlink(entry: number): void {
    const chunk = this.#chunk(entry)
    const at = (entry & IN_CHUNK) << SHIFT
    this.link(chunk[at] as number, chunk[at + AFTER] as number)
  }

  /** Puts an entry between two neighbours. */
  insert(entry: number, before: number, after: number): void {
    const chunk = this.#chunk(entry)
    const at = (entry & IN_CHUNK) << SHIFT
    chunk[at] = before
    chunk[at + AFTER] = after
    this.#chunk(before)[((before & IN_CHUNK) << SHIFT) + AFTER] = entry
    this.#chunk(after)[(after & IN_CHUNK) << SHIFT] = entry
  }

  /** The number of the memory that an entry's object is in: see Heap. */
  memory(entry: number): number {
    return this.#chunk(entry)[((entry & IN_CHUNK) << SHIFT) + MEMORY] as number
  }

  /** The word where it begins there. */
  at(entry: number): number {
    return this.#chunk(entry)[((entry & IN_CHUNK) << SHIFT) + AT] as number
  }

  /** Both. */
  place(entry: number): Place {
    return placeOf(this.memory(entry), this.at(entry))
  }

  setPlace(entry: number, place: Place): void {
    const chunk = this.#chunk(entry)
    const at = (entry & IN_CHUNK) << SHIFT
    chunk[at + MEMORY] = memoryOf(place)
    chunk[at + AT] = wordOf(place)
  }

  /** Whether a number stands for the ends of a list: it has no object, and is not free. */
  isEnd(entry: number): boolean {
    return this.#ends.has(entry)
  }

  /** A number for the ends of a list. */
  allocateEnd(): number {
    const end = this.allocate()
    this.#ends.add(end)
    return end
  }

  /** Whether a number is that of an entry with an object. */
  has(entry: number): boolean {
    return entry >= 0 && entry < this.#count && this.memory(entry) !== NOWHERE
  }

  #chunk(entry: number): Int32Array {
    return this.#chunks[entry >> CHUNK_BITS] as Int32Array
  }
}
