// Bandwidth: what one thread and several can read, write, copy and combine, by node, and with the pages of
// two nodes in turn.

import type { BandwidthRow } from './bandwidth/row.js'
import { measureBandwidth } from './bandwidth/sweeps.js'
import { charts, tables } from './bandwidth/tables.js'
import type { Experiment } from './harness/experiment.js'
import { mergeResults } from './harness/measured.js'

export type { BandwidthRow } from './bandwidth/row.js'

export const bandwidth: Experiment<{ rows: BandwidthRow[] }> = {
  name: 'bandwidth',
  description:
    'Bandwidth of read, write, copy and triad, a variant of STREAM in native code, by number of ' +
    'pinned threads, in local memory, remote memory, and both with their pages in turn.',
  effort: { quick: { processes: 1, seconds: 9 }, full: { processes: 3, seconds: 20 } },
  pinned: false,
  run: async (context) => ({ rows: await measureBandwidth(context) }),
  merge: mergeResults,
  tables: ({ rows }) => tables(rows),
  charts: ({ rows }) => charts(rows),
}
