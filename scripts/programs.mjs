// Programs that Debian's packages bring: whether they are there, and how they come. Part of the
// package that npm installs, since `emucxl vm` needs some, too.

import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'

export function say(text) {
  process.stderr.write(`${text}\n`)
}

export function onPath(program) {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function isThere(name) {
  if (name.startsWith('/')) return existsSync(name)
  if (!name.endsWith('.h')) return onPath(name)
  return ['/usr/include', '/usr/local/include'].some((folder) => existsSync(join(folder, name)))
}

/**
 * Sees to programs, header files and other files of Debian packages: as root it installs what is
 * missing, else it says what to run. Returns whether all are there; ends the process where
 * `required` ones are not.
 * @param {Record<string, string>} programs by program, header or absolute path: the package
 * @param {{ required: boolean }} options
 */
export function needPrograms(programs, { required }) {
  const missing = () => [
    ...new Set(
      Object.entries(programs)
        .filter(([name]) => !isThere(name))
        .map(([, pkg]) => pkg),
    ),
  ]
  const packages = missing()
  if (packages.length === 0) return true
  if (process.getuid() === 0 && onPath('apt-get')) {
    say(`Installing ${packages.join(', ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit', env })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env,
    })
    if (missing().length === 0) return true
  }
  say(`Missing: ${packages.join(', ')}. Install with:\n  apt-get install -y ${packages.join(' ')}`)
  if (required) process.exit(1)
  return false
}
