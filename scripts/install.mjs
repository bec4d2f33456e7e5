// The install script: nothing to do where a prebuilt binary loads, else a build from source. npm
// shows what this prints where it fails, or with --foreground-scripts.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeGyp } from './node-gyp.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const prebuilt = join(root, 'prebuilds', `linux-${process.arch}`, 'emucxl.node')

/** Why the prebuilt binary is of no use here; undefined where it is. */
function obstacle() {
  if (!existsSync(prebuilt)) return `there is no prebuilt binary for linux ${process.arch}`
  // In a process of its own: one that was cut off ends the process that loads it.
  const words = ['-e', 'require(process.argv[1])', prebuilt]
  const result = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (result.status === 0) return undefined
  const error = /^Error: (.*)$/m.exec(result.stderr)?.[1]
  return `the prebuilt binary does not load: ${error ?? result.signal ?? result.stderr}`
}

const why = obstacle()
if (why !== undefined) {
  console.error(`emucxl: ${why}. Building from source, which needs g++, make and python3.`)
  nodeGyp(root, ['rebuild'])
}
