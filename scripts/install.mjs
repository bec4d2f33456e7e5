// The install script: nothing to do where a prebuilt binary loads, else a build from source.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeGyp } from './node-gyp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const prebuilt = join(root, 'prebuilds', `linux-${process.arch}`, 'emucxl.node')

function loads() {
  try {
    createRequire(import.meta.url)(prebuilt)
    return true
  } catch {
    return false
  }
}

if (!existsSync(prebuilt) || !loads()) nodeGyp(root, ['rebuild'])
