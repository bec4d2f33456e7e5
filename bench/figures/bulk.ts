// copy and fill against memcpy and memset of C on the same blocks.

import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../../lib/index.js'
import { interleave, KiB, loadFloor, MiB, type Row, report } from './figure.js'

const CASES = [
  { name: '256 KiB', size: 256 * KiB, repeat: 400 },
  { name: '64 MiB', size: 64 * MiB, repeat: 1 },
]

await report(async () => {
  const floor = loadFloor()
  const rows: Row[] = []
  using cxl = Emucxl.open({ backend: 'emulated' })
  for (const { name, size, repeat } of CASES) {
    const from = cxl.alloc(size, LOCAL_MEMORY, { prefault: true })
    const to = cxl.alloc(size, REMOTE_MEMORY, { prefault: true })
    const times = (work: () => void) => () => {
      for (let i = 0; i < repeat; i++) work()
    }
    const ns = await interleave(60, {
      memcpy: times(() => floor.copy(to, from, size)),
      copy: times(() => cxl.copy(to, 0, from, 0, size)),
      memset: times(() => floor.fill(to, 1, size)),
      fill: times(() => cxl.fill(to, 1)),
    })
    for (const [ours, theirs] of [
      ['copy', 'memcpy'],
      ['fill', 'memset'],
    ] as const) {
      const rate = (nanoseconds: number) => ((size * repeat) / nanoseconds).toFixed(1)
      rows.push({
        what: `${ours}, ${name}`,
        value: ns[theirs] / ns[ours],
        unit: `of ${theirs}'s bandwidth`,
        bound: { atLeast: 0.95 },
        detail: `${rate(ns[ours])} GB/s, ${theirs} ${rate(ns[theirs])} GB/s; medians of 60`,
      })
    }
    cxl.free(from)
    cxl.free(to)
  }
  return rows
})
