// Rule 1: what is freed, resized or closed is gone for JavaScript, at once and for good.

import { test } from 'vitest'
import { runChild } from './run-child.js'

// Views must have length 0, and every call must refuse them: one that did not would touch, migrate or
// free a second time what may be another block by then.
test('a block that has ended has no length, and every call refuses it', () =>
  runChild('use-after-free'))
