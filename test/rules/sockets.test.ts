// Rule 2: a socket that reads into a block (`onread`) has its address for as long as the socket lives,
// and holds only the view. Unmapped at free, the next packet would be EFAULT, or be written into the
// block that got the addresses.

import { test } from 'vitest'
import { runChild } from './run-child.js'

test('a socket goes on reading into a block that was freed', () => runChild('socket'))
