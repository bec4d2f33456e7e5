// A user of the package: an empty folder, npm, and a PATH that holds what the user has installed.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { root } from '../../scripts/setup.mjs'

export interface Outcome {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder of its own for this test file, deleted after it. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-package-'))
  folders.push(folder)
  return folder
}

function onPath(program: string): string {
  const found = spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()
  if (found === '') throw new Error(`${program} is not on the PATH`)
  return realpathSync(found)
}

/** A PATH with node, npm and sh, and nothing else: no compiler, no make, no Python. */
export function barePath(): string {
  const bin = join(emptyFolder(), 'bin')
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  for (const program of ['npm', 'sh']) symlinkSync(onPath(program), join(bin, program))
  return bin
}

/** The environment of a shell, without what the npm that runs these tests has put there. */
function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const ours = /^(npm_|node_|init_cwd|emucxl_|vitest|vite_|dev$|prod$|ssr$|mode$|base_url$|test$)/i
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  return { ...Object.fromEntries(kept), ...extra }
}

export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  extra: Record<string, string> = {},
): Outcome {
  const options = { cwd, env: environment(extra), encoding: 'utf8', maxBuffer: 1 << 28 } as const
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, options)
  if (error !== undefined) throw error
  return { status, signal, stdout, stderr }
}

/** Runs npm in a folder, with a cache and settings of its own; fails where it fails. */
export function npm(args: readonly string[], cwd: string, extra: Record<string, string> = {}) {
  const outcome = run('npm', args, cwd, {
    npm_config_cache: join(cwd, '.npm'),
    npm_config_update_notifier: 'false',
    ...extra,
  })
  if (outcome.status !== 0) {
    throw new Error(`npm ${args.join(' ')}: ${outcome.stdout}${outcome.stderr}`)
  }
  return outcome
}

export interface Tarball {
  file: string
  /** Paths inside the package, sorted. */
  files: string[]
  /** Bytes, packed and unpacked. */
  size: number
  unpackedSize: number
}

/** `npm pack` of a folder, as it is. */
export function pack(folder: string = root): Tarball {
  const into = emptyFolder()
  const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', into]
  const { stdout } = npm(words, folder, { npm_config_cache: join(into, '.npm') })
  // npm 12 answers with an object by package name, where earlier ones did with a list.
  const [report] = Object.values(JSON.parse(stdout)) as [
    { filename: string; files: { path: string }[]; size: number; unpackedSize: number },
  ]
  return {
    file: join(into, report.filename),
    files: report.files.map(({ path }) => path).sort(),
    size: report.size,
    unpackedSize: report.unpackedSize,
  }
}

/** Installs a tarball into an empty folder, which it returns. It has no dependencies to download. */
export function install(tarball: Tarball, flags: string[], extra: Record<string, string> = {}) {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'package.json'), '{ "name": "somebody", "private": true }\n')
  npm(['install', '--offline', '--no-audit', '--no-fund', ...flags, tarball.file], folder, extra)
  return folder
}
