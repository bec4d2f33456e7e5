// Latency: how long one load takes when each must wait for the one before; idle, by working set and page
// size, on every CPU node and memory node, and while other threads read.

import { memoryOfEach } from '../lib/cli/available-memory.js'
import { isUsable } from '../lib/memory/topology.js'
import type { Context, Experiment } from './harness/experiment.js'
import { keyOf, mergeRows } from './harness/measured.js'
import { summarize } from './harness/statistics.js'
import { measureLoaded } from './latency/load.js'
import type { LatencyRow } from './latency/row.js'
import { measureIdle } from './latency/sets.js'
import { charts, tables } from './latency/tables.js'

export type { LatencyRow } from './latency/row.js'

/** The part of the progress that is the idle latency's. */
const IDLE_PART = 0.75

/** Memory nodes of the machine that the context has not: they belong to the matrix, too. */
function furtherNodes({ cxl, topology }: Context): number[] {
  if (cxl.backend === 'emulated') return []
  const known = cxl.nodes.map(({ numaNode }) => numaNode)
  return topology.filter((node) => isUsable(node) && !known.includes(node.id)).map(({ id }) => id)
}

async function measure(context: Context): Promise<{ rows: LatencyRow[] }> {
  const idle = await measureIdle(context, (done) => context.progress(IDLE_PART * done))
  const loaded = await measureLoaded(context, idle, (done) =>
    context.progress(IDLE_PART + (1 - IDLE_PART) * done),
  )
  return { rows: [...idle.rows, ...loaded] }
}

async function run(context: Context): Promise<{ rows: LatencyRow[] }> {
  const { cxl } = context
  const further = furtherNodes(context)
  const [local, ...remote] = cxl.nodes.map(({ numaNode }) => numaNode)
  if (further.length === 0 || local === undefined) return await measure(context)
  const { Emucxl } = await import('../lib/memory/emucxl.js')
  using wide = Emucxl.open({ backend: cxl.backend, local, remote: [...remote, ...further] })
  return await measure({ ...context, cxl: wide, memoryOfEach: memoryOfEach(wide.nodes) })
}

function merge(results: readonly { rows: LatencyRow[] }[]): { rows: LatencyRow[] } {
  const all = results.flatMap(({ rows }) => rows)
  const rows = mergeRows(results.map(({ rows }) => rows)).map((row) => {
    const key = keyOf(row)
    const traffic = all.filter((each) => keyOf(each) === key).map((each) => each.trafficGBps)
    const found = traffic.filter((each) => each !== null)
    return { ...row, trafficGBps: found.length === 0 ? null : summarize(found).median }
  })
  return { rows }
}

export const latency: Experiment<{ rows: LatencyRow[] }> = {
  name: 'latency',
  description:
    'Time of one load when each must wait for the one before: a random cyclic pointer chase in ' +
    'native code, one load a cache line, idle and while other threads read, local and remote in turns.',
  effort: { quick: { processes: 1, seconds: 12 }, full: { processes: 3, seconds: 25 } },
  pinned: false,
  run,
  merge,
  tables: ({ rows }) => tables(rows),
  charts: ({ rows }) => charts(rows),
}
