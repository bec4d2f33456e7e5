// Idle latency: how long one load takes when each must wait for the one before.

import type { Node } from '../lib/memory/options.js'
import { type Context, type Experiment, type Table, turn, twoNodes } from './experiment.js'
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
  const { settings, lastLevelCache, memoryLimit, condition } = context
  const wanted = Math.max(LEAST, CACHES * lastLevelCache)
  const bytes = settings.size ?? Math.min(wanted, memoryLimit / 2)
  if (bytes < CACHES * lastLevelCache) {
    condition(
      `latency: the working set is less than ${CACHES} times the last-level cache, ` +
        'some loads are answered by a cache',
    )
  }
  return Math.max(2 * LINE, Math.floor(bytes / LINE) * LINE)
}

async function run(context: Context): Promise<LatencyRow[]> {
  const { addon } = await import('../lib/memory/addon.js')
  const { cxl, settings } = context
  const { local, remote } = twoNodes(cxl)
  const bytes = workingSet(context)
  const samples = settings.runs ?? SAMPLES
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
    for (const { node, block } of subjects) {
      addon.chase(block, 1, 0, 1 + node.node) // links the lines and warms them
      await turn()
    }
    for (let i = 0; i < samples; i++) {
      for (const subject of subjects) {
        const chased = addon.chase(subject.block, LOADS, 1, 0)
        subject.samples.push(...chased.nsPerLoad)
        subject.pinned &&= chased.pinned
      }
      context.progress((i + 1) / samples)
      await turn()
    }
    if (!subjects.every(({ pinned }) => pinned)) context.condition('latency: thread not pinned')
    return subjects.map(({ node, block, samples: ns, pinned }) => {
      const { best, median, p99, sd } = summarize(ns)
      return {
        node: node.role,
        numaNode: node.numaNode,
        workingSetBytes: bytes,
        pageBytes: cxl.where(block).pageSize,
        pinned,
        samples: ns.length,
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
      { head: 'working set', unit: 'MiB', digits: 0 },
      { head: 'best', unit: 'ns/load', digits: 1 },
      { head: 'median', unit: 'ns/load', digits: 1 },
      { head: 'p99', unit: 'ns/load', digits: 1 },
      { head: 'sd', unit: 'ns', digits: 1 },
      { head: 'median', unit: 'remote/local', digits: 2 },
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
      return `${row.samples} samples of ${loads} loads; pages of ${row.pageBytes / 1024} KiB, so misses of the TLB count.`
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
