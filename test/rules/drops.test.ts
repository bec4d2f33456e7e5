// Rule 3: a block that is dropped without a free is reclaimed after garbage collection. A hold that
// one of the two finalizers does not give back would leave all of them booked and mapped; one that is
// given back twice would hand out the same range twice.

import { test } from 'vitest'
import { moves, runChild } from './run-child.js'

// Else the threads of the pool have heaps of their own, whose addresses would hide what is looked for.
const env = { MALLOC_ARENA_MAX: '1' }

test.each([['plain'], ['touched'], ['shared'], ['attached'], ['async'], ['freed']])(
  'of thousands of blocks (%s) nothing is left',
  (sort) => runChild('drops', [sort], { env }),
)

// The store dies with the new buffer, the first object at its own time.
test.each(moves)('of thousands of blocks that were moved by %s nothing is left', (move) =>
  runChild('drops', ['moved', move], { env }),
)
