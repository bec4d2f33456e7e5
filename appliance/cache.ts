// What is downloaded and built, kept from run to run: folders that appear whole or not at all, with
// the checksums of their files.

import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const MANIFEST = 'SHA256SUMS'

/** EMUCXL_CACHE, or emucxl in the user's cache folder. */
export function cacheFolder(): string {
  const { EMUCXL_CACHE, XDG_CACHE_HOME } = process.env
  return EMUCXL_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'emucxl')
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

/** Whether every file is there as it was when the folder was made. */
async function intact(folder: string): Promise<boolean> {
  const manifest = await readFile(join(folder, MANIFEST), 'utf8').catch(() => undefined)
  if (manifest === undefined) return false
  for (const line of manifest.trimEnd().split('\n')) {
    const [sum, name] = line.split('  ') as [string, string]
    const path = join(folder, name)
    if (!existsSync(path) || (await sha256(path)) !== sum) return false
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
 * A folder of the cache, by its name: made by `make`, which fills an empty folder, unless it is
 * there and intact. Two processes may want it at the same time.
 */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), name)
  if (await intact(folder)) return folder
  const fresh = `${folder}.${randomUUID()}`
  await makeFolder(fresh).catch((error) => {
    const remedy = 'set EMUCXL_CACHE to a folder that can be written'
    throw new Error(`${cacheFolder()} cannot be written: ${remedy}`, { cause: error })
  })
  try {
    await make(fresh)
    await seal(fresh)
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder).catch(async (error) => {
      if (!(await intact(folder))) throw error // else another process was quicker
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
  return folder
}

/** Deletes finished folders of the cache whose names begin so. A guest that runs has its files open. */
export async function forget(prefix: string): Promise<void> {
  for (const name of await readdir(cacheFolder())) {
    const unfinished = name.includes('.', prefix.length)
    if (name.startsWith(prefix) && !unfinished) {
      await rm(join(cacheFolder(), name), { recursive: true, force: true })
    }
  }
}

/** A short name for contents: equal parts give equal names. */
export function digest(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex').slice(0, 16)
}
