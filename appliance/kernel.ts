// The kernels that guests run, and the module built for each.

import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../lib/memory/host.js'
import { cached, digest } from './cache.js'
import { command } from './command.js'
import { Debian } from './debian.js'
import { buildDebugKernel, debugKernelName } from './debug-kernel.js'

/** Kernel versions by the Debian package that depends on the newest build of each. */
const META_PACKAGES = {
  '6.1': 'linux-image-amd64',
  '6.12': 'linux-image-6.12-amd64',
} as const

/** One of Debian's, or the one that finds faults. */
export type KernelVersion = keyof typeof META_PACKAGES | 'debug'

/** What a guest loads before it can see folders of the host; with those they depend on. */
const GUEST_MODULES = ['virtio_pci', '9pnet_virtio', '9p']

type Say = (text: string) => void

export interface Kernel {
  /** As `uname -r` has it. */
  release: string
  image: string
  /** Module files, in the order in which they are loaded. */
  modules: readonly string[]
  /** Gives the folder to build modules in. */
  headers: (say: Say) => Promise<string>
}

async function findModules(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  const found = new Map<string, string>()
  for (const entry of entries) {
    const name = /^(.*)\.ko(\.xz)?$/.exec(entry.name)?.[1]
    if (name !== undefined) found.set(name.replaceAll('-', '_'), join(entry.parentPath, entry.name))
  }
  return found
}

/** What a module says of itself: `depends=a,b` and the like, in its section .modinfo. */
function dependsOn(module: Buffer): string[] {
  const at = module.indexOf('\0depends=')
  if (at < 0) return []
  const begin = at + '\0depends='.length
  const names = module.toString('latin1', begin, module.indexOf('\0', begin))
  return names === '' ? [] : names.split(',').map((name) => name.replaceAll('-', '_'))
}

/** Unpacks the guest's modules into a folder, numbered as they are to be loaded. */
async function takeModules(from: string, to: string): Promise<void> {
  const all = await findModules(from)
  const taken = new Set<string>()
  const take = async (name: string): Promise<void> => {
    const path = all.get(name)
    if (taken.has(name) || path === undefined) return // one that is missing is built in
    taken.add(name)
    const plain = join(to, `${name}.ko`)
    await copyFile(path, path.endsWith('.ko') ? plain : `${plain}.xz`)
    if (!path.endsWith('.ko')) await command('xz', ['--decompress', `${plain}.xz`])
    for (const other of dependsOn(await readFile(plain))) await take(other)
    await rename(plain, join(to, `${String(loaded++).padStart(2, '0')}-${name}.ko`))
  }
  let loaded = 0
  await mkdir(to, { recursive: true })
  for (const name of GUEST_MODULES) await take(name)
}

async function fetchKernel(version: keyof typeof META_PACKAGES, folder: string): Promise<void> {
  const debian = new Debian()
  const dependencies = await debian.dependencies(META_PACKAGES[version])
  const name = dependencies.find((dependency) => dependency.startsWith('linux-image-'))
  if (name === undefined) throw new Error(`Debian has no kernel ${version}`)
  const release = name.slice('linux-image-'.length)
  const unpacked = join(folder, 'unpacked')
  await mkdir(unpacked)
  await debian.unpack([name], unpacked)
  await copyFile(join(unpacked, `boot/vmlinuz-${release}`), join(folder, 'vmlinuz'))
  await takeModules(join(unpacked, 'lib/modules', release), join(folder, 'modules'))
  await writeFile(join(folder, 'release'), release)
  await rm(unpacked, { recursive: true })
}

/** The folder of a kernel: `vmlinuz`, `release` and `modules`. */
async function kernelFolder(version: KernelVersion, say: Say): Promise<string> {
  if (version === 'debug') {
    return cached(`kernel-${await debugKernelName()}`, (fresh) => buildDebugKernel(fresh, say))
  }
  return cached(`kernel-${version}`, async (fresh) => {
    say(`Downloading Linux ${version}`)
    await fetchKernel(version, fresh)
  })
}

/** A kernel: downloaded or built if it is not in the cache. */
export async function kernel(version: KernelVersion, say: Say): Promise<Kernel> {
  const folder = await kernelFolder(version, say)
  const modules = (await readdir(join(folder, 'modules'))).sort()
  const release = await readFile(join(folder, 'release'), 'utf8')
  return {
    release,
    image: join(folder, 'vmlinuz'),
    modules: modules.map((name) => join(folder, 'modules', name)),
    headers: async (tell) =>
      version === 'debug' ? join(folder, 'headers') : debianHeaders(release, tell),
  }
}

/** The headers of a kernel of Debian's, unpacked where they can stay. */
async function debianHeaders(release: string, say: Say): Promise<string> {
  const flavour = `linux-headers-${release}`
  const folder = await cached(`headers-${release}`, async (fresh) => {
    say(`Downloading the headers of Linux ${release}`)
    const debian = new Debian()
    const others = await debian.dependencies(flavour).catch((error) => {
      const remedy = 'emucxl vm clean makes room for its newest kernel'
      throw new Error(`Debian has no headers of Linux ${release} any more: ${remedy}`, {
        cause: error,
      })
    })
    const needed = others.filter((name) => /^linux-(headers|kbuild)-/.test(name))
    await debian.unpack([flavour, ...needed], fresh)
    // Their Makefile includes that of the common part, by the path where Debian installs it.
    const makefile = join(fresh, 'usr/src', flavour, 'Makefile')
    const text = await readFile(makefile, 'utf8')
    await writeFile(makefile, text.replace('/usr/src/', '../'))
  })
  return join(folder, 'usr/src', flavour)
}

/** The module's sources. */
export const MODULE_SOURCES: string = join(packageRoot, 'kmod')

/** The files to build from, without what was built among them. */
async function sourceFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names.filter((name) => /(\.[ch]|^Kbuild)$/.test(name) && !name.endsWith('.mod.c')).sort()
}

/** emucxl.ko for a kernel; built if its sources have changed. */
export async function kernelModule(
  { release, headers }: Kernel,
  sources: string,
  say: Say,
): Promise<string> {
  const names = await sourceFiles(sources)
  const contents = await Promise.all(names.map((name) => readFile(join(sources, name))))
  const folder = await cached(`module-${release}-${digest(contents)}`, async (fresh) => {
    const build = await headers(say)
    say(`Building emucxl.ko for Linux ${release}`)
    for (const [i, name] of names.entries()) {
      await writeFile(join(fresh, name), contents[i] as Buffer)
    }
    const jobs = `-j${availableParallelism()}`
    // Debian's kernels have BTF, for which module builds want pahole: it is of no use here.
    await command('make', [jobs, 'CONFIG_DEBUG_INFO_BTF_MODULES=', '-C', build, `M=${fresh}`])
    for (const name of await readdir(fresh)) {
      if (name !== 'emucxl.ko') await rm(join(fresh, name), { recursive: true })
    }
    if (!existsSync(join(fresh, 'emucxl.ko'))) throw new Error('make left no emucxl.ko')
  })
  return join(folder, 'emucxl.ko')
}
