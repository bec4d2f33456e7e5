// Generated traces: what they draw, and what a replay of them through the store counts.

import { expect, onTestFinished, test, vi } from 'vitest'
import type { Context } from '../../bench/harness/experiment.js'
import { type KvTraceRow, modelledNs, regrets, replayTrace } from '../../bench/kv/replay.js'
import { generateTrace, READS, TRACES, type Trace, zipf } from '../../bench/kv/traces.js'
import { policies } from '../../lib/kv/index.js'
import { Emucxl } from '../../lib/memory/emucxl.js'

// Which keys the adaptive policy samples hangs on the seed of their hashes, another in each process but here.
vi.mock(import('node:crypto'), async (original) => ({
  ...(await original()),
  randomFillSync: <T>(words: T) => (words as Int32Array).fill(1) as T,
}))

/** How often each object is read, most often first. */
function counts({ reads, valueBytes }: Trace): number[] {
  const found = new Array<number>(valueBytes.length).fill(0)
  for (const object of reads) found[object] = (found[object] as number) + 1
  return found.sort((a, b) => b - a)
}

async function replay(trace: Trace, names: readonly string[]): Promise<KvTraceRow[]> {
  const cxl = Emucxl.open({ backend: 'emulated' })
  onTestFinished(() => cxl.close())
  const context = { cxl, memoryOfEach: 2 ** 30 } as unknown as Context
  const rows = await replayTrace(context, trace, names, () => {})
  expect(cxl.mappings()).toEqual([])
  return rows
}

test.each(TRACES)('%s: a seed makes the same trace each time, another one another', (name) => {
  const trace = generateTrace(name, 1, 20_000)
  expect(trace.reads).toHaveLength(20_000)
  expect(generateTrace(name, 1, 20_000)).toEqual(trace)
  if (name !== 'loop') expect(generateTrace(name, 2, 20_000).reads).not.toEqual(trace.reads)
})

test.each(TRACES)('%s: objects are numbered in the order of their first reads', (name) => {
  const { reads, valueBytes } = generateTrace(name, 3, 20_000)
  let seen = 0
  for (const object of reads) {
    expect(object).toBeLessThanOrEqual(seen)
    if (object === seen) seen++
  }
  expect(seen).toBe(valueBytes.length)
  expect(new Set(valueBytes)).toEqual(new Set([100]))
})

test.each([0.6, 0.8, 1, 1.2])('zipf of %d has the shares that it should have', (exponent) => {
  const all = Array.from({ length: 10_000 }, (_, rank) => (rank + 1) ** -exponent)
  const sum = all.reduce((a, b) => a + b)
  const expected = (ranks: number) => all.slice(0, ranks).reduce((a, b) => a + b) / sum
  const name = `zipf ${exponent.toFixed(1)}`
  const found = counts(generateTrace(name, 1))
  for (const ranks of [10, 100, 1000]) {
    const part = found.slice(0, ranks).reduce((a, b) => a + b) / READS
    // Objects are sorted by what was drawn: those that happened to be read more come first.
    expect(part).toBeGreaterThan(expected(ranks) - 0.01)
    expect(part).toBeLessThan(expected(ranks) + 0.03)
  }
})

test('every rank of zipf can be drawn, the first and the last too', () => {
  const at = (part: number) => zipf(1, 4, () => part)()
  const sum = 1 + 1 / 2 + 1 / 3 + 1 / 4
  expect([0, 0.99 / sum, 1.01 / sum, 1.51 / sum, 1.84 / sum, 1 - 2 ** -53].map(at)).toEqual([
    0, 0, 1, 2, 3, 3,
  ])
})

test('a scan reads objects one by one that the hot reads never do', () => {
  const { reads } = generateTrace('scan', 1)
  const part = READS / 8
  const round = (i: number) => reads.slice(i * part, (i + 1) * part)
  const hot = new Set(round(0).slice(0, 0.8 * part))
  const scanned = round(0).slice(0.8 * part)
  expect(new Set(scanned).size).toBe(scanned.length)
  expect(scanned.some((object) => hot.has(object))).toBe(false)
  // It goes on where it was, and begins anew after two.
  expect(round(2).slice(0.8 * part)).toEqual(scanned)
})

test('a loop is one, and a working set shifts', () => {
  const loop = generateTrace('loop', 1, 12_000).reads
  expect([...loop.slice(0, 3), ...loop.slice(5000, 5003)]).toEqual([0, 1, 2, 0, 1, 2])
  const { reads } = generateTrace('shift', 1)
  const hottest = (from: number) => {
    const part = reads.slice(from, from + READS / 10)
    const times = new Map<number, number>()
    for (const object of part) times.set(object, (times.get(object) ?? 0) + 1)
    return [...times].sort((a, b) => b[1] - a[1])[0]?.[0]
  }
  const each = Array.from({ length: 10 }, (_, i) => hottest((i * READS) / 10))
  expect(new Set(each).size).toBe(10)
})

test('a replay counts each read once, and nothing finds more than the optimum', async () => {
  for (const name of ['zipf 0.8', 'scan', 'loop']) {
    const trace = generateTrace(name, 5, 6000)
    const rows = await replay(trace, Object.keys(policies))
    expect(rows).toHaveLength(4 * (Object.keys(policies).length + 1))
    for (const row of rows) {
      expect(row.localHits + row.remoteHits + row.firsts).toBe(row.reads)
      expect(row).toMatchObject({ reads: 6000, firsts: trace.valueBytes.length, seed: 5 })
      const min = rows.find((one) => one.policy === 'min' && one.localBytes === row.localBytes)
      expect(row.localHits).toBeLessThanOrEqual(min?.localHits ?? 0)
      if (row.policy === 'min') continue
      // Entries of 114 bytes move, and of those that were put local memory keeps what it has room for.
      const moves = (row.promotions ?? 0) + (row.demotions ?? 0)
      expect(row.bytesMoved).toBe(114 * moves)
      const room = Math.floor(row.localBytes / 114)
      expect((row.demotions ?? 0) - (row.promotions ?? 0)).toBe(row.objects - room)
    }
  }
})

test('objects of several sizes have no optimum, and are read whole', async () => {
  const reads = Uint32Array.from({ length: 900 }, (_, i) => (i * i) % 31)
  const order = [...new Set(reads)]
  const trace: Trace = {
    name: 'sizes',
    seed: null,
    reads: reads.map((object) => order.indexOf(object)),
    valueBytes: Uint32Array.from(order, (_, i) => 1 + 7 ** (i % 7)),
  }
  const rows = await replay(trace, ['lru'])
  expect(rows.map(({ policy }) => policy)).toEqual(['lru', 'lru', 'lru', 'lru'])
  const bytes = trace.valueBytes.reduce((sum, length) => sum + length + 14, 0)
  expect(rows.map(({ localBytes }) => localBytes)).toEqual(
    [0.05, 0.1, 0.2, 0.4].map((share) => Math.round(bytes * share)),
  )
})

test('more than a node can give is refused before anything is put', async () => {
  using cxl = Emucxl.open({ backend: 'emulated' })
  const context = { cxl, memoryOfEach: 2 ** 20 } as unknown as Context
  const trace = generateTrace('loop', 1, 10)
  trace.valueBytes.fill(2 ** 28)
  await expect(replayTrace(context, trace, ['lru'], () => {})).rejects.toMatchObject({
    code: 'ERR_EMUCXL_NO_MEMORY',
    message: expect.stringContaining('--count'),
  })
})

test('the modelled time is the sum of what is read, put and moved', () => {
  const model = {
    local: { latencyNs: 100, bandwidthGBps: 100 },
    remote: { latencyNs: 300, bandwidthGBps: 10 },
  }
  const none = { hits: { local: 0, remote: 0 }, bytesRead: { local: 0, remote: 0 } }
  const idle = { ...none, firsts: 0, bytesPut: 0, promotions: 0, demotions: 0, bytesMoved: 0 }
  expect(modelledNs(idle, model)).toBe(0)
  const read = { ...idle, hits: { local: 1, remote: 2 }, bytesRead: { local: 1000, remote: 50 } }
  expect(modelledNs(read, model)).toBe(100 + 10 + 600 + 5)
  expect(modelledNs({ ...idle, firsts: 1, bytesPut: 500 }, model)).toBe(100 + 5)
  const moved = { ...idle, promotions: 1, demotions: 1, bytesMoved: 200 }
  expect(modelledNs(moved, model)).toBe(2 * 400 + 2 + 20)
})

/** The fixed policies that are best on a trace, at one size of local memory or another. */
const BEST: Record<string, string[]> = {
  scan: ['sieve', 'w-tinylfu'],
  loop: ['threshold'],
  shift: ['lru', 's3-fifo'],
}

/** What adaptive may miss, in percentage points. */
const POINTS = 2

test.each(TRACES)('%s: adaptive is near the best fixed policy', async (name) => {
  const fixed = BEST[name] ?? ['sieve', 'w-tinylfu']
  const found = regrets(await replay(generateTrace(name, 1), [...fixed, 'adaptive']))
  expect(found.map(({ localSharePercent }) => localSharePercent)).toEqual([5, 10, 20, 40])
  for (const regret of found) expect(regret.points, JSON.stringify(regret)).toBeLessThan(POINTS)
})
