// npm start: sets up, then measures local against remote memory on the best backend there is, and makes a
// page of it for the browser. Words that follow are for `emucxl bench`.

import { join } from 'node:path'
import { root, run, setUp } from './setup.mjs'

setUp()
const result = run(
  process.execPath,
  [
    join(root, 'dist/lib/cli/main.js'),
    ...['bench', '--quick', '--html', 'emucxl-report.html'],
    ...process.argv.slice(2),
  ],
  { check: false, cwd: process.cwd() },
)
process.exit(result.status ?? 1)
