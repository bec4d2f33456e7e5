// Work off the main thread, and the AbortSignal that ends it early.

import { addon } from './addon.js'
import { checkOptions, checkSignal } from './arguments.js'

/** Options of the methods that work off the main thread. */
export interface AsyncOptions {
  /**
   * Ends the operation early: the promise is rejected with the signal's reason. A block is then as
   * it was before, unless its bytes were being written: those may be written in part.
   */
  signal?: AbortSignal
}

let lastJob = 0

/** Starts native work under a number, by which it can be cancelled. */
export async function run<T>(
  options: AsyncOptions | undefined,
  start: (job: number) => Promise<T>,
): Promise<T> {
  checkOptions(options)
  const signal = options?.signal
  checkSignal(signal)
  signal?.throwIfAborted()
  lastJob = (lastJob + 1) % 2 ** 32
  const job = lastJob
  if (signal === undefined) return start(job)
  const abort = () => addon.cancel(job)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await start(job)
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_EMUCXL_ABORTED') signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
