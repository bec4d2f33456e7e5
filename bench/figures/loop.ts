// A million alloc/free pairs in one synchronous loop, twice, and with a turn of the event loop every
// 10,000 pairs: mappings, resident memory, and whether the loop slows down.

import { Emucxl, REMOTE_MEMORY } from '../../lib/index.js'
import { footprint, KiB, now, type Row, report, turn } from './figure.js'

const PAIRS = 1_000_000
const TENTH = PAIRS / 10
const SIZE = 4 * KiB

function tenth(cxl: Emucxl): number {
  const began = now()
  for (let i = 0; i < TENTH; i++) cxl.free(cxl.alloc(SIZE, REMOTE_MEMORY))
  return (now() - began) / TENTH
}

function million(cxl: Emucxl): number[] {
  return Array.from({ length: 10 }, () => tenth(cxl))
}

await report(async () => {
  using cxl = Emucxl.open({ backend: 'emulated' })
  for (let i = 0; i < 1000; i++) cxl.free(cxl.alloc(SIZE, REMOTE_MEMORY))
  await turn()
  globalThis.gc?.()
  const start = footprint()
  let most = 0
  const first = Array.from({ length: 10 }, () => {
    const ns = tenth(cxl)
    most = Math.max(most, footprint().mappings)
    return ns
  })
  const afterFirst = footprint()
  const drainBegan = now()
  await turn()
  const drain = (now() - drainBegan) / 1e9
  const drained = footprint()
  million(cxl)
  const afterSecond = footprint()
  await turn()
  for (let i = 0; i < PAIRS; i++) {
    cxl.free(cxl.alloc(SIZE, REMOTE_MEMORY))
    if (i % 10_000 === 9_999) await turn()
  }
  const turning = footprint()
  const perPair = (afterFirst.residentBytes - start.residentBytes) / PAIRS / 1000
  const rows: Row[] = [
    {
      what: 'mappings added at most, a million pairs in one loop',
      value: most - start.mappings,
      unit: 'mappings',
      bound: { atMost: 1000 },
      detail: `${start.mappings} before`,
    },
    {
      what: 'resident memory until the loop turns',
      value: perPair,
      unit: 'KB a pair',
      bound: { atMost: 0.6 },
      detail: `the turn then took ${drain.toFixed(2)} s`,
    },
    {
      what: 'growth in the next million pairs',
      value:
        (afterSecond.residentBytes - Math.max(afterFirst.residentBytes, drained.residentBytes)) /
        1e6,
      unit: 'MB',
      bound: { atMost: 30 },
      detail: `resident ${(afterFirst.residentBytes / 1e6).toFixed(0)} MB after the first, ${(afterSecond.residentBytes / 1e6).toFixed(0)} MB after the second`,
    },
    {
      what: 'last tenth of the loop against the first',
      value: (first.at(-1) as number) / (first[0] as number),
      unit: 'times',
      bound: { atMost: 1.25 },
      detail: `${first.map((ns) => ns.toFixed(0)).join(' ')} ns a pair`,
    },
    {
      what: 'growth of a million pairs with a turn every 10,000',
      value: (turning.residentBytes - afterSecond.residentBytes) / 1e6,
      unit: 'MB',
      bound: { atMost: 10 },
      detail: `${turning.mappings} mappings`,
    },
  ]
  return rows
})
