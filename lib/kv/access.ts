// Whether a store may be used now, and changed: not once it is destroyed or its context closed, not by its own
// policy, and not changed while view() lends its memory out.

import { EmucxlError } from '../memory/errors.js'
import type { PolicyGuard } from './policy-guard.js'

export class Access {
  /** Calls of view() that are under way. */
  viewing = 0
  /** Whether there are no entries any more, and never will be. */
  ended = false
  /** Whether the user wanted that, not the context. */
  destroyed = false
  /** What a move met that nobody waited for: told by the next call that changes the store. */
  failure: { error: unknown } | undefined
  readonly #guard: PolicyGuard | undefined

  constructor(guard: PolicyGuard | undefined) {
    this.#guard = guard
  }

  checkOpen(): void {
    this.#guard?.check()
    if (this.destroyed) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the store is destroyed: make another one')
    }
    if (this.ended) {
      throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context of the store is closed')
    }
  }

  checkWritable(): void {
    this.checkOpen()
    if (this.failure !== undefined) {
      const { error } = this.failure
      this.failure = undefined
      throw error
    }
    if (this.viewing > 0) {
      throw new EmucxlError(
        'ERR_EMUCXL_BUSY',
        'view() has lent memory of the store out: change the store when its function has returned',
      )
    }
  }
}
