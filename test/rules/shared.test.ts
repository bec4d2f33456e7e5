// Rules 8 and 9: shared memory lives as long as anybody has it, and freeing it zeroes it for all.

import { describe, test } from 'vitest'
import { runChild } from './run-child.js'

const ends = ['natural', 'close', 'exit', 'throw', 'terminate']

describe('a worker that allocated it ends', () => {
  // The region belongs to a context, a thread and an environment that have all gone.
  test.each(ends)('(%s): the main thread uses, frees and attaches it', (how) =>
    runChild('shared-outlives', [how]),
  )
  // V8 calls the addon when it collects the last SharedArrayBuffer. Unloaded with its last thread,
  // that is a jump into nothing.
  test.each(ends)('(%s): a main thread that never loaded the addon lets go of it', (how) =>
    runChild('shared-outlives', [how, 'alone']),
  )
})

test.each(['free', 'close'])(
  'what a worker was freeing (%s) when it was terminated is wiped',
  (how) => runChild('worker-frees', [how]),
)

// Two buffers over one region, in two threads; then a free under both, with writes going on.
test('two threads count in it exactly, and it is freed under them', () => runChild('atomics'))
