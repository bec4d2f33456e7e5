// The cache of what is downloaded and built: whole or not there, and never damaged unnoticed.

import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cached, cacheFolder, clean, digest } from '../../dist/appliance/cache.js'

beforeEach(() => {
  process.env['EMUCXL_CACHE'] = mkdtempSync(join(tmpdir(), 'emucxl-cache-'))
})

afterEach(() => {
  rmSync(cacheFolder(), { recursive: true })
  delete process.env['EMUCXL_CACHE']
})

let made = 0

async function make(folder: string): Promise<void> {
  made++
  writeFileSync(join(folder, 'file'), 'contents')
}

test('is made once', async () => {
  made = 0
  const folder = await cached('thing', make)
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('contents')
  expect(await cached('thing', make)).toBe(folder)
  expect(made).toBe(1)
})

test.each([
  ['a changed file', (folder: string) => writeFileSync(join(folder, 'file'), 'contentz')],
  ['a missing file', (folder: string) => rmSync(join(folder, 'file'))],
  ['a file too many', (folder: string) => writeFileSync(join(folder, 'other'), '')],
  ['no checksums', (folder: string) => rmSync(join(folder, 'SHA256SUMS'))],
  ['an empty list of them', (folder: string) => writeFileSync(join(folder, 'SHA256SUMS'), '')],
])('is made anew with %s', async (_, damage) => {
  made = 0
  const folder = await cached('thing', make)
  damage(folder)
  await cached('thing', make)
  expect(made).toBe(2)
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('contents')
})

test('leaves nothing when the making fails', async () => {
  const failing = async (folder: string) => {
    await make(folder)
    throw new Error('out of luck')
  }
  await expect(cached('thing', failing)).rejects.toThrow('out of luck')
  expect(readdirSync(cacheFolder())).toEqual([])
})

test('two that want it at the same time both get it whole', async () => {
  const folders = await Promise.all([cached('thing', make), cached('thing', make)])
  for (const folder of folders) {
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('contents')
  }
  expect(readdirSync(cacheFolder())).toEqual(['thing'])
})

test('a digest tells parts apart, not only their sum', () => {
  expect(digest(['ab', 'c'])).not.toBe(digest(['a', 'bc']))
  expect(digest(['a', Buffer.from('b')])).toBe(digest(['a', 'b']))
})

test('a cache that cannot be written names the remedy', async () => {
  const writable = cacheFolder()
  process.env['EMUCXL_CACHE'] = '/proc/emucxl' // where not even root makes folders
  await expect(cached('thing', make)).rejects.toThrow(/^\/proc\/emucxl .* set EMUCXL_CACHE/)
  process.env['EMUCXL_CACHE'] = writable
})

test('two who want it at once get what one of them made, whole at any time', async () => {
  made = 0
  let seen = 0
  const watch = setInterval(() => {
    if (existsSync(join(cacheFolder(), 'thing'))) {
      expect(readFileSync(join(cacheFolder(), 'thing/file'), 'utf8')).toBe('contents')
      seen++
    }
  }, 1)
  const folders = await Promise.all([cached('thing', make), cached('thing', make)])
  await setTimeout(50)
  clearInterval(watch)
  expect(folders[0]).toBe(folders[1])
  expect(made).toBe(1)
  expect(seen).toBeGreaterThan(0)
})

test('what a maker that was killed left goes with the next', async () => {
  const left = join(cacheFolder(), `thing.${randomUUID()}`)
  mkdirSync(left)
  await cached('thing', make)
  expect(existsSync(left)).toBe(false)
})

test('clean deletes what the appliance made, and nothing else', async () => {
  await cached('kernel-6.12', make)
  await cached('tools', make)
  mkdirSync(join(cacheFolder(), 'photographs'))
  await clean()
  expect(readdirSync(cacheFolder())).toEqual(['photographs'])
})

test.each([
  ['', '/home/me/.cache'],
  ['relative', '/home/me/.cache'],
  ['/elsewhere', '/elsewhere'],
])('with XDG_CACHE_HOME=%j it lies in %s', (value, parent) => {
  const folder = cacheFolder()
  delete process.env['EMUCXL_CACHE']
  vi.stubEnv('HOME', '/home/me')
  vi.stubEnv('XDG_CACHE_HOME', value)
  expect(cacheFolder()).toBe(join(parent, 'emucxl'))
  vi.unstubAllEnvs()
  process.env['EMUCXL_CACHE'] = folder
})

test('a path in which no module can be built is refused', () => {
  vi.stubEnv('EMUCXL_CACHE', '/a path')
  expect(() => cacheFolder()).toThrow(/EMUCXL_CACHE to a path without blanks/)
  vi.unstubAllEnvs()
})
