// Migrating 256 MiB between NUMA nodes, against memcpy; on a machine with one node against the
// kernel's own move_pages(2), where both move nothing.

import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../../lib/index.js'
import { obstacle } from '../../lib/memory/backends.js'
import { interleave, loadFloor, MiB, type Row, report } from './figure.js'

const SIZE = 256 * MiB

await report(async () => {
  const reason = obstacle('numa', '')
  if (reason !== undefined) {
    process.stderr.write(`migrate: not measured: ${reason}\n`)
    return []
  }
  const floor = loadFloor()
  using cxl = Emucxl.open({ backend: 'numa' })
  const block = cxl.alloc(SIZE, LOCAL_MEMORY, { prefault: true })
  const other = cxl.alloc(SIZE, LOCAL_MEMORY, { prefault: true })
  const nodes = cxl.nodes.map(({ numaNode }) => numaNode) as [number, number]
  const oneNode = nodes[0] === nodes[1]
  let here = 0
  const ns = await interleave(15, {
    migrate: () => {
      here = here === LOCAL_MEMORY ? REMOTE_MEMORY : LOCAL_MEMORY
      cxl.migrate(block, here)
    },
    memcpy: () => floor.copy(other, block, SIZE),
    movePages: () => {
      if (oneNode) floor.movePages(block, SIZE, nodes[0])
    },
  })
  const rate = (nanoseconds: number) => (SIZE / 1e6 / (nanoseconds / 1e9)).toFixed(0)
  const row: Row = oneNode
    ? {
        what: 'migrate 256 MiB, one NUMA node: nothing moves',
        value: ns.migrate / ns.movePages,
        unit: 'times move_pages',
        bound: { atMost: 1.25 },
        detail: `${rate(ns.migrate)} MB/s looked at, move_pages ${rate(ns.movePages)} MB/s; medians of 15`,
      }
    : {
        what: `migrate 256 MiB, NUMA node ${nodes[0]} to ${nodes[1]} and back`,
        value: ns.memcpy / ns.migrate,
        unit: 'of memcpy',
        detail: `${rate(ns.migrate)} MB/s, memcpy ${rate(ns.memcpy)} MB/s; medians of 15`,
      }
  return [row]
})
