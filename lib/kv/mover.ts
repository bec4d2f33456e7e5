// Promotions that wait: they are done in batches, each in a turn of the event loop of its own, so that no read
// waits for them.

import { checkOptions, checkPositive } from '../memory/arguments.js'
import { EntryNumbers } from './entry-numbers.js'
import type { MoverOptions } from './options.js'

/** Entries that can wait: of more, those that are read again ask again. */
const MOST = 1 << 16
const BUDGET_MS = 1
/** Moves between two looks at the time. */
const AT_ONCE = 16

/** The budget that a user asked for, in ms; undefined for no mover. */
export function budgetOf(mover: boolean | MoverOptions | undefined): number | undefined {
  if (mover === undefined || mover === false) return undefined
  if (mover === true) return BUDGET_MS
  checkOptions(mover, 'options.mover')
  const { budgetMs = BUDGET_MS } = mover
  checkPositive(budgetMs, 'options.mover.budgetMs', 'a number of milliseconds')
  return budgetMs
}

export class Mover {
  readonly #budget: number
  readonly #run: (moves: () => void) => void
  readonly #move: (entry: number) => boolean
  /** Those from `#next` on wait. A number may have come to another entry meanwhile: 0 in the table says so. */
  #entries: number[] = []
  #next = 0
  readonly #isWaiting = new EntryNumbers(Uint8Array)
  /** Entries that wait. */
  waiting = 0
  #isScheduled = false

  /** `move` says whether it moved an entry; `run` is called with a batch of moves in each turn. */
  constructor(
    budgetMs: number,
    move: (entry: number) => boolean,
    run: (moves: () => void) => void,
  ) {
    this.#budget = budgetMs
    this.#move = move
    this.#run = run
  }

  add(entry: number): void {
    if (this.#isWaiting.get(entry) === 1 || this.#entries.length - this.#next >= MOST) return
    this.#isWaiting.set(entry, 1)
    this.waiting++
    this.#entries.push(entry)
    this.#schedule()
  }

  /** An entry does not wait any more. */
  forget(entry: number): void {
    if (this.#isWaiting.get(entry) === 0) return
    this.#isWaiting.set(entry, 0)
    this.waiting--
  }

  /** Bytes of the bookkeeping. */
  get bytes(): number {
    return this.#isWaiting.bytes
  }

  /** Nothing waits any more. */
  clear(): void {
    this.#isWaiting.clear()
    this.waiting = 0
    this.#entries = []
    this.#next = 0
  }

  /** Moves entries until the time has come. Returns how many. */
  moveUntil(time: number): number {
    let moved = 0
    for (let i = 1; this.waiting > 0; i++) {
      const entry = this.#entries[this.#next++] as number
      if (this.#isWaiting.get(entry) === 0) continue
      this.forget(entry)
      if (this.#move(entry)) moved++
      if (i % AT_ONCE === 0 && performance.now() >= time) break
    }
    if (this.waiting === 0 || 2 * this.#next > this.#entries.length) {
      this.#entries = this.waiting === 0 ? [] : this.#entries.slice(this.#next)
      this.#next = 0
    }
    return moved
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#run(() => this.moveUntil(performance.now() + this.#budget))
      if (this.waiting > 0) this.#schedule()
    }).unref()
  }
}
