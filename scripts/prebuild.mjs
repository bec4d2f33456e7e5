// npm run prebuild [-- --arch x64|arm64]: writes prebuilds/linux-ARCH/emucxl.node, a stripped binary
// of the addon for every Node.js with Node-API 9 on systems with glibc 2.28 or later.

import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { newerThanAllowed } from './elf-versions.mjs'
import { headers } from './node-gyp.mjs'
import {
  cache,
  compilers,
  installDependencies,
  isProgram,
  needPrograms,
  root,
  say,
  whenChanged,
} from './setup.mjs'

const SOURCES = ['native', 'binding.gyp', 'package.json']

const CROSS = {
  arm64: {
    programs: {
      'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
      make: 'make',
      python3: 'python3',
    },
    prefix: 'aarch64-linux-gnu-',
  },
}

/** Runs prebuildify in a copy of the sources: it moves away what it builds, and `build/` is ours. */
function prebuildify(arch, prefix) {
  const folder = join(cache, 'prebuild', arch)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const source of SOURCES)
    cpSync(join(root, source), join(folder, source), { recursive: true })

  const env = { ...process.env, EMUCXL_PREBUILT: '1', JOBS: 'max' }
  const nodedir = headers()
  if (nodedir !== undefined) env.npm_config_nodedir = nodedir
  if (prefix !== '') {
    Object.assign(env, { CC: `${prefix}gcc`, CXX: `${prefix}g++`, LINK: `${prefix}g++` })
  }
  const options = {
    '--napi': true,
    '--strip': true,
    '--strip-bin': `${prefix}strip`,
    '--name': 'emucxl',
    '--arch': arch,
    '--target': process.versions.node,
    '--node-gyp': join(root, 'node_modules/.bin/node-gyp'),
    '--cache': join(cache, 'prebuildify'),
  }
  const words = Object.entries(options).flatMap(([name, value]) =>
    value === true ? [name] : [name, value],
  )
  const result = spawnSync(
    process.execPath,
    [join(root, 'node_modules/prebuildify/bin.js'), ...words],
    { cwd: folder, env, encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (result.status !== 0) {
    say(`${result.stdout}${result.stderr}`)
    process.exit(1)
  }
  return join(folder, 'prebuilds', `linux-${arch}`, 'emucxl.node')
}

/** Makes the binary for an architecture, unless it is there for these sources; returns its path. */
export function prebuild(arch = process.arch) {
  const cross = arch === process.arch ? undefined : CROSS[arch]
  if (arch !== process.arch && cross === undefined) {
    say(
      `No cross compiler is known for ${arch}: ${[...Object.keys(CROSS), process.arch].join(', ')}`,
    )
    process.exit(2)
  }
  needPrograms({ ...(cross?.programs ?? compilers), readelf: 'binutils' }, { required: true })
  installDependencies()
  const output = join('prebuilds', `linux-${arch}`, 'emucxl.node')
  whenChanged(
    `prebuild-${arch}`,
    [...SOURCES, 'scripts/prebuild.mjs', 'scripts/elf-versions.mjs'],
    output,
    () => {
      say(`Building the binary for linux-${arch}`)
      const built = prebuildify(arch, cross?.prefix ?? '')
      const tooNew = newerThanAllowed(built)
      if (tooNew.length > 0) {
        say(`Systems with glibc 2.28 lack these: ${tooNew.join(', ')}. See native/prebuilt.`)
        process.exit(1)
      }
      rmSync(join(root, 'prebuilds', `linux-${arch}`), { recursive: true, force: true })
      mkdirSync(join(root, 'prebuilds', `linux-${arch}`), { recursive: true })
      copyFileSync(built, join(root, output))
    },
  )
  return join(root, output)
}

if (isProgram(import.meta.url)) {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } })
  const file = prebuild(values.arch)
  say(`${relative(root, file)}: ${Math.ceil(statSync(file).size / 1024)} KiB`)
}
