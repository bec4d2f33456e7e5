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
const words = process.argv.slice(2)
const figures = words.filter((word) => !word.startsWith('-'))
if (figures.length === 0 || figures.includes('measure'))
  needPrograms({ cc: 'gcc' }, { required: true })
if (figures.length === 0 || figures.includes('slab')) {
  const peers = { 'mimalloc.h': 'libmimalloc-dev', 'jemalloc/jemalloc.h': 'libjemalloc-dev' }
  needPrograms({ cc: 'gcc', ...peers }, { required: true })
}
const result = run(process.execPath, [join(root, 'dist/bench/figures/main.js'), ...words], {
  check: false,
})
process.exit(result.status ?? 1)
