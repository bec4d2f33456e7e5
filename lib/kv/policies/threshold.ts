// Promotion of what is read often: an entry that was read once or twice may never be again.

import { checkOptions, checkPositive, checkWhole } from '../../memory/arguments.js'
import type { EntryBytes, Policy, PolicyFactory, PolicyHost, Tier } from '../policy.js'
import { Lists } from './lists.js'

/** See {@link threshold}. */
export interface ThresholdOptions {
  /** Reads of a remote entry after which it is promoted: from 1 to 255. Default 2. */
  hits?: number
  /**
   * Reads of the store within which these must be, as a multiple of the entries that local memory can
   * have. Default 2.
   */
  window?: number
}

/** The windows are told apart by their number, of which an entry keeps so much. */
const WINDOWS = 256
/** Reads are counted up to this. */
const MOST_HITS = 255

class Threshold extends Lists {
  readonly #host: PolicyHost
  readonly #wanted: number
  readonly #span: number
  /** By entry: reads in the window, and the number of that window. */
  readonly #hits: EntryBytes
  readonly #windows: EntryBytes
  #window = 0
  #reads = 0

  constructor(host: PolicyHost, hits: number, span: number) {
    super(host)
    this.#host = host
    this.#wanted = hits
    this.#span = span
    this.#hits = host.bytes()
    this.#windows = host.bytes()
  }

  hit(entry: number, tier: Tier): boolean {
    if (++this.#reads >= this.#span * this.#host.localObjects) {
      this.#reads = 0
      this.#window = (this.#window + 1) % WINDOWS
    }
    this[tier].moveToFront(entry)
    if (tier === 'local') return false
    const hits = this.#windows.get(entry) === this.#window ? this.#hits.get(entry) + 1 : 1
    this.#windows.set(entry, this.#window)
    this.#hits.set(entry, Math.min(hits, MOST_HITS))
    return hits >= this.#wanted
  }

  override demoted(entry: number): void {
    super.demoted(entry)
    this.#hits.set(entry, 0)
  }
}

/**
 * LRU; a remote entry is promoted when it was read so often within a window.
 *
 * Errors: `TypeError` and `RangeError` for options that are none.
 */
export function threshold(options: ThresholdOptions = {}): PolicyFactory {
  checkOptions(options)
  const { hits = 2, window = 2 } = options
  checkWhole(hits, 'options.hits', 1, MOST_HITS)
  checkPositive(window, 'options.window')
  return (host): Policy => new Threshold(host, hits, window)
}
