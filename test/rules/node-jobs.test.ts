// Rules 1 and 2: jobs of Node.js's thread pool over memory that comes to its end meanwhile. They hold
// the view but not the memory, so they run over addresses that must still be there, and nobody
// else's. The pool has one thread, held up until all finalizers have run: the race is lost each time.

import { describe, test } from 'vitest'
import { moves, runChild } from './run-child.js'

const env = { UV_THREADPOOL_SIZE: '1' }

describe('zlib, randomFill, fs.read and fs.write run on, over zeros, after', () => {
  // The finalizer of the detached buffer comes with the next turn, long before the job.
  test('free', () => runChild('node-jobs-end', ['free'], { env }))
  test('freeAsync', () => runChild('node-jobs-end', ['freeAsync'], { env }))
  // Their pages move to another range; the job must not follow them, nor fault.
  test('resize to more', () => runChild('node-jobs-end', ['grow'], { env }))
  test('resize to less', () => runChild('node-jobs-end', ['shrink'], { env }))
  test('resizeAsync', () => runChild('node-jobs-end', ['resizeAsync'], { env }))
  test('close', () => runChild('node-jobs-end', ['close'], { env }))
  test('closeAsync', () => runChild('node-jobs-end', ['closeAsync'], { env }))
  // Nobody freed it: the job still reads the data, and the collector comes when it is done.
  test('a drop', () => runChild('node-jobs-end', ['drop'], { env }))
})

describe.each(moves)('the same, when the memory was moved by %s, after', (move) => {
  // The old buffer is detached, so its own free is refused; its job runs over the new one's memory.
  test('free of the new buffer', () => runChild('node-jobs-end', ['moveAndFree', move], { env }))
  // The backing store dies with the new buffer, while the job still holds the old object.
  test('a drop of the new buffer', () => runChild('node-jobs-end', ['moveAndDrop', move], { env }))
  test('close', () => runChild('node-jobs-end', ['moveAndClose', move], { env }))
  // Nothing watches the new object: its job holds neither the store nor the object that is watched.
  test.each([['free'], ['grow'], ['close'], ['drop']])(
    '%s, with a job over the new buffer',
    (end) => runChild('node-jobs-end', [end, move], { env }),
  )
})

describe('with four threads, in the middle of a job', () => {
  const four = { env: { UV_THREADPOOL_SIZE: '4' } }
  // Pages go, or move, under a thread that reads or writes them at that moment.
  test.each([['free'], ['grow'], ['shrink'], ['resizeAsync'], ['closeAsync'], ['drop']])(
    '%s',
    (end) => runChild('node-jobs-end', [end], four),
  )
})
