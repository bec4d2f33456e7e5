// Rule 9: the addon is context-aware. Loaded twice in a thread it has two environments over one table;
// a copy of the file has a table of its own.

import { test } from 'vitest'
import { runChild } from './run-child.js'

// A record that remembered its environment would be asked for an object of the other one's.
test('loaded twice in one thread, either frees the blocks of the other', () => runChild('twice'))

// Neither may take the other's region for its own: they would both unmap it.
test('copies of it in three threads take the blocks of the others for ordinary buffers', () =>
  runChild('copies'))
