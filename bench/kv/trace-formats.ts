// Two formats of libCacheSim: `txt`, an object id a line, and `oracleGeneral`, packed records of 24 bytes:
// uint32 time, uint64 id, uint32 bytes of the object, int64 when it is read next; little-endian.
// Source: libCacheSim, doc/quickstart_cachesim.md, traceReader/generalReader/txt.c and oracleGeneralBin.h.

import { MOST_VALUE_BYTES } from './replay.js'
import { VALUE_BYTES } from './traces.js'

export type TraceFormat = 'txt' | 'oracleGeneral'

/** Distinct objects of a trace: while it is read their ids are in the heap. */
const MOST_OBJECTS = 2 ** 22
/** Bytes of a line: a longer one is no id. */
const LONGEST_LINE = 4096

const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const TAB = 9
const BLANK = 32
const SEPARATORS = [BLANK, TAB, ...Buffer.from(',;')]

const RECORD_BYTES = 24
const ID_AT = 4
const ID_BYTES = 8
const SIZE_AT = 12
const NEXT_LOW_AT = 16
const NEXT_HIGH_AT = 20

/** Whole numbers below 2^32, in a typed array that grows. */
class Numbers {
  #numbers = new Uint32Array(2 ** 12)
  length = 0

  push(number: number): void {
    if (this.length === this.#numbers.length) {
      const longer = new Uint32Array(2 * this.length)
      longer.set(this.#numbers)
      this.#numbers = longer
    }
    this.#numbers[this.length++] = number
  }

  all(): Uint32Array {
    return this.#numbers.slice(0, this.length)
  }
}

/** The requests of a trace, as they are read; an object keeps the size that it has first. */
export class Requests {
  readonly #most: number
  readonly #objects = new Map<string, number>()
  readonly #reads = new Numbers()
  readonly #valueBytes = new Numbers()
  /** Whether there are more than were wanted. */
  cut = false
  /** Requests of objects of 0 bytes, which are left out: libCacheSim does so, too. */
  empty = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Whether no more are wanted: who has another one sets {@link cut}. */
  get isFull(): boolean {
    return this.#reads.length === this.#most
  }

  get reads(): Uint32Array {
    return this.#reads.all()
  }

  get valueBytes(): Uint32Array {
    return this.#valueBytes.all()
  }

  add(id: string, bytes: number): void {
    if (bytes === 0) {
      this.empty++
      return
    }
    let object = this.#objects.get(id)
    if (object === undefined) {
      object = this.#objects.size
      if (object === MOST_OBJECTS) {
        const read = this.#reads.length
        throw new Error(
          `more than ${MOST_OBJECTS} objects: --count ${read} reads the requests before`,
        )
      }
      this.#objects.set(id, object)
      this.#valueBytes.push(bytes)
    }
    this.#reads.push(object)
  }
}

/** Takes a file apart that comes in pieces. What it throws tells where the file is wrong, not which. */
export interface Parser {
  readonly format: TraceFormat
  /** Takes what it can, and returns what is left: the beginning of a request. */
  push(bytes: Buffer): Buffer
  /** Takes what is left when there is no more. */
  end(rest: Buffer): void
}

class TextParser implements Parser {
  readonly format = 'txt'
  readonly #requests: Requests
  #line = 0

  constructor(requests: Requests) {
    this.#requests = requests
  }

  push(bytes: Buffer): Buffer {
    let begin = 0
    while (!this.#requests.cut) {
      const end = bytes.indexOf(LINE_FEED, begin)
      if (end < 0) break
      this.#take(bytes, begin, end)
      begin = end + 1
    }
    const rest = bytes.subarray(begin)
    if (rest.length > LONGEST_LINE && !this.#requests.cut) this.#tooLong()
    return rest
  }

  end(rest: Buffer): void {
    if (rest.length > 0) this.#take(rest, 0, rest.length)
  }

  #take(bytes: Buffer, begin: number, lineEnd: number): void {
    const end = bytes[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd
    if (this.#requests.isFull) {
      this.#requests.cut = true
      return
    }
    this.#line++
    if (end <= begin) {
      throw new Error(`line ${this.#line} is empty: grep -v '^$' leaves such lines out`)
    }
    if (end - begin > LONGEST_LINE) this.#tooLong()
    for (let i = begin; i < end; i++) {
      const code = bytes[i] as number
      if (SEPARATORS.includes(code)) {
        throw new Error(
          `line ${this.#line} has several fields, and a txt trace has an object id a line: ` +
            'cut -d, -f2 takes the second',
        )
      }
      if (code < BLANK) throw new Error(`line ${this.#line} has control characters: ${NEITHER}`)
    }
    this.#requests.add(bytes.toString('latin1', begin, end), VALUE_BYTES)
  }

  #tooLong(): never {
    throw new Error(`line ${this.#line + 1} is longer than ${LONGEST_LINE} bytes: ${NEITHER}`)
  }
}

class RecordParser implements Parser {
  readonly format = 'oracleGeneral'
  readonly #requests: Requests
  #record = 0

  constructor(requests: Requests) {
    this.#requests = requests
  }

  push(bytes: Buffer): Buffer {
    let at = 0
    for (; at + RECORD_BYTES <= bytes.length && !this.#requests.cut; at += RECORD_BYTES) {
      if (this.#requests.isFull) this.#requests.cut = true
      else this.#take(bytes, at)
    }
    return bytes.subarray(at)
  }

  end(rest: Buffer): void {
    if (rest.length === 0) return
    throw new Error(
      `it ends ${rest.length} bytes into record ${this.#record + 1}, and a record of oracleGeneral has ` +
        `${RECORD_BYTES}: copy it anew` +
        (this.#record === 0 ? '' : `, or read what is whole by --count ${this.#record}`),
    )
  }

  #take(bytes: Buffer, at: number): void {
    this.#record++
    const size = bytes.readUInt32LE(at + SIZE_AT)
    const low = bytes.readInt32LE(at + NEXT_LOW_AT)
    const high = bytes.readInt32LE(at + NEXT_HIGH_AT)
    // The number of a request, or -1 or the largest number for never.
    const isNever = low === -1 && (high === -1 || high === 0x7fffffff)
    if (!isNever && (high < 0 || high >= 2 ** 21)) {
      const next = bytes.readBigInt64LE(at + NEXT_LOW_AT)
      throw new Error(
        `record ${this.#record} cannot be, its object is read next at ${next}: ${NEITHER}`,
      )
    }
    if (size > MOST_VALUE_BYTES) {
      throw new Error(
        `record ${this.#record} has an object of ${size} bytes, and a store takes at most ` +
          `${MOST_VALUE_BYTES}: leave such records out; or it is not oracleGeneral`,
      )
    }
    this.#requests.add(bytes.toString('latin1', at + ID_AT, at + ID_AT + ID_BYTES), size)
  }
}

/** What to do with a file that is in no format that can be read. */
const NEITHER =
  'it is neither txt nor oracleGeneral, into which libCacheSim’s traceConv turns others'

/**
 * The parser for a file that begins with these bytes. A text has no control characters, and a record of
 * oracleGeneral always has some: its last field is small, or all ones, as are sizes.
 */
export function parserFor(head: Buffer, requests: Requests): Parser {
  const isText = !head
    .subarray(0, RECORD_BYTES)
    .some((code) => code < BLANK && ![TAB, LINE_FEED, CARRIAGE_RETURN].includes(code))
  return isText ? new TextParser(requests) : new RecordParser(requests)
}

/** Bytes that {@link parserFor} needs. */
export const HEAD_BYTES = RECORD_BYTES
