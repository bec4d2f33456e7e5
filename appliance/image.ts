// The guest's first and only root file system: a busybox, the running Node.js with the libraries it
// needs, kernel modules, and /init. Folders of the host join it when it runs.

import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { packageRoot } from '../lib/memory/host.js'
import { cached, digest, forget } from './cache.js'
import { command } from './command.js'
import { type Entry, writeArchive } from './cpio.js'
import { Debian } from './debian.js'
import type { Kernel } from './kernel.js'

const INIT = join(packageRoot, 'appliance/guest/init')

/** From Debian: the guest's commands, and what the backend `numa` loads. */
const TOOLS = ['busybox-static', 'libnuma1']
const BUSYBOX = 'bin/busybox'
const LIBNUMA = 'usr/lib/x86_64-linux-gnu/libnuma.so.1'

const ACCOUNTS = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n',
  'etc/group': 'root:x:0:\nemucxl:x:900:\nnogroup:x:65534:\n',
}

const FOLDERS = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'bin', 'sbin', 'usr/bin', 'modules']

/** Of the C library: other programs, and addons built elsewhere, look for these. */
const C_LIBRARIES = ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'libresolv.so.2', 'librt.so.1']

/** A program's shared libraries, and what loads them: by the paths that it looks for. */
async function libraries(program: string): Promise<string[]> {
  const text = await command('ldd', [program]).catch(() => '') // fails for a static one
  const found = [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path as string)
  const libc = found.find((path) => basename(path) === 'libc.so.6')
  if (libc === undefined) return found
  const others = C_LIBRARIES.map((name) => join(dirname(libc), name)).filter(existsSync)
  return [...new Set([...found, ...others])]
}

/** Entries for files, by their paths in the guest, and for the folders above them. */
function* entries(files: Map<string, Entry>): Generator<Entry> {
  const made = new Set<string>(['.'])
  function* above(path: string): Generator<Entry> {
    const folder = dirname(path)
    if (made.has(folder)) return
    yield* above(folder)
    made.add(folder)
    yield { path: folder, type: 'folder' }
  }
  for (const [path, entry] of files) {
    yield* above(path)
    if (entry.type === 'folder') {
      if (made.has(path)) continue
      made.add(path)
    }
    yield entry
  }
}

async function collect(kernel: Kernel, tools: string): Promise<Map<string, Entry>> {
  const all = new Map<string, Entry>()
  const add = (path: string, data: Uint8Array, mode = 0o755): void => {
    all.set(path, { path, type: 'file', mode, data })
  }
  const link = (path: string, target: string): void => {
    all.set(path, { path, type: 'link', target })
  }
  for (const path of FOLDERS) all.set(path, { path, type: 'folder' })
  add('init', await readFile(INIT))
  add(BUSYBOX, await readFile(join(tools, BUSYBOX)))
  const applets = await command(join(tools, BUSYBOX), ['--list'])
  for (const name of applets.trim().split('\n')) {
    if (name !== 'busybox') link(`bin/${name}`, 'busybox')
  }
  link('usr/bin/env', '/bin/busybox')
  add('usr/bin/node', await readFile(realpathSync(process.execPath)))
  for (const path of await libraries(process.execPath)) add(path.slice(1), await readFile(path))
  add(LIBNUMA, await readFile(join(tools, LIBNUMA)))
  for (const [path, text] of Object.entries(ACCOUNTS)) add(path, Buffer.from(text), 0o644)
  for (const path of kernel.modules) add(`modules/${basename(path)}`, await readFile(path), 0o644)
  return all
}

/** The archive to boot with; made if something that goes into it has changed. */
export async function image(kernel: Kernel, say: (text: string) => void): Promise<string> {
  const tools = await cached('tools', async (fresh) => {
    say('Downloading the guest’s commands')
    await new Debian().unpack(TOOLS, fresh)
  })
  const inputs = [INIT, ...kernel.modules].map((path) => readFileSync(path))
  const prefix = `image-${kernel.release}-`
  const name = digest([process.version, process.execPath, C_LIBRARIES.join(), ...inputs])
  const folder = await cached(`${prefix}${name}`, async (fresh) => {
    say('Building the guest’s file system')
    await forget(prefix) // 100 MB each: the one of another Node.js is made anew quickly
    writeArchive(join(fresh, 'initramfs.cpio'), entries(await collect(kernel, tools)))
  })
  return join(folder, 'initramfs.cpio')
}
