// A command that runs another where libnuma.so.1 is not installed: in a mount namespace, with an
// overlay over the folders that hold it, and the library deleted from the overlay. It is as absent
// as on a machine without it, and nothing outside the namespace sees that.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, realpathSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const LIBRARY = 'libnuma.so.1'

/** Folders in which the dynamic linker finds libnuma. */
function folders() {
  const listed = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? ''
  const files = [...listed.matchAll(/\slibnuma\.so\.1 .*=> (\S+)/g)].map(([, file]) => file)
  return [...new Set(files.filter(existsSync).map((file) => realpathSync(join(file, '..'))))]
}

/**
 * `{ command }`, the words to put before a command line, or `{ reason }` why it cannot be hidden
 * here. Where there is no libnuma, there are no words to put.
 */
export function withoutLibnuma() {
  const hidden = folders()
  if (hidden.length === 0) return { command: [] }
  // The overlay notes deletions in folders of its own, on a tmpfs that goes with the namespace.
  const scratch = mkdtempSync(join(tmpdir(), 'emucxl-without-libnuma-'))
  process.once('exit', () => rmdirSync(scratch))
  const steps = hidden.map((folder, n) => {
    const [upper, work] = ['upper', 'work'].map((name) => `${scratch}/${name}-${n}`)
    return (
      `mkdir ${upper} ${work} && ` +
      `mount -t overlay overlay -o lowerdir=${folder},upperdir=${upper},workdir=${work} ${folder} && ` +
      `rm ${folder}/libnuma.so.1*`
    )
  })
  const script = [`mount -t tmpfs tmpfs ${scratch}`, ...steps, 'exec "$@"'].join(' && ')
  const user = process.getuid() === 0 ? [] : ['--map-root-user']
  const command = ['unshare', ...user, '--mount', 'sh', '-c', script, 'sh']
  const trial = spawnSync(command[0], [...command.slice(1), 'true'], { encoding: 'utf8' })
  if (trial.status === 0) return { command }
  const why = trial.error?.message ?? trial.stderr.trim().split('\n')[0]
  return { reason: `${LIBRARY} cannot be hidden here: ${why}` }
}
