// Garbage collection at will, and what it must not take before a test ends.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { onTestFinished } from 'vitest'

/** Holds a block that a test only counts: one that nobody holds may be collected, and is freed. */
export function keep<T extends object>(block: T): T {
  onTestFinished(() => void block)
  return block
}

/** Collects until `done` says so, 50 times at most; undefined where the engine cannot be told to. */
export function collector(): ((done: () => boolean) => Promise<void>) | undefined {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as unknown
  if (typeof gc !== 'function') return undefined
  return async (done) => {
    for (let round = 0; round < 50 && !done(); round++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
