// What is downloaded and built, kept from run to run: folders that appear whole or not at all, with
// the checksums of their files.

import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'

const MANIFEST = 'SHA256SUMS'

/** What a maker that was killed leaves. */
const UNFINISHED = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What the appliance keeps, among other things that may lie in the same folder. */
const OURS = /^(apt$|kvm-probe$|(headers|image|kernel|module|stress-ng|tools)\b)/

/** EMUCXL_CACHE, or emucxl in the user's cache folder. */
export function cacheFolder(): string {
  const { EMUCXL_CACHE, XDG_CACHE_HOME } = process.env
  const absolute = XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)
  const base = absolute ? XDG_CACHE_HOME : join(homedir(), '.cache')
  const folder = EMUCXL_CACHE ? resolve(EMUCXL_CACHE) : join(base, 'emucxl')
  if (/[\s:]/.test(folder)) {
    const remedy = 'set EMUCXL_CACHE to a path without blanks and colons'
    throw new Error(`kernel modules cannot be built in ${folder}: ${remedy}`)
  }
  return folder
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => name !== MANIFEST)
    .sort()
}

async function seal(folder: string): Promise<void> {
  const lines = []
  for (const name of await files(folder)) lines.push(`${await sha256(join(folder, name))}  ${name}`)
  await writeFile(join(folder, MANIFEST), `${lines.join('\n')}\n`)
}

/** Whether exactly those files are there that were when the folder was made, and as they were. */
async function intact(folder: string): Promise<boolean> {
  const manifest = await readFile(join(folder, MANIFEST), 'utf8').catch(() => '')
  const sums = [...manifest.matchAll(/^([0-9a-f]{64}) {2}(.+)$/gm)]
  const names = sums.map(([, , name]) => name).join('\n')
  if (names === '' || names !== (await files(folder)).join('\n')) return false
  for (const [, sum, name] of sums) {
    if ((await sha256(join(folder, name as string))) !== sum) return false
  }
  return true
}

/** With its parents. Node's own way goes round for ever where nobody can make folders, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return
  await makeFolder(dirname(path))
  await mkdir(path).catch((error) => {
    if (error.code !== 'EEXIST') throw error
  })
}

/**
 * Runs `body` while no other process of this machine runs it for the same name. The lock is a socket
 * with an abstract name, which ends with the process that has it.
 */
export async function locked<T>(name: string, body: () => Promise<T>): Promise<T> {
  const server = createServer()
  const path = `\0emucxl-${digest([cacheFolder(), name])}`
  const taken = (): Promise<boolean> =>
    new Promise((done, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EADDRINUSE') done(true)
        else reject(error)
      }
      server.once('error', failed).listen(path, () => {
        server.off('error', failed)
        done(false)
      })
    })
  while (await taken()) await setTimeout(200)
  try {
    return await body()
  } finally {
    server.close()
  }
}

/**
 * A folder of the cache, by its name: made by `make`, which fills an empty folder, unless it is
 * there and intact.
 */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), name)
  if (await intact(folder)) return folder
  return locked(name, async () => {
    if (await intact(folder)) return folder // another process was quicker
    await forget((other) => other.startsWith(`${name}.`) && UNFINISHED.test(other))
    const fresh = `${folder}.${randomUUID()}`
    await makeFolder(fresh).catch((error) => {
      const remedy = 'set EMUCXL_CACHE to a folder that can be written'
      throw new Error(`${cacheFolder()} cannot be written: ${remedy}`, { cause: error })
    })
    try {
      await make(fresh)
      await seal(fresh)
      await rm(folder, { recursive: true, force: true })
      await rename(fresh, folder)
    } finally {
      await rm(fresh, { recursive: true, force: true })
    }
    return folder
  })
}

async function forget(which: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(cacheFolder()).catch(() => [])) {
    if (!which(name)) continue
    await rm(join(cacheFolder(), name), { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Deletes the finished folders whose names begin so, but the newest. */
export async function forgetOlder(prefix: string): Promise<void> {
  const times = new Map<string, number>()
  for (const name of await readdir(cacheFolder())) {
    if (!name.startsWith(prefix) || UNFINISHED.test(name)) continue
    times.set(name, (await stat(join(cacheFolder(), name))).mtimeMs)
  }
  const newest = [...times].sort(([, a], [, b]) => b - a)[0]?.[0]
  await forget((name) => times.has(name) && name !== newest)
}

/** Deletes what the appliance has put into the cache. */
export async function clean(): Promise<void> {
  await forget((name) => OURS.test(name))
  await rmdir(cacheFolder()).catch(() => {}) // it may hold what is not ours
}

/** A short name for contents: equal parts give equal names. */
export function digest(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex').slice(0, 16)
}
