// A list for a policy of the user's: one that is used wrongly says so, before it harms what the store keeps.

import { inspect } from 'node:util'
import { EmucxlError } from '../memory/errors.js'
import { EntryList } from './entry-list.js'
import type { Records } from './records.js'

/** Throws where a policy of the user's passes what is no entry. */
export function checkEntry(records: Records, entry: unknown, call: string): void {
  if (Number.isSafeInteger(entry) && records.has(entry as number)) return
  throw new EmucxlError(
    'ERR_EMUCXL_BAD_POLICY',
    `options.policy: ${call} takes entries that added() told of and removed() did not, not ` +
      inspect(entry, { depth: 0 }).slice(0, 60),
  )
}

export class CheckedList extends EntryList {
  readonly #records: Records

  constructor(records: Records) {
    super(records)
    this.#records = records
  }

  override before(entry: number): number {
    if (entry !== this.end) checkEntry(this.#records, entry, 'before()')
    return super.before(entry)
  }

  override after(entry: number): number {
    if (entry !== this.end) checkEntry(this.#records, entry, 'after()')
    return super.after(entry)
  }

  override pushFront(entry: number): void {
    checkEntry(this.#records, entry, 'pushFront()')
    this.#checkNeighbour(this.front)
    super.pushFront(entry)
  }

  override pushBack(entry: number): void {
    checkEntry(this.#records, entry, 'pushBack()')
    this.#checkNeighbour(this.back)
    super.pushBack(entry)
  }

  override remove(entry: number): void {
    this.#checkInside(entry, 'remove()')
    super.remove(entry)
  }

  override moveToFront(entry: number): void {
    this.#checkInside(entry, 'moveToFront()')
    this.#checkNeighbour(this.front)
    super.moveToFront(entry)
  }

  /** An entry's neighbours are those whose neighbour it is: else it is in no list, or in another one by now. */
  #checkInside(entry: number, call: string): void {
    const records = this.#records
    checkEntry(records, entry, call)
    const [before, after] = [records.before(entry), records.after(entry)]
    this.#checkNeighbour(before)
    this.#checkNeighbour(after)
    if (records.after(before) === entry && records.before(after) === entry) return
    throw new EmucxlError(
      'ERR_EMUCXL_BAD_POLICY',
      `options.policy: ${call} takes entries of the list, and ${entry} is not in it`,
    )
  }

  #checkNeighbour(entry: number): void {
    if (this.#records.isEnd(entry)) return
    checkEntry(this.#records, entry, 'a list')
  }
}
