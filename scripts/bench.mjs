// npm run bench: sets up, builds the little addon that the figures are compared to, and measures.

import { join } from 'node:path'
import { nodeGyp } from './node-gyp.mjs'
import { needPrograms, say } from './programs.mjs'
import { root, run, setUp, whenChanged } from './setup.mjs'

setUp()
whenChanged(
  'floor',
  ['bench/floor/floor.c', 'bench/floor/binding.gyp'],
  'bench/floor/build/Release/floor.node',
  () => {
    say('Building the floor')
    nodeGyp(join(root, 'bench/floor'), ['rebuild'], root)
  },
)
needPrograms(
  {
    'mimalloc.h': 'libmimalloc-dev',
    'jemalloc/jemalloc.h': 'libjemalloc-dev',
  },
  { required: true },
)
const result = run(
  process.execPath,
  [join(root, 'dist/bench/figures/main.js'), ...process.argv.slice(2)],
  { check: false },
)
process.exit(result.status ?? 1)
