// Puts the compiled modules of the library together, in place: each that is a file of its own takes half a
// millisecond to import, and there are some eighty. What is imported from outside stays where it is, and shares
// the parts that it has in common with others. Not by esbuild, which makes variables of constants: V8 no longer
// knows their values then, and `get` of a store takes a fifth longer.

import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './setup.mjs'

const library = join(root, 'dist/lib')

/** What is imported by users, by the command and the benchmarks, and by tests. */
const ENTRIES = [
  ...['index', 'slab/index', 'queue/index', 'kv/index'],
  ...['addon', 'backends', 'emucxl', 'errors', 'host', 'latency-model', 'options', 'topology'].map(
    (name) => `memory/${name}`,
  ),
  ...['keys', 'policies/index', 'policies/adaptive', 'policies/frequency-sketch'].map(
    (name) => `kv/${name}`,
  ),
]

const bundle = await rolldown({
  input: Object.fromEntries(ENTRIES.map((name) => [name, join(library, `${name}.js`)])),
  platform: 'node',
  treeshake: false,
})
const { output } = await bundle.write({
  dir: library,
  format: 'es',
  entryFileNames: '[name].js',
  chunkFileNames: 'parts/[name].js',
})
const written = new Set(output.map(({ fileName }) => fileName))
for (const file of readdirSync(library, { recursive: true })) {
  if (!file.endsWith('.js') || file.startsWith('cli/') || written.has(file)) continue
  rmSync(join(library, file))
}
