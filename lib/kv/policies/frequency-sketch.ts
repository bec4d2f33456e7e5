// How often keys were read lately, roughly: a count-min sketch with conservative update, which forgets by
// halving its counters. No call takes long: the sketch is made of blocks, the counters of a key are all in
// one, and with each read at most one block is halved and one is added, however many there are.
// Sources: Einziger, Friedman, Manes: TinyLFU (ACM Transactions on Storage 2017), sections 3.2 and 3.3;
// Litwin: Linear hashing (VLDB 1980), for the growth.

/** Counters of a block, in rows. A key has one in every row. */
const BLOCK = 64
const ROWS = 4
/** Bits that tell the counter in a row. */
const ROW_BITS = 4
const IN_ROW = (1 << ROW_BITS) - 1
const MOST = 15
/** Counters for a key that there is room for, at least. */
const COUNTERS = 8
/** Reads from one halving of a block to the next, for each key: half of the paper's sample, as there. */
const PERIOD = 5
/** Reads from the halving of a block to that of the one after it. */
const STEP = (PERIOD * BLOCK) / COUNTERS

const FEWEST_BLOCKS = 4
/** Blocks lie in chunks, a row of which grows: nothing is ever copied as a whole. */
const CHUNK_BITS = 16
const IN_CHUNK = (1 << CHUNK_BITS) - 1

/** Reads by key, up to 15; never too few since the block of the key was halved last. */
export class FrequencySketch {
  readonly #chunks = [new Uint8Array(1 << CHUNK_BITS)]
  #blocks = FEWEST_BLOCKS
  #wanted = FEWEST_BLOCKS
  /** Bits of a hash that tell the block; keys of one that is not there yet are in the lower half. */
  #mask = FEWEST_BLOCKS - 1
  /** The block that is halved next, and reads since the last one was. */
  #hand = 0
  #reads = 0

  /** Makes room for so many keys that are read often: a block with each read from now on. */
  resize(keys: number): void {
    while (this.#wanted * BLOCK < COUNTERS * keys) this.#wanted *= 2
  }

  add(hash: number): void {
    if (this.#blocks < this.#wanted) this.#grow()
    const block = this.#blockOf(hash)
    const counters = this.#countersOf(block)
    const at = (block * BLOCK) & IN_CHUNK
    const inRows = mix(hash)
    const least = leastOf(counters, at, inRows)
    if (least === MOST) return
    for (let row = 0; row < ROWS; row++) {
      const counter = counterOf(at, inRows, row)
      if (counters[counter] === least) counters[counter] = least + 1
    }
    if (++this.#reads === STEP) this.#age()
  }

  get(hash: number): number {
    const block = this.#blockOf(hash)
    return leastOf(this.#countersOf(block), (block * BLOCK) & IN_CHUNK, mix(hash))
  }

  #blockOf(hash: number): number {
    const block = hash & this.#mask
    return block < this.#blocks ? block : block & (this.#mask >>> 1)
  }

  #countersOf(block: number): Uint8Array {
    return this.#chunks[(block * BLOCK) >>> CHUNK_BITS] as Uint8Array
  }

  /** One block more. Its keys were in another one, whose counts it takes over. */
  #grow(): void {
    const fresh = this.#blocks
    if (fresh > this.#mask) this.#mask = 2 * this.#mask + 1
    const old = fresh & (this.#mask >>> 1)
    if ((fresh * BLOCK) >>> CHUNK_BITS === this.#chunks.length) {
      this.#chunks.push(new Uint8Array(1 << CHUNK_BITS))
    }
    const at = (old * BLOCK) & IN_CHUNK
    const counts = this.#countersOf(old).subarray(at, at + BLOCK)
    this.#countersOf(fresh).set(counts, (fresh * BLOCK) & IN_CHUNK)
    this.#blocks++
  }

  /** Halves all counters of a block. */
  #age(): void {
    this.#reads = 0
    const counters = this.#countersOf(this.#hand)
    const at = (this.#hand * BLOCK) & IN_CHUNK
    for (let i = at; i < at + BLOCK; i++) counters[i] = (counters[i] as number) >> 1
    this.#hand = (this.#hand + 1) % this.#blocks
  }
}

/** Bits that tell the counters of a key in its block. */
function mix(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x9e3779b1)
  return mixed ^ (mixed >>> 16)
}

function counterOf(at: number, inRows: number, row: number): number {
  return at + (row << ROW_BITS) + ((inRows >>> (row * ROW_BITS)) & IN_ROW)
}

function leastOf(counters: Uint8Array, at: number, inRows: number): number {
  let least = MOST
  for (let row = 0; row < ROWS; row++) {
    least = Math.min(least, counters[counterOf(at, inRows, row)] as number)
  }
  return least
}
