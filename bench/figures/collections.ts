// Filling 8 GiB in blocks beside a JavaScript heap of 100 MiB: how often V8 collects for memory that
// is not on its heap, with its count of external memory balanced and without.

import { constants, PerformanceObserver } from 'node:perf_hooks'
import { Emucxl, REMOTE_MEMORY } from '../../lib/index.js'
import { GiB, MiB, now, type Row, report, turn } from './figure.js'

const TOTAL = 8 * GiB

function heapOf(bytes: number): unknown[] {
  const objects: unknown[] = []
  const before = process.memoryUsage().heapUsed
  while (process.memoryUsage().heapUsed - before < bytes) {
    for (let i = 0; i < 10_000; i++) objects.push({ i, text: `object ${i}` })
  }
  return objects
}

async function fill(size: number, hideFromGc: boolean) {
  let major = 0
  let minor = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR) minor++
      else if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++
    }
  })
  const cxl = Emucxl.open({ backend: 'emulated', hideFromGc })
  cxl.free(cxl.alloc(4096, REMOTE_MEMORY))
  globalThis.gc?.()
  await turn()
  observer.observe({ entryTypes: ['gc'] })
  const blocks: ArrayBuffer[] = []
  const began = now()
  for (let bytes = 0; bytes < TOTAL; bytes += size) blocks.push(cxl.alloc(size, REMOTE_MEMORY))
  const seconds = (now() - began) / 1e9
  await turn()
  observer.disconnect()
  for (const block of blocks) cxl.free(block)
  await turn()
  cxl.close()
  return { major, minor, seconds }
}

await report(async () => {
  const heap = heapOf(100 * MiB)
  const rows: Row[] = []
  for (const size of [1 * MiB, 64 * MiB]) {
    for (const hideFromGc of [true, false]) {
      const { major, minor, seconds } = await fill(size, hideFromGc)
      const row: Row = {
        what: `8 GiB in blocks of ${size / MiB} MiB, ${hideFromGc ? 'balanced' : 'not balanced'}`,
        value: major,
        unit: 'major collections',
        detail: `${minor} minor; ${(seconds * 1000).toFixed(0)} ms; ${heap.length > 0 ? '100 MiB heap' : ''}`,
      }
      // Blocks of 64 MiB swing across V8's limit whatever is done: they are left to it.
      if (hideFromGc && size === MiB) row.bound = { atMost: 1 }
      rows.push(row)
    }
  }
  return rows
})
