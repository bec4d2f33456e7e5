// The cache of what is downloaded and built: whole or not there, and never damaged unnoticed.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cached, cacheFolder, digest } from '../../dist/appliance/cache.js'

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
  ['no checksums', (folder: string) => rmSync(join(folder, 'SHA256SUMS'))],
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
