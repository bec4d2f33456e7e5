// A kernel that finds faults of a module: Debian's source of Linux 6.12, with KASAN, lockdep, kmemleak
// and more. It takes minutes to build and tens of seconds to boot, and only tests want it.

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../lib/memory/host.js'
import { digest } from './cache.js'
import { command } from './command.js'
import { Debian } from './debian.js'
import { needPrograms } from './host.js'

const SOURCE = 'linux-source-6.12'

/** What the kernel is built with, beyond a tiny one. */
const CONFIG: string = join(packageRoot, 'appliance/guest/debug.config')

/** Beyond what the appliance itself needs, by the Debian package. */
const NEEDED = {
  flex: 'flex',
  bison: 'bison',
  bc: 'bc',
  '/usr/include/gelf.h': 'libelf-dev',
}

/** Names it in the cache and, by its release, to what is built for it. */
export async function debugKernelName(): Promise<string> {
  return `debug-${digest([await readFile(CONFIG)])}`
}

/** Kconfig drops in silence what it finds to be impossible. */
async function configure(source: string): Promise<void> {
  const wanted = await readFile(CONFIG, 'utf8')
  const config = join(source, '.config')
  await command('make', ['-C', source, 'tinyconfig'])
  const name = await debugKernelName()
  const more = `CONFIG_LOCALVERSION="-${name}"\n# CONFIG_WERROR is not set\n`
  await writeFile(config, `${await readFile(config, 'utf8')}${wanted}${more}`)
  await command('make', ['-C', source, 'olddefconfig'])
  const all = new Set((await readFile(config, 'utf8')).split('\n'))
  const lost = wanted.match(/^(CONFIG_.*|# CONFIG_.* is not set)$/gm)?.filter((x) => !all.has(x))
  if (lost?.length) throw new Error(`${CONFIG}: Kconfig dropped ${lost.join(', ')}`)
}

/** Builds it into a folder: `vmlinuz`, `release`, `modules` (none: all is built in) and `headers`. */
export async function buildDebugKernel(folder: string, say: (text: string) => void): Promise<void> {
  await needPrograms(NEEDED)
  const unpacked = join(folder, 'unpacked')
  const source = join(folder, 'source')
  await mkdir(unpacked)
  await mkdir(source)
  say(`Downloading ${SOURCE}`)
  await new Debian().unpack([SOURCE], unpacked)
  const archive = join(unpacked, `usr/src/${SOURCE}.tar.xz`)
  await command('tar', ['-xJf', archive, '-C', source, '--strip-components=1'])
  await rm(unpacked, { recursive: true })
  await configure(source)
  say('Building the debug kernel, which takes minutes')
  await command('make', ['-C', source, `-j${availableParallelism()}`, 'bzImage', 'modules'])
  const release = await readFile(join(source, 'include/config/kernel.release'), 'utf8')
  await writeFile(join(folder, 'release'), release.trim())
  await copyFile(join(source, 'arch/x86/boot/bzImage'), join(folder, 'vmlinuz'))
  await mkdir(join(folder, 'modules'))
  const extract = join(source, 'scripts/package/install-extmod-build')
  await command('sh', [extract, join(folder, 'headers')], {
    cwd: source,
    env: { ...process.env, srctree: source, SRCARCH: 'x86', CC: 'gcc', HOSTCC: 'gcc' },
  })
  await rm(source, { recursive: true })
}
