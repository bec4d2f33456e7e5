// Idle latency: how long one load takes when each must wait for the one before.

import type { Node } from '../lib/memory/options.js'
import { readTopology } from '../lib/memory/topology.js'
import {
  blockBytes,
  type Context,
  type Experiment,
  noteRepetitions,
  type Table,
  turn,
  twoNodes,
} from './experiment.js'
import { type Measured, measured, mergeRows } from './measured.js'
import { verifyPlacement } from './placement.js'

const SAMPLES = 100
const ROUNDS = 4
const LOADS = 100_000
const LINE = 64
const CACHES = 4
const LEAST = 64 * 2 ** 20

export interface LatencyRow extends Measured {
  node: 'local' | 'remote'
  numaNode: number
  /** Bytes that the loads are spread over. */
  workingSetBytes: number
  pageBytes: number
  loadsPerSample: number
}

/** A node, and what was measured on it. */
interface Subject {
  node: Node
  nsPerLoad: number[]
  pageBytes: number
  pinned: boolean
  /** Samples that were taken on a CPU of another node than the local one. */
  far: number
}

function workingSet(context: Context): number {
  const { lastLevelCache, condition } = context
  const bytes = blockBytes(context, Math.max(LEAST, CACHES * lastLevelCache), 1)
  if (lastLevelCache === 0) {
    condition('latency: size of the caches unknown, some loads may be answered by one')
  } else if (bytes < CACHES * lastLevelCache) {
    condition(
      `latency: working set of less than ${CACHES} times the last-level cache, ` +
        'some loads are answered by it',
    )
  }
  return Math.max(2 * LINE, Math.floor(bytes / LINE) * LINE)
}

/**
 * Takes samples of a round, in turns. Blocks are fresh in each round: how the physical pages of one
 * lie changes its latency by some percent, whichever node it is on.
 */
async function takeRound(
  context: Context,
  subjects: readonly Subject[],
  bytes: number,
  samples: number,
  onSample: () => void,
): Promise<void> {
  const { addon } = await import('../lib/memory/addon.js')
  const { cxl } = context
  const home = readTopology().find(({ id }) => id === cxl.nodes[0]?.numaNode)?.cpus ?? []
  const blocks: [Subject, ArrayBuffer][] = []
  try {
    for (const subject of subjects) {
      blocks.push([subject, cxl.alloc(bytes, subject.node.node, { prefault: true })])
      subject.pageBytes = cxl.mappings()[0]?.pageSize ?? 0
    }
    verifyPlacement(
      context,
      blocks.map(([, block]) => block),
    )
    for (const [{ node }, block] of blocks) {
      addon.chase(block, 1, 0, 1 + node.node, -1) // links the lines, and warms them
      await turn()
    }
    for (let i = 0; i < samples; i++) {
      for (const [subject, block] of blocks) {
        const chased = addon.chase(block, LOADS, 1, 0, -1)
        subject.nsPerLoad.push(...chased.nsPerLoad)
        subject.pinned &&= chased.pinned
        if (home.length > 0 && !home.includes(addon.currentCpu())) subject.far++
      }
      onSample()
      await turn()
      if (context.timeIsUp()) break
    }
  } finally {
    for (const [, block] of blocks) cxl.free(block)
  }
}

async function run(context: Context): Promise<{ rows: LatencyRow[] }> {
  const { local, remote } = twoNodes(context.cxl)
  const bytes = workingSet(context)
  const samples = context.settings.runs ?? SAMPLES
  const subjects = [local, remote].map(
    (node): Subject => ({ node, nsPerLoad: [], pageBytes: 0, pinned: true, far: 0 }),
  )
  let taken = 0
  const onSample = () => context.progress(++taken / samples)
  for (let left = Math.min(ROUNDS, samples); left > 0; left--) {
    const order = left % 2 === 0 ? subjects : [...subjects].reverse()
    await takeRound(context, order, bytes, Math.ceil((samples - taken) / left), onSample)
    if (context.timeIsUp()) break
  }
  noteRepetitions(context, 'latency', taken, samples)
  addConditions(context, subjects)
  const rows = subjects.map(({ node, nsPerLoad, pageBytes }) => {
    return {
      node: node.role,
      numaNode: node.numaNode,
      workingSetBytes: bytes,
      pageBytes,
      loadsPerSample: LOADS,
      ...measured('ns', [nsPerLoad]),
    }
  })
  return { rows }
}

function addConditions({ cxl, condition }: Context, subjects: readonly Subject[]): void {
  const far = subjects.reduce((sum, subject) => sum + subject.far, 0)
  if (far > 0) {
    condition(
      `latency: ${far} samples were taken on a CPU of another node than the local one; ` +
        `numactl --cpunodebind=${cxl.nodes[0]?.numaNode} prevents it`,
    )
  }
  if (!subjects.every(({ pinned }) => pinned)) condition('latency: thread not pinned')
}

function table(rows: readonly LatencyRow[]): Table {
  const local = rows.find(({ node }) => node === 'local')
  return {
    columns: [
      { head: 'node' },
      { head: 'set', unit: 'MiB', digits: 0 },
      { head: 'best', unit: 'ns/load', digits: 1 },
      { head: 'median', unit: 'ns/load', digits: 1 },
      { head: 'p99', unit: 'ns/load', digits: 1 },
      { head: 'sd', unit: 'ns', digits: 1 },
      { head: 'remote/', unit: 'local', digits: 2 },
    ],
    rows: rows.map((row) => [
      row.node,
      row.workingSetBytes / 2 ** 20,
      row.best,
      row.median,
      row.p99,
      row.sd,
      row.node === 'remote' && local !== undefined ? row.median / local.median : undefined,
    ]),
    notes: rows.slice(0, 1).map((row) => {
      const loads = row.loadsPerSample.toLocaleString('en-US')
      return `${row.samples} samples of ${loads} loads; pages of ${row.pageBytes / 1024} KiB, misses of the TLB count.`
    }),
  }
}

export const latency: Experiment<{ rows: LatencyRow[] }> = {
  name: 'latency',
  description:
    'Time of one load when each must wait for the one before: a random cyclic pointer chase in ' +
    'native code, one load a cache line, local and remote in turns.',
  effort: { quick: { processes: 2, seconds: 5 }, full: { processes: 3, seconds: 20 } },
  run,
  merge: (results) => ({ rows: mergeRows(results.map(({ rows }) => rows)) }),
  tables: ({ rows }) => [table(rows)],
}
