// isLocal, nodeOf and sizeOf: what a question about a block costs, with few regions and with many.

import { Emucxl, REMOTE_MEMORY } from '../../lib/index.js'
import { KiB, median, now, type Row, report } from './figure.js'

const ASKED = 10
const CALLS = 200_000
const ROUNDS = 31
const MANY = 100_000

let sink = 0

function time(
  cxl: Emucxl,
  blocks: readonly ArrayBuffer[],
  method: 'isLocal' | 'nodeOf' | 'sizeOf',
) {
  // One loop for each method: a loop over all three would measure the engine's surprise.
  const began = now()
  if (method === 'isLocal') {
    for (let i = 0; i < CALLS; i++) sink += Number(cxl.isLocal(blocks[i % ASKED] as ArrayBuffer))
  } else if (method === 'nodeOf') {
    for (let i = 0; i < CALLS; i++) sink += cxl.nodeOf(blocks[i % ASKED] as ArrayBuffer)
  } else {
    for (let i = 0; i < CALLS; i++) sink += cxl.sizeOf(blocks[i % ASKED] as ArrayBuffer)
  }
  return (now() - began) / CALLS
}

await report(() => {
  using cxl = Emucxl.open({ backend: 'emulated' })
  const blocks = Array.from({ length: ASKED }, () => cxl.alloc(4 * KiB, REMOTE_MEMORY))
  const methods = ['isLocal', 'nodeOf', 'sizeOf'] as const
  const measure = () => {
    const times = Object.fromEntries(methods.map((m) => [m, [] as number[]]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const method of methods) times[method]?.push(time(cxl, blocks, method))
    }
    return Object.fromEntries(methods.map((m) => [m, median(times[m] ?? [])]))
  }
  measure() // warm
  const few = measure()
  while (blocks.length < MANY) blocks.push(cxl.alloc(4 * KiB, REMOTE_MEMORY))
  const many = measure()
  // Among all of them, in random order: then the processor's caches miss.
  const random = blocks.map((_, i) => blocks[(i * 40_503) % MANY] as ArrayBuffer)
  const began = now()
  for (let i = 0; i < MANY; i++) sink += cxl.nodeOf(random[i] as ArrayBuffer)
  const scattered = (now() - began) / MANY
  const rows: Row[] = methods.flatMap((method) => [
    {
      what: `${method}, ${MANY.toLocaleString('en')} live regions`,
      value: many[method] as number,
      unit: 'ns a call',
      bound: { atMost: 60 },
      detail: `${(few[method] as number).toFixed(1)} ns with ${ASKED} regions; medians of ${ROUNDS}`,
    },
    {
      what: `${method}, growth from ${ASKED} to ${MANY.toLocaleString('en')} regions`,
      value: (many[method] as number) / (few[method] as number),
      unit: 'times',
      bound: { atMost: 1.25 },
    },
  ])
  rows.push({
    what: `nodeOf, each of ${MANY.toLocaleString('en')} regions once, in random order`,
    value: scattered,
    unit: 'ns a call',
    detail: `the processor's caches miss; one pass${sink < 0 ? '.' : ''}`,
  })
  return rows
})
