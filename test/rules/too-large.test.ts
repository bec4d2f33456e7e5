// A block beyond 4 GiB, which Node.js 20 cannot wrap: it refuses, has called the finalizer by then, and
// leaves an exception. A creation that took all failures for the same would give everything back twice.

import { test } from 'vitest'
import { runChild } from './run-child.js'

test('beyond 4 GiB a block is refused by Node.js 20, and granted by later ones', () =>
  runChild('too-large'))
