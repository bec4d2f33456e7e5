// Rules 1, 2 and 5: emucxl's own jobs (readAsync, fillAsync, migrateAsync and so on) over memory that
// comes to its end while they are in the queue or run. A job that held no region would write to
// addresses that were unmapped, or are another block's.

import { describe, test } from 'vitest'
import { moves, runChild } from './run-child.js'

const one = { env: { UV_THREADPOOL_SIZE: '1' } }
const four = { env: { UV_THREADPOOL_SIZE: '4' } }

describe('reads, writes, fills, copies, migrates and resizes under way are told of', () => {
  const ends = ['free', 'freeAsync', 'resize', 'close', 'closeAsync', 'drop']
  test.each(ends)('%s, before they begin', (end) => runChild('own-jobs-end', [end], one))
  test.each(ends)('%s, in the middle', (end) => runChild('own-jobs-end', [end], four))
})

describe.each(moves)('and when the memory was moved by %s, of', (move) => {
  // The job knows the region, not the buffer it came in.
  test.each([['moveAndFree'], ['moveAndDrop'], ['moveAndClose']])('%s', (end) =>
    runChild('own-jobs-end', [end, move], one),
  )
})

// The other side of readAsync and writeAsync may be V8's memory, which nothing can hold: a pool thread
// that copied from or to it would run over freed heap.
test('an ordinary buffer is taken away from a read or write', () =>
  runChild('foreign-side', [], one))
