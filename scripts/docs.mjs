// npm run docs: the API reference, from the docstrings into docs/api. A warning fails it.

import { join } from 'node:path'
import { say } from './programs.mjs'
import { installDependencies, root, run } from './setup.mjs'

installDependencies()
run(process.execPath, [join(root, 'node_modules/typedoc/bin/typedoc'), '--logLevel', 'Warn'])
say('docs/api/index.html')
