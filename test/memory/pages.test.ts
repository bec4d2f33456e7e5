// The page options: huge pages, locked pages, pages that have their memory from the start.

import { readFileSync, writeFileSync } from 'node:fs'
import { Emucxl } from 'emucxl'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { obstacle } from '../../dist/lib/memory/backends.js'
import { keep } from './collect.js'
import { eachBackend } from './each-backend.js'
import { bytesOf, emucxlError, expectBytes, filled, pattern, Untouched } from './refusal.js'

const PAGE = 4096
const HUGE = 2 ** 21
const POOL = '/proc/sys/vm/nr_hugepages'

/** A field of this process's status, in bytes. */
function status(field: string): number {
  const text = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024
}

/** The flags that the kernel has for the mapping of some memory, by what changes with `use`. */
function resident(use: () => void): number {
  const before = status('VmRSS')
  use()
  return status('VmRSS') - before
}

eachBackend(({ name, open, hugePages, eager }) => {
  describe('prefault', () => {
    test('gives every page its memory', async () => {
      using cxl = open()
      for (const block of [
        cxl.alloc(10 * PAGE, 1, { prefault: true }),
        await cxl.allocAsync(10 * PAGE, 1, { prefault: true }),
      ]) {
        const { nodes, untouched } = cxl.where(block)
        expect(untouched).toBe(0)
        expect(Object.values(nodes)).toEqual([10])
        expect(bytesOf(block)).toEqual(new Uint8Array(10 * PAGE))
      }
      expect(cxl.where(cxl.alloc(10 * PAGE, 1)).untouched).toBe(eager ? 0 : 10)
    })

    test('of the context holds for its blocks that do not say otherwise', () => {
      using cxl = open({ prefault: true })
      expect(cxl.where(cxl.alloc(PAGE, 0)).untouched).toBe(0)
      expect(cxl.where(cxl.alloc(PAGE, 0, {})).untouched).toBe(0)
      const { untouched } = cxl.where(cxl.alloc(PAGE, 0, { prefault: false }))
      expect(untouched).toBe(eager ? 0 : 1)
    })

    test('takes memory now: the process grows by it', () => {
      using cxl = open({ capacity: { local: 2 ** 30 } })
      const grown = resident(() => cxl.alloc(64 * 2 ** 20, 0, { prefault: true }))
      expect(grown).toBeGreaterThan(48 * 2 ** 20)
    })
  })

  describe('lock', () => {
    test('keeps the pages in memory, and says so', ({ skip }) => {
      if (process.env['LD_PRELOAD']?.includes('libasan')) {
        return skip('the address sanitizer makes mlock do nothing')
      }
      using cxl = open()
      const before = status('VmLck')
      const block = cxl.alloc(10 * PAGE, 0, { lock: true })
      // Pages of the module are never swapped: the kernel counts none of them as locked.
      expect(status('VmLck') - before).toBe(eager ? 0 : 10 * PAGE)
      expect(cxl.mappings()).toMatchObject([{ locked: true }])
      expect(cxl.where(block).untouched).toBe(0)
      new Uint8Array(block).fill(3)
      cxl.free(block)
      expect(status('VmLck')).toBe(before)
      expect(bytesOf(cxl.alloc(10 * PAGE, 0))).toEqual(new Uint8Array(10 * PAGE))
    })

    test('of the context holds for its blocks that do not say otherwise', () => {
      using cxl = open({ lock: true })
      keep(cxl.alloc(1, 0))
      keep(cxl.alloc(2, 0, { lock: false }))
      const rows = cxl.mappings().map(({ size, locked }) => [size, locked])
      expect(rows.sort()).toEqual([
        [1, true],
        [2, false],
      ])
    })
  })

  describe('hugePages', () => {
    if (!hugePages) {
      test.for(['prefer', 'require'] as const)('%s is refused', async (hugePages) => {
        using cxl = open()
        const untouched = new Untouched(cxl, filled(cxl, 100, 0))
        const wanted = emucxlError('UNSUPPORTED', `'${name}' has no huge pages`, "hugePages 'off'")
        await untouched.refuses(() => cxl.alloc(HUGE, 0, { hugePages }), wanted)
        await untouched.refuses(() => cxl.allocAsync(HUGE, 0, { hugePages }), wanted)
      })
      return
    }

    test.for([1, PAGE + 1, HUGE, 3 * HUGE + 5])('prefer: %i bytes', (size) => {
      using cxl = open()
      const block = cxl.alloc(size, 0, { hugePages: 'prefer' })
      expectBytes(block, new Uint8Array(size))
      expect(cxl.mappings()).toMatchObject([{ hugePages: 'prefer', size, pageSize: PAGE }])
      new Uint8Array(block).set(pattern(size))
      const resized = cxl.resize(block, size + HUGE)
      expectBytes(new Uint8Array(resized, 0, size), pattern(size))
      expect(cxl.mappings()).toMatchObject([{ hugePages: 'prefer', size: size + HUGE }])
    })

    test('prefer takes transparent huge pages where the kernel gives them', ({ skip }) => {
      const thp = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8')
      if (thp.includes('[never]')) return skip('the kernel gives no transparent huge pages')
      using cxl = open()
      const field = new RegExp(`^${eager ? 'FilePmdMapped' : 'AnonHugePages'}:\\s+(\\d+) kB`, 'm')
      const huge = () => Number(field.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1])
      const before = huge()
      new Uint8Array(cxl.alloc(8 * HUGE, 0, { hugePages: 'prefer' })).fill(1)
      const preferred = huge()
      new Uint8Array(cxl.alloc(8 * HUGE, 0, { hugePages: 'off' })).fill(1)
      expect(preferred - before).toBeGreaterThanOrEqual(HUGE / 1024)
      if (!thp.includes('[always]')) expect(huge() - preferred).toBeLessThan(HUGE / 1024)
    })

    test('require of more than the pool has says how to fill it', async () => {
      using cxl = open({ capacity: { local: 2 ** 45 } })
      const untouched = new Untouched(cxl, filled(cxl, 100, 0))
      const pages = 2 ** 10 + Number(readFileSync(POOL, 'utf8'))
      const says = eager
        ? ['bytes of 2 MiB pages', "'prefer'"]
        : [`has not ${pages} free pages of 2 MiB`, `echo ${pages} > `, "ask for 'prefer'"]
      const wanted = emucxlError('NO_HUGE_PAGES', ...says)
      const hugePages = 'require'
      await untouched.refuses(() => cxl.alloc(pages * HUGE, 0, { hugePages }), wanted)
      await untouched.refuses(() => cxl.allocAsync(pages * HUGE, 0, { hugePages }), wanted)
    })

    test('require beyond the capacity is refused for that: it counts in whole pages', async () => {
      using cxl = open({ capacity: { local: HUGE - 1 } })
      const call = () => cxl.alloc(1, 0, { hugePages: 'require' })
      await new Untouched(cxl).refuses(call, emucxlError('NO_MEMORY', '2097152 are needed'))
    })
  })
})

describe('hugePages require, with pages in the pool', () => {
  let before: string | undefined
  let reason = ''

  beforeAll(() => {
    try {
      before = readFileSync(POOL, 'utf8')
      writeFileSync(POOL, String(Number(before) + 8))
      const free = /HugePages_Free:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
      if (Number(free) < 8) reason = 'the kernel found no huge pages for the pool'
    } catch (error) {
      reason = `the pool cannot be filled by this user: ${(error as Error).message}`
    }
  })

  afterAll(() => {
    if (before !== undefined && reason === '') writeFileSync(POOL, before)
  })

  for (const backend of ['emulated', 'numa'] as const) {
    test(`on ${backend}: whole pages of 2 MiB, all of them there`, async ({ skip }) => {
      const missing = obstacle(backend, '')
      if (reason !== '' || missing !== undefined) return skip(missing ?? reason)
      using cxl = Emucxl.open({ backend, hugePages: 'require', capacity: { local: 8 * HUGE } })
      const block = cxl.alloc(HUGE + 1, 0)
      expect(cxl.stats(0)).toMatchObject({ allocated: HUGE + 1, mapped: 2 * HUGE })
      expect(cxl.mappings()).toMatchObject([
        { size: HUGE + 1, mapped: 2 * HUGE, pageSize: HUGE, hugePages: 'require' },
      ])
      const { pageSize, nodes, untouched } = cxl.where(block)
      expect([pageSize, untouched, Object.values(nodes)]).toEqual([HUGE, 0, [2]])
      expectBytes(block, new Uint8Array(HUGE + 1))
      new Uint8Array(block).set(pattern(HUGE + 1))
      const { moved, failed } = await cxl.migrateAsync(block, 1)
      expect([moved, failed]).toEqual([2, 0])
      expectBytes(block, pattern(HUGE + 1))
      const smaller = cxl.resize(block, 100)
      expect(bytesOf(smaller)).toEqual(pattern(100))
      expect(cxl.mappings()).toMatchObject([{ mapped: HUGE, hugePages: 'require' }])
      cxl.free(smaller)
      const again = cxl.alloc(HUGE, 0)
      expectBytes(again, new Uint8Array(HUGE))
    })
  }
})
