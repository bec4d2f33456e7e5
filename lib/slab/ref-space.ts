// The refs of one cache are told apart from those of all others of the thread by its number.

import { type Dependent, dependOn } from '../memory/closing.js'
import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import { CACHES, GENERATIONS, generationOf, refOf } from './ref.js'

/** Generations that a cache is taken to have used that was dropped, and so cannot be asked. */
const UNKNOWN = 1031

/**
 * The number of the caches of this thread. One that was given back is the last to be given out
 * again, and its refs begin with the generations that were not used yet.
 */
const taken = new Set<number>()
/** By number: the last generation that was used. */
const used = new Map<number, number>()
let last = 0

function take(): number {
  if (taken.size === CACHES - 1) {
    throw new EmucxlError(
      'ERR_EMUCXL_NO_MEMORY',
      `a thread can have ${CACHES - 1} slab caches at a time: destroy some, or share them`,
    )
  }
  do {
    last = (last % (CACHES - 1)) + 1
  } while (taken.has(last))
  taken.add(last)
  return last
}

/** What is to be done for caches that were dropped without a word. */
const dropped = new FinalizationRegistry<() => void>((giveBack) => giveBack())

export class RefSpace {
  /** The number of the cache. */
  readonly id: number
  /** The first ref of index 0; those of other indices come after it. */
  readonly first: number
  readonly #giveBack: (last: number) => void
  #ended = false

  /** For a cache, which hears of it when the context is closed. */
  constructor(cxl: Emucxl, cache: Dependent) {
    const id = take()
    const before = used.get(id) ?? 0
    const forget = dependOn(cxl, cache)
    this.id = id
    this.first = refOf(id, (before % (GENERATIONS - 1)) + 1)
    this.#giveBack = (generation) => {
      forget()
      taken.delete(id)
      used.set(id, generation)
    }
    const giveBack = this.#giveBack
    dropped.register(cache, () => giveBack(before + UNKNOWN), this)
  }

  /** Whether the cache has no refs any more. */
  get ended(): boolean {
    return this.#ended
  }

  /** The cache has no refs any more; `highest` is the highest that it gave out. */
  end(highest: number): void {
    this.#ended = true
    dropped.unregister(this)
    this.#giveBack(generationOf(Math.max(highest, this.first)))
  }
}
