// isLocal, nodeOf and sizeOf: what a question about a block costs, with few regions and with many.

import { type Address, Emucxl, REMOTE_MEMORY } from '../../lib/index.js'
import { KiB, median, now, type Row, report } from './figure.js'

const FEW = 10
const MANY = 100_000
const CALLS = 200_000
const ROUNDS = 31
const STRIDE = 40_503 // coprime to both: a walk over all, with no pattern that a processor knows

const METHODS = ['isLocal', 'nodeOf', 'sizeOf'] as const
type Method = (typeof METHODS)[number]

let sink = 0

/** ns a call, over all addresses in a scattered order. */
function time(cxl: Emucxl, addresses: readonly Address[], method: Method): number {
  const count = addresses.length
  // One loop for each method: a loop over all three would measure the engine's surprise.
  const began = now()
  let at = 0
  const next = () => {
    at = (at + STRIDE) % count
    return addresses[at] as Address
  }
  if (method === 'isLocal') {
    for (let i = 0; i < CALLS; i++) sink += Number(cxl.isLocal(next()))
  } else if (method === 'nodeOf') {
    for (let i = 0; i < CALLS; i++) sink += cxl.nodeOf(next())
  } else {
    for (let i = 0; i < CALLS; i++) sink += cxl.sizeOf(next())
  }
  return (now() - began) / CALLS
}

function measure(cxl: Emucxl, addresses: readonly Address[]): Record<Method, number> {
  const times = { isLocal: [] as number[], nodeOf: [] as number[], sizeOf: [] as number[] }
  for (let round = -3; round < ROUNDS; round++) {
    for (const method of METHODS) {
      const ns = time(cxl, addresses, method)
      if (round >= 0) times[method].push(ns)
    }
  }
  return {
    isLocal: median(times.isLocal),
    nodeOf: median(times.nodeOf),
    sizeOf: median(times.sizeOf),
  }
}

await report(() => {
  using cxl = Emucxl.open({ backend: 'emulated' })
  const blocks = Array.from({ length: FEW }, () => cxl.alloc(4 * KiB, REMOTE_MEMORY))
  const few = measure(cxl, blocks)
  while (blocks.length < MANY) blocks.push(cxl.alloc(4 * KiB, REMOTE_MEMORY))
  const same = measure(cxl, blocks.slice(0, FEW))
  const many = measure(cxl, blocks)
  const views = measure(
    cxl,
    blocks.slice(0, FEW).map((block) => new Uint8Array(block, 8)),
  )
  const all = MANY.toLocaleString('en')
  const of = `medians of ${ROUNDS} × ${CALLS.toLocaleString('en')} calls${sink < 0 ? '.' : ''}`
  return METHODS.flatMap((method): Row[] => [
    {
      what: `${method}, of all ${all} blocks in turn`,
      value: many[method],
      unit: 'ns a call',
      bound: { atMost: 60 },
      detail: `scattered; ${few[method].toFixed(1)} ns with ${FEW} live regions; ${of}`,
    },
    {
      what: `${method}, of a view`,
      value: views[method],
      unit: 'ns a call',
      bound: { atMost: 60 },
    },
    {
      what: `${method} of the same ${FEW} blocks, with ${all} live regions against ${FEW}`,
      value: same[method] / few[method],
      unit: 'times',
      bound: { atMost: 1.25 },
    },
  ])
})
