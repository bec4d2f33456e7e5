// Runs node-gyp, quietly unless it fails.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, homedir } from 'node:os'
import { dirname, join } from 'node:path'

/** The folder with the headers of the running Node.js, where they came with it. */
export function headers() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/node_api.h')) ? prefix : undefined
}

/** Whether the user has a home, in which npm and node-gyp keep what they download. */
export function hasHome() {
  try {
    accessSync(homedir(), constants.W_OK)
    return true
  } catch {
    return false
  }
}

function program(root) {
  try {
    return createRequire(join(root, 'package.json')).resolve('node-gyp/bin/node-gyp.js')
  } catch {
    return process.env.npm_config_node_gyp // npm's own, while a package is installed
  }
}

export function nodeGyp(folder, args, root = folder) {
  const gyp = program(root)
  if (gyp === undefined) {
    console.error('node-gyp not found: run this through npm, or npm install node-gyp')
    process.exit(1)
  }
  const nodedir = headers()
  const env = { ...process.env }
  const all = [gyp, ...args, '--directory', folder, '--jobs', String(availableParallelism())]
  if (nodedir !== undefined) all.push('--nodedir', nodedir)
  else if (!hasHome()) env.npm_config_devdir ??= join(root, '.cache/node-gyp') // for their download
  const result = spawnSync(process.execPath, all, { env, encoding: 'utf8', maxBuffer: 1 << 28 })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`
  if (result.status !== 0) {
    console.error(output)
    process.exit(1)
  }
  const warnings = output.split('\n').filter((line) => /\bwarning:/.test(line))
  for (const line of warnings) console.error(line)
}
