// Rule 7: blocks do not make V8 collect, and its count of external memory never goes below zero, which
// ends Node.js 24 and later: V8 takes a dropped buffer off the count before it tells anybody.

import { test } from 'vitest'
import { runChild } from './run-child.js'

test.each([['hidden'], ['counted']])(
  "thousands of blocks, %s in V8's count, come and go in every way",
  (how) => runChild('balance', [how]),
)
