// The build with cmake-js (CMakeLists.txt): a folder below .cache/ for each kind of it, beside
// node-gyp's build/, which node-gyp empties.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { say } from './programs.mjs'
import { cache, compilers, root, whenChanged } from './setup.mjs'

/** What it needs, by program or header: the Debian package. */
export const cmakePrograms = { ...compilers, cmake: 'cmake', 'doctest/doctest.h': 'doctest-dev' }

/** What each kind builds, and with which sanitizer. */
const KINDS = {
  plain: { sanitize: '', targets: ['native-unit', 'native-limits'] },
  address: { sanitize: 'address', targets: ['native-unit', 'emucxl'] },
  thread: { sanitize: 'thread', targets: ['native-unit'] },
}

const SOURCES = ['native', 'kmod/emucxl.h', 'test/native', 'binding.gyp', 'CMakeLists.txt']

export function folderOf(kind) {
  return join(cache, `cmake-${kind}`)
}

// Quiet, but for warnings. Throws with all that was said where it fails.
function quietly(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`
  if (result.status !== 0) {
    const said = `${output}${result.error?.message ?? ''}`
    throw new Error(`${said}\nfailed: ${[command, ...args].join(' ')}`)
  }
  for (const line of output.split('\n')) if (/\bwarning:/i.test(line)) say(line)
}

/** Writes the folder's makefiles and compile_commands.json; returns the folder. */
export function configure(kind) {
  const folder = folderOf(kind)
  const settings = join(folder, 'CMakeCache.txt')
  if (existsSync(settings) && !readFileSync(settings, 'utf8').includes(`=${root}\n`)) {
    rmSync(folder, { recursive: true }) // it came along when the whole tree was copied
  }
  const args = ['configure', '--out', folder, '-G', 'Unix Makefiles']
  args.push(`--CDEMUCXL_SANITIZE=${KINDS[kind].sanitize}`)
  quietly(process.execPath, [join(root, 'node_modules/cmake-js/bin/cmake-js'), ...args])
  return folder
}

/** Builds what has changed; returns the folder. */
export function compile(kind) {
  const folder = folderOf(kind)
  whenChanged(`cmake-${kind}`, SOURCES, join('.cache', `cmake-${kind}`, 'native-unit'), () => {
    say(`Building the native tests: ${kind}`)
    configure(kind)
    const jobs = String(cpus().length || 1)
    quietly('cmake', ['--build', folder, '--parallel', jobs, '--target', ...KINDS[kind].targets])
  })
  return folder
}
