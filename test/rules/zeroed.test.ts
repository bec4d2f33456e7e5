// Rule 6: new memory is zeros. Ranges of addresses serve again, so what one block left in them, or a
// late job wrote there after the free, would be read by the next.

import { test } from 'vitest'
import { runChild } from './run-child.js'

test('new memory is zeros, also in a range that was used before', () =>
  runChild('zeroed', [], { env: { UV_THREADPOOL_SIZE: '1' } }))
