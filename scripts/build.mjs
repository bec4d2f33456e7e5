// npm run build: the addon and the TypeScript.

import { setUp } from './setup.mjs'

setUp()
