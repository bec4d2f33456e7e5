// npm start: sets up, then measures local against remote memory on the best backend there is.

import { join } from 'node:path'
import { root, run, setUp } from './setup.mjs'

setUp()
const result = run(
  process.execPath,
  [join(root, 'dist/lib/cli/main.js'), 'bench', ...process.argv.slice(2)],
  { check: false, cwd: process.cwd() },
)
process.exit(result.status ?? 1)
