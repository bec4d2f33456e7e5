// npm run prebuild [-- --arch x64|arm64]: writes prebuilds/linux-ARCH/emucxl.node, a stripped binary
// of the addon for every Node.js with Node-API 9 on systems with glibc 2.28 or later. Without --arch
// it does so for this machine's architecture, and for others whose compiler is installed; with it,
// the compiler is installed first.

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { newerThanAllowed } from './elf-versions.mjs'
import { headers } from './node-gyp.mjs'
import { needPrograms, onPath, say } from './programs.mjs'
import { cache, compilers, installDependencies, isProgram, root, whenChanged } from './setup.mjs'

const SOURCES = ['native', 'kmod/emucxl.h', 'binding.gyp']

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

function build(arch, output) {
  say(`Building the binary for linux-${arch}`)
  const built = prebuildify(arch, arch === process.arch ? '' : CROSS[arch].prefix)
  const tooNew = newerThanAllowed(built)
  if (tooNew.length > 0) {
    say(`Systems with glibc 2.28 lack these: ${tooNew.join(', ')}. See native/prebuilt.`)
    process.exit(1)
  }
  mkdirSync(dirname(output), { recursive: true })
  renameSync(built, output)
}

/** Makes the binary for an architecture, unless it is there for these sources; returns its path. */
export function prebuild(arch = process.arch) {
  if (arch !== process.arch && CROSS[arch] === undefined) {
    const known = [...new Set([process.arch, ...Object.keys(CROSS)])]
    say(`No cross compiler is known for ${arch}, only for ${known.join(', ')}`)
    process.exit(2)
  }
  const programs = arch === process.arch ? compilers : CROSS[arch].programs
  needPrograms({ ...programs, readelf: 'binutils' }, { required: true })
  installDependencies()
  const output = join('prebuilds', `linux-${arch}`, 'emucxl.node')
  const inputs = [...SOURCES, 'scripts/prebuild.mjs', 'scripts/elf-versions.mjs']
  whenChanged(`prebuild-${arch}`, inputs, output, () => build(arch, join(root, output)))
  return join(root, output)
}

/** The binaries of every architecture for which a compiler is there; none of older sources stays. */
function prebuildAll() {
  const crossed = Object.keys(CROSS).filter(
    (arch) => arch !== process.arch && Object.keys(CROSS[arch].programs).every(onPath),
  )
  const made = [process.arch, ...crossed]
  mkdirSync(join(root, 'prebuilds'), { recursive: true })
  for (const folder of readdirSync(join(root, 'prebuilds'))) {
    if (made.some((arch) => folder === `linux-${arch}`)) continue
    say(`Deleting prebuilds/${folder}: it cannot be made anew here (--arch NAME gets the compiler)`)
    rmSync(join(root, 'prebuilds', folder), { recursive: true })
  }
  return made.map((arch) => prebuild(arch))
}

if (isProgram(import.meta.url)) {
  const { values } = parseArgs({ options: { arch: { type: 'string' } } })
  for (const file of values.arch === undefined ? prebuildAll() : [prebuild(values.arch)]) {
    say(`${relative(root, file)}: ${Math.ceil(statSync(file).size / 1024)} KiB`)
  }
}
