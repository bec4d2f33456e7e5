// A list of entries, for policies.

import type { Records } from './records.js'

/**
 * Entries in an order. An entry can be in one list at a time, of all that a policy has. Every call takes
 * the same short time, and none allocates. The list has no ends: from `back` on, `before` leads to the
 * front, and there to {@link end}.
 */
export class EntryList {
  readonly #records: Records
  readonly #end: number
  #size = 0

  /** For a store: see {@link PolicyHost.list}. */
  constructor(records: Records) {
    this.#records = records
    this.#end = records.allocateEnd()
    records.link(this.#end, this.#end)
  }

  /** What stands for no entry: beyond the front, and beyond the back. */
  get end(): number {
    return this.#end
  }

  /** Entries. */
  get size(): number {
    return this.#size
  }

  /** The first entry; {@link end} where there is none. */
  get front(): number {
    return this.#records.after(this.#end)
  }

  /** The last entry; {@link end} where there is none. */
  get back(): number {
    return this.#records.before(this.#end)
  }

  /** The entry that is nearer to the front. */
  before(entry: number): number {
    return this.#records.before(entry)
  }

  /** The entry that is nearer to the back. */
  after(entry: number): number {
    return this.#records.after(entry)
  }

  /** Adds an entry that is in no list. */
  pushFront(entry: number): void {
    this.#insert(entry, this.#end, this.#records.after(this.#end))
  }

  /** Adds an entry that is in no list. */
  pushBack(entry: number): void {
    this.#insert(entry, this.#records.before(this.#end), this.#end)
  }

  /** Takes out an entry of this list. */
  remove(entry: number): void {
    this.#records.unlink(entry)
    this.#size--
  }

  /** {@link remove} and {@link pushFront}. */
  moveToFront(entry: number): void {
    const records = this.#records
    const end = this.#end
    const front = records.after(end)
    if (entry === front) return
    records.unlink(entry)
    records.insert(entry, end, front)
  }

  #insert(entry: number, before: number, after: number): void {
    this.#records.insert(entry, before, after)
    this.#size++
  }
}
