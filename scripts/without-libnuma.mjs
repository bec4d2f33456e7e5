// A command that runs another where libnuma.so.1 is not installed: in a mount namespace, with an
// overlay over the folders that hold it, and the library deleted from the overlay. It is as absent
// as on a machine without it, and nothing outside the namespace sees that.

import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'

/** Folders in which the dynamic linker finds libnuma. */
function folders() {
  const listed = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? ''
  const files = [...listed.matchAll(/\slibnuma\.so\.1 .*=> (\S+)/g)].map(([, file]) => file)
  return [...new Set(files.filter(existsSync).map((file) => realpathSync(dirname(file))))]
}

// The overlay keeps its notes of deletions on a tmpfs, which goes when the namespace does.
function script(hidden) {
  const overlay = (folder, n) => `
    mkdir "$notes/upper-${n}" "$notes/work-${n}"
    mount -t overlay overlay \\
      -o "lowerdir=${folder},upperdir=$notes/upper-${n},workdir=$notes/work-${n}" "${folder}"
    rm "${folder}"/libnuma.so.1*`
  return `set -e
    notes=$(mktemp -d)
    tidy() { umount -l "$notes" 2>&- || true; rmdir "$notes"; }
    trap tidy EXIT
    mount -t tmpfs tmpfs "$notes"
    ${hidden.map(overlay).join('\n')}
    tidy
    exec "$@"`
}

/**
 * `{ command }`, the words to put before a command line, or `{ reason }` why the library cannot be
 * hidden here. Where there is none, there are no words to put.
 */
export function withoutLibnuma() {
  const hidden = folders()
  if (hidden.length === 0) return { command: [] }
  const user = process.getuid() === 0 ? [] : ['--map-root-user']
  const command = ['unshare', ...user, '--mount', 'sh', '-c', script(hidden), 'sh']
  const trial = spawnSync(command[0], [...command.slice(1), 'true'], { encoding: 'utf8' })
  if (trial.status === 0) return { command }
  const why = trial.error?.message ?? trial.stderr.trim().split('\n')[0]
  return { reason: `libnuma.so.1 cannot be hidden here: ${why}` }
}
