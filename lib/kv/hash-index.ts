// From the hash of a key to the number of its entry: extendible hashing. The upper bits of the hash lead
// through a directory to a segment, a small table with linear probing. One that gets too full is split in
// two, and then half of its entries move: no call ever rehashes the whole index.
// Source: Fagin et al.: Extendible hashing, a fast access method for dynamic files (TODS 1979).
//
// Segments differ in size, evenly on a logarithmic scale: of equal ones all would be split at about the same
// time, which would be slow then, and leave the index half empty for long. Before a segment is split it is
// enlarged once, to the square root of two: it is never emptier than by that.

/** Slots of the smallest segment that is new; the largest has almost twice as many. */
const FEWEST_SLOTS = 724
/** The part of a segment's slots that may be taken, and that is when it is new. */
const FULL = 0.85
const FULLEST = 0.75
const EMPTIEST = 0.5
/** Bits of the hash that the directory can use: the others tell the slot. */
const MOST_DEPTH = 16
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2

/** Whether an entry has the key that is looked for. */
export interface Matcher {
  matches(entry: number): boolean
}

/** The slot, of so many in a segment, at which the search for a hash begins. */
function homeOf(hash: number, count: number): number {
  return Math.imul(hash & 0xffff, count) >>> 16
}

function place(slots: Int32Array, hash: number, entry: number): void {
  const count = slots.length >> 1
  let slot = homeOf(hash, count)
  while (slots[2 * slot + 1] !== 0) if (++slot === count) slot = 0
  slots[2 * slot] = hash
  slots[2 * slot + 1] = entry + 1
}

interface Segment {
  /** In pairs: a hash, and the number of its entry and 1, or 0 where the slot is free. */
  slots: Int32Array
  /** Slots that are taken. */
  taken: number
  /** Bits of the hash that its entries have in common. */
  depth: number
  /** Whether it was enlarged. */
  isLarge: boolean
}

export class HashIndex {
  /** By the upper bits of the hash: one bit at least, for a number cannot be shifted by 32. */
  #directory: Segment[]
  #shift = 31
  /** Segments that were made so far, and slots that there are. */
  #made = 0
  #slots = 0

  constructor() {
    const slots = new Int32Array(2 * Math.ceil(this.#nextSize()))
    const segment = { slots, taken: 0, depth: 0, isLarge: false }
    this.#directory = [segment, segment]
    this.#slots = slots.length
  }

  /** The entry that has a hash and matches; -1 where there is none. */
  find(hash: number, matcher: Matcher): number {
    const { slots } = this.#segmentOf(hash)
    const count = slots.length >> 1
    let slot = homeOf(hash, count)
    for (;;) {
      const entry = (slots[2 * slot + 1] as number) - 1
      if (entry < 0) return -1
      if (slots[2 * slot] === hash && matcher.matches(entry)) return entry
      if (++slot === count) slot = 0
    }
  }

  /** The entries that have a hash. */
  *withHash(hash: number): Generator<number, void, void> {
    const { slots } = this.#segmentOf(hash)
    const count = slots.length >> 1
    for (let slot = homeOf(hash, count); slots[2 * slot + 1] !== 0; slot = (slot + 1) % count) {
      if (slots[2 * slot] === hash) yield (slots[2 * slot + 1] as number) - 1
    }
  }

  /** Makes sure that the next {@link add} of this hash succeeds. */
  reserve(hash: number): void {
    for (;;) {
      const segment = this.#segmentOf(hash)
      if (segment.taken + 1 <= (segment.slots.length >> 1) * FULL) return
      if (segment.isLarge && segment.depth < MOST_DEPTH) this.#split(segment, hash)
      else this.#enlarge(segment)
    }
  }

  /** Adds an entry that is not there yet. {@link reserve} comes before. */
  add(hash: number, entry: number): void {
    const segment = this.#segmentOf(hash)
    place(segment.slots, hash, entry)
    segment.taken++
  }

  /** Removes an entry that is there. */
  remove(hash: number, entry: number): void {
    const segment = this.#segmentOf(hash)
    const { slots } = segment
    const count = slots.length >> 1
    const behind = (slot: number) => (slot + 1 === count ? 0 : slot + 1)
    const distance = (from: number, to: number) => (to >= from ? to - from : to - from + count)
    let free = homeOf(hash, count)
    while (slots[2 * free + 1] !== entry + 1) free = behind(free)
    // Those behind it move up, if that does not bring them before the place where their search begins.
    for (let slot = behind(free); slots[2 * slot + 1] !== 0; slot = behind(slot)) {
      const home = homeOf(slots[2 * slot] as number, count)
      if (distance(home, slot) < distance(free, slot)) continue
      slots[2 * free] = slots[2 * slot] as number
      slots[2 * free + 1] = slots[2 * slot + 1] as number
      free = slot
    }
    slots[2 * free + 1] = 0
    segment.taken--
  }

  /** Bytes of the index. */
  get bytes(): number {
    return (this.#slots << 2) + 8 * this.#directory.length
  }

  #segmentOf(hash: number): Segment {
    return this.#directory[hash >>> this.#shift] as Segment
  }

  /** Splits the segment of a hash in two. */
  #split(old: Segment, hash: number): void {
    const { slots } = old
    const depth = old.depth + 1
    const isUpper = (slot: number) => ((slots[slot] as number) >>> (32 - depth)) & 1
    let upper = 0
    for (let slot = 0; slot < slots.length; slot += 2) {
      if (slots[slot + 1] !== 0) upper += isUpper(slot)
    }
    const halves = [this.#half(depth, old.taken - upper), this.#half(depth, upper)] as const
    for (let slot = 0; slot < slots.length; slot += 2) {
      const entry = (slots[slot + 1] as number) - 1
      if (entry < 0) continue
      place(halves[isUpper(slot) as 0 | 1].slots, slots[slot] as number, entry)
    }
    if (depth > 32 - this.#shift) this.#doubleDirectory()
    // Of the places in the directory that led to the segment the upper half leads to the second one.
    const places = 1 << (32 - this.#shift - depth)
    const first = ((hash >>> this.#shift) & (-2 * places)) >>> 0
    this.#directory.fill(halves[0], first, first + places)
    this.#directory.fill(halves[1], first + places, first + 2 * places)
    this.#slots += halves[0].slots.length + halves[1].slots.length - slots.length
  }

  /** A segment for so many entries. */
  #half(depth: number, taken: number): Segment {
    const wanted = this.#nextSize()
    const count = Math.ceil(Math.min(Math.max(wanted, taken / FULLEST), taken / EMPTIEST)) + 1
    return { slots: new Int32Array(2 * count), taken, depth, isLarge: false }
  }

  /** Slots of the next segment, if it is to have the size of the others. */
  #nextSize(): number {
    return FEWEST_SLOTS * 2 ** ((this.#made++ * GOLDEN_RATIO) % 1)
  }

  #doubleDirectory(): void {
    this.#directory = this.#directory.flatMap((segment) => [segment, segment])
    this.#shift--
  }

  #enlarge(segment: Segment): void {
    const { slots } = segment
    const larger = new Int32Array(2 * Math.ceil((slots.length / 2) * Math.SQRT2))
    for (let slot = 0; slot < slots.length; slot += 2) {
      const entry = (slots[slot + 1] as number) - 1
      if (entry >= 0) place(larger, slots[slot] as number, entry)
    }
    segment.slots = larger
    segment.isLarge = true
    this.#slots += larger.length - slots.length
  }
}
