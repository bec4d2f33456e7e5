// The guest's first and only root file system: a busybox, the running Node.js with the libraries it
// needs, kernel modules, and /init. Folders of the host join it when it runs.

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../lib/memory/host.js'
import { cached, digest, forgetOlder } from './cache.js'
import { command } from './command.js'
import { type Entry, writeArchive } from './cpio.js'
import { Debian } from './debian.js'
import type { Kernel } from './kernel.js'

const THIS_FILE = fileURLToPath(import.meta.url)
const INIT = join(packageRoot, 'appliance/guest/init')

/** From Debian: the guest's commands, and what the backend `numa` loads. */
const TOOLS = ['busybox-static', 'libnuma1']
const BUSYBOX = 'bin/busybox'
const LIBNUMA = 'usr/lib/x86_64-linux-gnu/libnuma.so.1'

/** Users, and names of hosts. */
const NAMES = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n',
  'etc/group': 'root:x:0:\nemucxl:x:900:\nnogroup:x:65534:\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
}

const FOLDERS = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'bin', 'sbin', 'usr/bin', 'modules']

/** Of the C library: other programs, and addons built elsewhere, look for these. */
const C_LIBRARIES = [
  ...['libdl.so.2', 'libm.so.6', 'libnss_files.so.2', 'libpthread.so.0', 'libresolv.so.2'],
  'librt.so.1',
]

/** A program's shared libraries, and what loads them: by the paths that it looks for. */
async function libraries(program: string): Promise<string[]> {
  const text = await command('ldd', [program]).catch(() => '') // fails for a static one
  const found = [...text.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path as string)
  const libc = found.find((path) => basename(path) === 'libc.so.6')
  if (libc === undefined) return found
  const others = C_LIBRARIES.map((name) => join(dirname(libc), name)).filter(existsSync)
  return [...new Set([...found, ...others])]
}

/** Debian's own Node.js reads some of its JavaScript from files, whose names are in its libraries. */
function scripts(binary: Buffer): string[] {
  const names = binary.toString('latin1').match(/\/usr\/share\/nodejs\/[\w./-]+\.js\b/g) ?? []
  return [...new Set(names)].filter(existsSync)
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
  const node = await readFile(realpathSync(process.execPath))
  add('usr/bin/node', node)
  const found = new Set(scripts(node))
  for (const path of await libraries(process.execPath)) {
    const data = await readFile(path)
    add(path.slice(1), data)
    for (const script of scripts(data)) found.add(script)
  }
  for (const path of found) add(path.slice(1), await readFile(path), 0o644)
  add(LIBNUMA, await readFile(join(tools, LIBNUMA)))
  for (const [path, text] of Object.entries(NAMES)) add(path, Buffer.from(text), 0o644)
  for (const path of kernel.modules) add(`modules/${basename(path)}`, await readFile(path), 0o644)
  return all
}

/** The archive to boot with; made if something that goes into it has changed. */
export async function image(kernel: Kernel, say: (text: string) => void): Promise<string> {
  const tools = await cached('tools', async (fresh) => {
    say('Downloading the guest’s commands')
    await new Debian().unpack(TOOLS, fresh)
  })
  const inputs = [THIS_FILE, INIT, ...kernel.modules].map((path) => readFileSync(path))
  const prefix = `image-${kernel.release}-`
  const { size, mtimeMs } = statSync(process.execPath)
  const node = [process.execPath, process.version, String(size), String(mtimeMs)]
  const name = digest([...node, ...inputs])
  const folder = await cached(`${prefix}${name}`, async (fresh) => {
    say('Building the guest’s file system')
    await forgetOlder(prefix) // 100 MB each, and made anew quickly
    writeArchive(join(fresh, 'initramfs.cpio'), entries(await collect(kernel, tools)))
  })
  return join(folder, 'initramfs.cpio')
}
