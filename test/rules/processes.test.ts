// Rules 4 and 6: other processes are started at each step of a context's life. A child has copies of
// all mappings until it runs its own program, and must not hold their memory, nor end them.

import { test } from 'vitest'
import { runChild } from './run-child.js'

test('spawn, exec and fork, before, during and after', () => runChild('processes'))

test('a cluster, before, during and after', () => runChild('cluster'))
