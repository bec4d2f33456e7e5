// Rule 2: a detached buffer proves nothing, for JavaScript may have moved its memory into another one,
// in another thread if it likes. Unmapping when the first one is gone would be a SIGSEGV in the other.

import { describe, test } from 'vitest'
import { moves, runChild } from './run-child.js'

describe.each(moves)('memory that was moved by %s', (move) => {
  // Free of the old is refused, of the new accepted, in chains too; close and drops in every order.
  test('is freed by its new buffer, once', () => runChild('moved', [move]))

  // At its end a thread's buffers are all said to be unused, by the finalizers that Node.js then calls
  // for them: also those whose memory the main thread has, reads and fills at that moment.
  test.each([['natural'], ['close'], ['exit'], ['throw'], ['terminate']])(
    'outlives the thread that posted it, which ends (%s)',
    (how) => runChild('posted', [how, move]),
  )
})
