// Idle latency: how long one load takes when each must wait for the one before.

import type { Node } from '../lib/memory/options.js'
import { readTopology } from '../lib/memory/topology.js'
import {
  blockBytes,
  type Context,
  type Experiment,
  type Table,
  turn,
  twoNodes,
} from './experiment.js'
import { verifyPlacement } from './placement.js'
import { summarize } from './statistics.js'

const SAMPLES = 100
const LOADS = 100_000
const LINE = 64
const CACHES = 4
const LEAST = 64 * 2 ** 20

export interface LatencyRow {
  node: 'local' | 'remote'
  numaNode: number
  /** Bytes that the loads are spread over. */
  workingSetBytes: number
  pageBytes: number
  /** Whether the thread stayed on its CPU during a sample. */
  pinned: boolean
  samples: number
  loadsPerSample: number
  /** Nanoseconds for one load. */
  bestNs: number
  medianNs: number
  p99Ns: number
  sdNs: number
}

interface Subject {
  node: Node
  block: ArrayBuffer
  samples: number[]
  pinned: boolean
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

/** Whether the thread is on a CPU of another node than the local one just now. */
function farFrom(local: Node, currentCpu: () => number): () => boolean {
  const home = readTopology().find(({ id }) => id === local.numaNode)?.cpus ?? []
  return () => home.length > 0 && !home.includes(currentCpu())
}

async function measure(context: Context, subjects: readonly Subject[]): Promise<void> {
  const { addon } = await import('../lib/memory/addon.js')
  const { local } = twoNodes(context.cxl)
  const samples = context.settings.runs ?? SAMPLES
  const isFar = farFrom(local, addon.currentCpu)
  let far = 0
  for (const { node, block } of subjects) {
    addon.chase(block, 1, 0, 1 + node.node) // links the lines, and warms them
    await turn()
  }
  for (let i = 0; i < samples; i++) {
    for (const subject of subjects) {
      const { nsPerLoad, pinned } = addon.chase(subject.block, LOADS, 1, 0)
      subject.samples.push(...nsPerLoad)
      subject.pinned &&= pinned
      if (isFar()) far++
    }
    context.progress((i + 1) / samples)
    await turn()
  }
  if (far > 0) {
    context.condition(
      `latency: ${far} of ${2 * samples} samples were taken on a CPU of another node than the ` +
        `local one; numactl --cpunodebind=${local.numaNode} prevents it`,
    )
  }
  if (!subjects.every(({ pinned }) => pinned)) context.condition('latency: thread not pinned')
}

async function run(context: Context): Promise<LatencyRow[]> {
  const { cxl } = context
  const { local, remote } = twoNodes(cxl)
  const bytes = workingSet(context)
  const subjects: Subject[] = []
  try {
    for (const node of [local, remote]) {
      const block = cxl.alloc(bytes, node.node, { prefault: true })
      subjects.push({ node, block, samples: [], pinned: true })
    }
    verifyPlacement(
      context,
      subjects.map(({ block }) => block),
    )
    const pageBytes = cxl.mappings()[0]?.pageSize ?? 0
    await measure(context, subjects)
    return subjects.map(({ node, samples, pinned }) => {
      const { best, median, p99, sd } = summarize(samples)
      return {
        node: node.role,
        numaNode: node.numaNode,
        workingSetBytes: bytes,
        pageBytes,
        pinned,
        samples: samples.length,
        loadsPerSample: LOADS,
        bestNs: best,
        medianNs: median,
        p99Ns: p99,
        sdNs: sd,
      }
    })
  } finally {
    for (const { block } of subjects) cxl.free(block)
  }
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
      row.bestNs,
      row.medianNs,
      row.p99Ns,
      row.sdNs,
      row.node === 'remote' && local !== undefined ? row.medianNs / local.medianNs : undefined,
    ]),
    notes: rows.slice(0, 1).map((row) => {
      const loads = row.loadsPerSample.toLocaleString('en-US')
      return `${row.samples} samples of ${loads} loads; pages of ${row.pageBytes / 1024} KiB, misses of the TLB count.`
    }),
  }
}

export const latency: Experiment<LatencyRow> = {
  name: 'latency',
  description:
    'Time of one load when each must wait for the one before: a random cyclic pointer chase in ' +
    'native code, one load a cache line, local and remote in turns.',
  run,
  table,
}
