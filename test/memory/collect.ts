// Garbage collection at will.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

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
