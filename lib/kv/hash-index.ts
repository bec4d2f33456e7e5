// From the hash of a key to the number of its entry: extendible hashing. The upper bits of the hash lead
// through a directory to a segment, a small table with linear probing. One that gets too full is split in
// two, and then half of its entries move: no call ever rehashes the whole index.
// Source: Fagin et al.: Extendible hashing, a fast access method for dynamic files (TODS 1979).
//
// Segments differ in size, evenly on a logarithmic scale: of equal ones all would be split at about the same
// time, which would be slow then, and leave the index half empty for long.

/** Slots of the smallest segment; the largest has almost twice as many. */
const FEWEST_SLOTS = 724
/** Slots of a segment that may be taken. */
const FULL = 0.9
/** Bits of the hash that the directory can use: the others tell the slot. */
const MOST_DEPTH = 16
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/** Whether an entry has the key that is looked for. */
export interface Matcher {
  matches(entry: number): boolean
}

/** The slot of a segment at which the search for a hash begins. */
function homeOf(hash: number, slots: number): number {
  return ((hash & 0xffff) * slots) >>> 16
}

function place(segment: Int32Array, hash: number, entry: number): void {
  const slots = segment.length >> 1
  let slot = homeOf(hash, slots)
  while (segment[2 * slot + 1] !== 0) if (++slot === slots) slot = 0
  segment[2 * slot] = hash
  segment[2 * slot + 1] = entry + 1
}

export class HashIndex {
  /** By the upper bits of the hash. */
  #directory = new Int32Array(1)
  #depth = 0
  /** Slots in pairs: a hash, and the number of its entry and 1, or 0 where the slot is free. */
  readonly #segments: Int32Array[] = []
  /** By segment: slots that are taken, and the bits of the hash that its entries have in common. */
  readonly #taken: number[] = [0]
  readonly #depths: number[] = [0]
  #made = 0

  constructor() {
    this.#segments.push(this.#segment())
  }

  /** The entry that has a hash and matches; -1 where there is none. */
  find(hash: number, matcher: Matcher): number {
    const segment = this.#segments[this.#segmentOf(hash)] as Int32Array
    const slots = segment.length >> 1
    let slot = homeOf(hash, slots)
    for (;;) {
      const entry = (segment[2 * slot + 1] as number) - 1
      if (entry < 0) return -1
      if (segment[2 * slot] === hash && matcher.matches(entry)) return entry
      if (++slot === slots) slot = 0
    }
  }

  /** Makes sure that the next {@link add} of this hash succeeds. */
  reserve(hash: number): void {
    for (;;) {
      const number = this.#segmentOf(hash)
      const slots = (this.#segments[number] as Int32Array).length >> 1
      if ((this.#taken[number] as number) + 1 <= slots * FULL) return
      if ((this.#depths[number] as number) < MOST_DEPTH) this.#split(number)
      else this.#enlarge(number)
    }
  }

  /** Adds an entry that is not there yet. {@link reserve} comes before. */
  add(hash: number, entry: number): void {
    const number = this.#segmentOf(hash)
    place(this.#segments[number] as Int32Array, hash, entry)
    this.#taken[number] = (this.#taken[number] as number) + 1
  }

  /** Removes an entry that is there. */
  remove(hash: number, entry: number): void {
    const number = this.#segmentOf(hash)
    const segment = this.#segments[number] as Int32Array
    const slots = segment.length >> 1
    const behind = (slot: number) => (slot + 1 === slots ? 0 : slot + 1)
    const distance = (from: number, to: number) => (to >= from ? to - from : to - from + slots)
    let free = homeOf(hash, slots)
    while (segment[2 * free + 1] !== entry + 1) free = behind(free)
    // Those behind it move up, if that does not bring them before the place where their search begins.
    for (let slot = behind(free); segment[2 * slot + 1] !== 0; slot = behind(slot)) {
      const home = homeOf(segment[2 * slot] as number, slots)
      if (distance(home, slot) < distance(free, slot)) continue
      segment[2 * free] = segment[2 * slot] as number
      segment[2 * free + 1] = segment[2 * slot + 1] as number
      free = slot
    }
    segment[2 * free + 1] = 0
    this.#taken[number] = (this.#taken[number] as number) - 1
  }

  /** Bytes of the index. */
  get bytes(): number {
    const slots = this.#segments.reduce((sum, segment) => sum + segment.byteLength, 0)
    return slots + this.#directory.byteLength
  }

  #segmentOf(hash: number): number {
    // A shift by 32 would be one by 0.
    return this.#depth === 0 ? 0 : (this.#directory[hash >>> (32 - this.#depth)] as number)
  }

  #segment(): Int32Array {
    const size = 2 ** ((this.#made++ * GOLDEN_RATIO) % 1)
    return new Int32Array(2 * Math.floor(FEWEST_SLOTS * size))
  }

  #split(number: number): void {
    const depth = this.#depths[number] as number
    const old = this.#segments[number] as Int32Array
    const halves = [this.#segment(), this.#segment()] as const
    const taken: [number, number] = [0, 0]
    for (let slot = 0; slot < old.length; slot += 2) {
      const entry = (old[slot + 1] as number) - 1
      if (entry < 0) continue
      const hash = old[slot] as number
      const half = ((hash >>> (31 - depth)) & 1) as 0 | 1
      // One that has got nearly all of them may be too small.
      if (taken[half] + 1 === halves[half].length >> 1) {
        this.#enlarge(number)
        return
      }
      place(halves[half], hash, entry)
      taken[half]++
    }
    if (depth === this.#depth) this.#doubleDirectory()
    const fresh = this.#segments.length
    this.#segments[number] = halves[0]
    this.#segments.push(halves[1])
    this.#taken[number] = taken[0]
    this.#taken.push(taken[1])
    this.#depths[number] = depth + 1
    this.#depths.push(depth + 1)
    // Of the places in the directory that led to the segment the upper half leads to the fresh one.
    const places = 1 << (this.#depth - depth)
    const first = this.#directory.indexOf(number)
    this.#directory.fill(fresh, first + places / 2, first + places)
  }

  #doubleDirectory(): void {
    this.#directory = new Int32Array(2 * this.#directory.length).map(
      (_, i) => this.#directory[i >> 1] as number,
    )
    this.#depth++
  }

  /** A segment that cannot be split gets twice as large. */
  #enlarge(number: number): void {
    const old = this.#segments[number] as Int32Array
    const larger = new Int32Array(2 * old.length)
    for (let slot = 0; slot < old.length; slot += 2) {
      const entry = (old[slot + 1] as number) - 1
      if (entry >= 0) place(larger, old[slot] as number, entry)
    }
    this.#segments[number] = larger
  }
}
