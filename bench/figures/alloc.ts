// Allocate and free a region, against a bare function of Node-API that maps, wraps in an external
// ArrayBuffer, detaches and unmaps. What both leave to the event loop and to the garbage collector is
// counted: without a collection of its own, each would pay for the other's garbage, by chance.

import { Emucxl, REMOTE_MEMORY } from '../../lib/index.js'
import { obstacle } from '../../lib/memory/backends.js'
import { interleave, KiB, loadFloor, MiB, type Row, report, turn } from './figure.js'

const PAIRS = 1000
const SIZES = { '4 KiB': 4 * KiB, '64 KiB': 64 * KiB, '2 MiB': 2 * MiB }

async function cleanUp(): Promise<void> {
  gc?.({ type: 'minor' })
  await turn()
}

await report(async () => {
  const floor = loadFloor()
  const rows: Row[] = []
  for (const backend of ['emulated', 'numa'] as const) {
    if (obstacle(backend, '') !== undefined) continue
    using cxl = Emucxl.open({ backend })
    for (const [name, size] of Object.entries(SIZES)) {
      const ns = await interleave(60, {
        floor: async () => {
          for (let i = 0; i < PAIRS; i++) floor.pair(size)
          await cleanUp()
        },
        emucxl: async () => {
          for (let i = 0; i < PAIRS; i++) cxl.free(cxl.alloc(size, REMOTE_MEMORY))
          await cleanUp()
        },
      })
      rows.push({
        what: `alloc + free, ${name}, ${backend}`,
        value: ns.emucxl / ns.floor,
        unit: 'times the floor',
        bound: { atMost: 1.3 },
        detail: `${(ns.emucxl / PAIRS).toFixed(0)} ns a pair, floor ${(ns.floor / PAIRS).toFixed(0)} ns; medians of 60 × ${PAIRS}`,
      })
    }
  }
  return rows
})
