// Traces that look like production, made from a seed: reads of objects of one size. Skew, a scan that passes
// by what is hot, a loop, and a working set that shifts are what policies differ by.

import { glibcRand } from '../harness/glibc-rand.js'

/** Reads of objects, which are numbered from 0 up in the order in which they are read first. */
export interface Trace {
  /** What tables and the picture call it. */
  name: string
  /** What it was made from; null for a file. */
  seed: number | null
  /** The object of each read, in their order. */
  reads: Uint32Array
  /** By object: bytes of its value. */
  valueBytes: Uint32Array
}

/** Objects that a generated trace draws from, and bytes of each. */
const OBJECTS = 10_000
export const VALUE_BYTES = 100
/** Reads of a generated trace where the user has not said how many. */
export const READS = 100_000

/** The trace `scan` is so many times hot reads, of which the last fifth is a scan. */
const SCANS = 8
const SCAN_PART = 1 / 5
/** How often the hot objects of `shift` become others, and which part of all objects they move by. */
const SHIFTS = 10
const SHIFT_PART = 1 / 10

/** A number from 0 to below 1, or a whole one. */
type Draw = () => number

/** Numbers from 0 to below 1, of 53 random bits. */
function uniform(seed: number): Draw {
  const rand = glibcRand(seed)
  return () => (rand() * 2 ** 22 + (rand() >>> 9)) / 2 ** 53
}

/** The numbers below `count`, shuffled (Fisher and Yates). */
function shuffled(count: number, random: Draw): Uint32Array {
  const numbers = Uint32Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = numbers[i] as number
    numbers[i] = numbers[j] as number
    numbers[j] = kept
  }
  return numbers
}

/**
 * Ranks from 0 up, of which r is drawn in proportion to 1 / (r + 1)^exponent: the exact distribution
 * function, inverted by bisection.
 */
export function zipf(exponent: number, ranks: number, random: Draw): Draw {
  const upTo = new Float64Array(ranks)
  let sum = 0
  for (let rank = 0; rank < ranks; rank++) {
    sum += (rank + 1) ** -exponent
    upTo[rank] = sum
  }
  return () => {
    const wanted = random() * sum
    let [low, high] = [0, ranks - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((upTo[middle] as number) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** What is read by each of `count` reads; `keys` are shuffled. */
type Generator = (random: Draw, keys: Uint32Array, count: number) => (read: number) => number

const skew =
  (exponent: number): Generator =>
  (random, keys) => {
    const rank = zipf(exponent, keys.length, random)
    return () => keys[rank()] as number
  }

/** Zipf of 1.0 over half of the keys; a scan reads the others one by one, and goes on there next time. */
const scan: Generator = (random, keys, count) => {
  const half = keys.length / 2
  const rank = zipf(1, half, random)
  let scanned = 0
  const round = Math.ceil(count / SCANS)
  const scanFrom = Math.round(round * (1 - SCAN_PART))
  return (read) => {
    const isHot = read % round < scanFrom
    return keys[isHot ? rank() : half + (scanned++ % half)] as number
  }
}

/** Half of the keys one by one, over and over. */
const loop: Generator = (_, keys) => (read) => keys[read % (keys.length / 2)] as number

/** Zipf of 0.8, where the hottest become others: those that were a tenth of all behind them. */
const shift: Generator = (random, keys, count) => {
  const rank = zipf(0.8, keys.length, random)
  const round = Math.ceil(count / SHIFTS)
  const step = Math.round(keys.length * SHIFT_PART)
  return (read) => {
    const by = Math.floor(read / round) * step
    return keys[(rank() + by) % keys.length] as number
  }
}

const GENERATORS: Record<string, Generator> = {
  'zipf 0.6': skew(0.6),
  'zipf 0.8': skew(0.8),
  'zipf 1.0': skew(1),
  'zipf 1.2': skew(1.2),
  scan,
  loop,
  shift,
}

/** The names of the traces that {@link generateTrace} makes. */
export const TRACES: readonly string[] = Object.keys(GENERATORS)

/** A trace: the same for the same seed. */
export function generateTrace(name: string, seed: number, count = READS): Trace {
  const generator = GENERATORS[name]
  if (generator === undefined) throw new Error(`there is no generator of the trace ${name}`)
  const random = uniform(seed)
  const next = generator(random, shuffled(OBJECTS, random), count)
  /** By key: the number of its object, and 1. */
  const numbers = new Uint32Array(OBJECTS)
  let objects = 0
  const reads = Uint32Array.from({ length: count }, (_, i) => {
    const key = next(i)
    if (numbers[key] === 0) numbers[key] = ++objects
    return (numbers[key] as number) - 1
  })
  return { name, seed, reads, valueBytes: new Uint32Array(objects).fill(VALUE_BYTES) }
}
