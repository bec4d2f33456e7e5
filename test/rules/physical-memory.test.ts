// Rules 1, 3 and 4: physical memory goes back at once, though the addresses stay for a while or for
// good. A free that only marks the block would keep 64 MiB resident until the loop turns, or for ever.

import { describe, test } from 'vitest'
import { moves, runChild } from './run-child.js'

test.each([
  ['free'],
  ['freeHuge'],
  ['freeShared'],
  ['freeAsync'],
  ['resize'],
  ['resizeAsync'],
  ['close'],
  ['closeAsync'],
  ['drop'],
])('after %s, 64 MiB are back', (how) => runChild('physical', [how]))

describe.each(moves)('of memory that was moved by %s', (move) => {
  // The store is another buffer's; only the addresses lead to the pages.
  test.each([['freeMoved'], ['closeMoved'], ['dropMoved']])('after %s, 64 MiB are back', (how) =>
    runChild('physical', [how, move]),
  )
})
