// The first paper's queue (emucxl.txt, section IV-A, Listing 1 and Table III): a linked list with one
// region for each element, which is what a queue costs where every element is a system call; and the
// queue of this package, whose elements share slabs.

import type { Emucxl } from '../lib/memory/emucxl.js'
import type { Chart, Point } from './harness/chart.js'
import {
  type Context,
  type Experiment,
  noteRepetitions,
  type Table,
  twoNodes,
} from './harness/experiment.js'
import { verifyPlacement } from './harness/placement.js'
import { settle } from './harness/rounds.js'
import { summarize } from './harness/statistics.js'

/** Operations of a run: Table III. */
const OPERATIONS = 15_000
const RUNS = 10

/**
 * Milliseconds for 15,000 operations. Source: emucxl.txt, Table III; a virtual machine (QEMU, KVM)
 * with two NUMA nodes, the remote one without CPUs and on the other socket of the host.
 */
const TABLE_III = {
  enqueue: { local: { mean: 502.98, sd: 9.23 }, remote: { mean: 567.21, sd: 7.93 } },
  dequeue: { local: { mean: 417.69, sd: 8.71 }, remote: { mean: 500.4, sd: 3.66 } },
} as const

type Variant = 'region' | 'slab'

export interface QueueRow {
  /** `region`: one region for each element, as in the paper. `slab`: `Queue`. */
  variant: Variant
  operation: 'enqueue' | 'dequeue'
  node: 'local' | 'remote'
  /** Operations of a run. */
  operations: number
  runs: number
  /** Milliseconds for the operations of a run. */
  meanMs: number
  sdMs: number
  nsPerOperation: number
  /** Milliseconds of each run, by the process that made it. */
  trialsMs: number[][]
  /** Table III's figure, for 15,000 operations. */
  paperMeanMs: number
  paperOperations: number
}

const DATA = 0
const NEXT = 1
const ELEMENT_BYTES = 8
const NONE = -1

/**
 * Listing 1. A link cannot be an address here: it is the place of the next element in a table, which
 * stands for the address space.
 */
class RegionQueue {
  readonly #elements: (Int32Array | undefined)[] = []
  #front = NONE
  #rear = NONE

  constructor(
    readonly cxl: Emucxl,
    readonly node: number,
  ) {}

  enqueue(data: number): void {
    const element = new Int32Array(this.cxl.alloc(ELEMENT_BYTES, this.node))
    element[DATA] = data
    element[NEXT] = NONE
    const place = this.#elements.push(element) - 1
    const rear = this.#elements[this.#rear]
    if (rear === undefined) this.#front = place
    else rear[NEXT] = place
    this.#rear = place
  }

  dequeue(): number | undefined {
    const front = this.#elements[this.#front]
    if (front === undefined) return undefined
    const data = front[DATA]
    this.#elements[this.#front] = undefined
    this.#front = front[NEXT] ?? NONE
    this.cxl.free(front)
    if (this.#front === NONE) {
      this.#rear = NONE
      this.#elements.length = 0
    }
    return data
  }

  /** Frees what is left. */
  destroy(): void {
    while (this.dequeue() !== undefined);
  }

  regions(): ArrayBuffer[] {
    return this.#elements.flatMap((element) => (element ? [element.buffer as ArrayBuffer] : []))
  }
}

/** A queue that can be timed. */
interface Filled {
  fill(operations: number): void
  /** Throws where an element comes out of turn. */
  drain(operations: number): void
  destroy(): void
}

type Variants = Record<Variant, (cxl: Emucxl, node: number) => Filled>

function checkTurn(data: number | undefined, i: number): void {
  if (data !== i) throw new Error(`element ${i} of the queue came out of turn`)
}

/**
 * What makes a queue of each variant; the package's own loads the addon. The loops are there twice: one
 * for both kinds of queue would be compiled for both, and none of its calls inlined.
 */
async function variants(): Promise<Variants> {
  const { int32, Queue } = await import('../lib/index.js')
  return {
    region: (cxl, node) => {
      const queue = new RegionQueue(cxl, node)
      return {
        fill(operations) {
          for (let i = 0; i < operations; i++) queue.enqueue(i)
        },
        drain(operations) {
          for (let i = 0; i < operations; i++) checkTurn(queue.dequeue(), i)
        },
        destroy: () => queue.destroy(),
      }
    },
    slab: (cxl, node) => {
      const queue = new Queue(cxl, int32, { node })
      return {
        fill(operations) {
          for (let i = 0; i < operations; i++) queue.enqueue(i)
        },
        drain(operations) {
          for (let i = 0; i < operations; i++) checkTurn(queue.dequeue(), i)
        },
        destroy: () => queue.destroy(),
      }
    },
  }
}

/** Operations before the first that counts: the code is compiled by then. */
const WARM_UP = 1_500_000

interface Times {
  enqueue: number[]
  dequeue: number[]
}

interface Subject {
  variant: Variant
  make: (cxl: Emucxl, node: number) => Filled
  node: number
  role: 'local' | 'remote'
  times: Times
}

const milliseconds = (began: bigint) => Number(process.hrtime.bigint() - began) / 1e6

/** Fills a queue and empties it again. */
function fillAndDrain(cxl: Emucxl, subject: Subject, operations: number, times: Times): void {
  const queue = subject.make(cxl, subject.node)
  try {
    const began = process.hrtime.bigint()
    queue.fill(operations)
    times.enqueue.push(milliseconds(began))
    const filled = process.hrtime.bigint()
    queue.drain(operations)
    times.dequeue.push(milliseconds(filled))
  } finally {
    queue.destroy()
  }
}

/**
 * Fills and drains each queue by turns until V8 has compiled the code for all of them: only `slab` is so
 * fast that what is interpreted, or compiled once more, would show.
 */
async function warmUp(
  cxl: Emucxl,
  subjects: readonly Subject[],
  operations: number,
): Promise<void> {
  const uncounted = { enqueue: [], dequeue: [] }
  for (const subject of subjects) fillAndDrain(cxl, subject, operations, uncounted)
  const fast = subjects.filter(({ variant }) => variant === 'slab')
  for (let round = 0; round < Math.min(100, WARM_UP / operations); round++) {
    for (const subject of fast) fillAndDrain(cxl, subject, operations, uncounted)
  }
  await settle(cxl)
}

/** Regions of a queue whose place is asked: each takes a call. */
const PROBES = 100

function verifyRegions(context: Context, node: number): void {
  const queue = new RegionQueue(context.cxl, node)
  try {
    for (let i = 0; i < PROBES; i++) queue.enqueue(i)
    verifyPlacement(context, queue.regions())
  } finally {
    queue.destroy()
  }
}

async function run(context: Context): Promise<{ rows: QueueRow[] }> {
  const { cxl, settings } = context
  const { local, remote } = twoNodes(cxl)
  const operations = settings.count ?? OPERATIONS
  const runs = settings.runs ?? RUNS
  if (!context.pinned) context.condition('queue: thread not pinned')
  for (const { node } of [local, remote]) verifyRegions(context, node)
  const make = await variants()
  const subjects = (['region', 'slab'] as const).flatMap((variant) =>
    [local, remote].map(({ node, role }): Subject => {
      return { variant, make: make[variant], node, role, times: { enqueue: [], dequeue: [] } }
    }),
  )
  await warmUp(cxl, subjects, operations)
  const of = (variant: Variant) => subjects.filter((subject) => subject.variant === variant)
  // One variant after the other: the regions of one leave work for V8, which the other would pay for.
  const made = { slab: 0, region: 0 }
  for (const variant of ['slab', 'region'] as const) {
    const both = of(variant)
    for (let i = 0; i < runs && (i === 0 || !context.timeIsUp()); i++) {
      // Who goes first changes: the second of two equal phases can be slower by the heap's layout.
      for (const subject of i % 2 === 0 ? both : [...both].reverse()) {
        await settle(cxl)
        fillAndDrain(cxl, subject, operations, subject.times)
      }
      made[variant] = i + 1
      context.progress((made.slab + made.region) / (2 * runs))
    }
  }
  noteRepetitions(context, 'queue', Math.min(made.slab, made.region), runs)
  await settle(cxl)
  const all = (['region', 'slab'] as const).flatMap((variant) =>
    (['enqueue', 'dequeue'] as const).flatMap((operation) =>
      of(variant).map((subject) => ({ ...subject, operation })),
    ),
  )
  const rows = all.map(({ variant, operation, role, times }) =>
    rowOf(variant, operation, role, operations, [times[operation]]),
  )
  return { rows }
}

function rowOf(
  variant: Variant,
  operation: QueueRow['operation'],
  node: QueueRow['node'],
  operations: number,
  trialsMs: number[][],
): QueueRow {
  const times = trialsMs.flat()
  const { mean, sd } = summarize(times)
  return {
    variant,
    operation,
    node,
    operations,
    runs: times.length,
    meanMs: mean,
    sdMs: sd,
    nsPerOperation: (mean * 1e6) / operations,
    paperMeanMs: TABLE_III[operation][node].mean,
    paperOperations: OPERATIONS,
    trialsMs,
  }
}

/** Rows of several processes as one. */
function merge(results: readonly { rows: QueueRow[] }[]): { rows: QueueRow[] } {
  const [first] = results
  const rows = (first?.rows ?? []).map(({ variant, operation, node, operations }, i) => {
    const trials = results.flatMap(({ rows }) => rows[i]?.trialsMs ?? [])
    return rowOf(variant, operation, node, operations, trials)
  })
  return { rows }
}

function table(rows: readonly QueueRow[]): Table {
  const ratio = (row: QueueRow, field: 'meanMs' | 'paperMeanMs') => {
    const local = rows.find(
      (r) => r.variant === row.variant && r.operation === row.operation && r.node === 'local',
    )
    return row.node === 'remote' && local !== undefined ? row[field] / local[field] : undefined
  }
  const first = rows[0]
  const counted = first?.operations.toLocaleString('en-US')
  return {
    columns: [
      { head: 'memory' },
      { head: 'operation' },
      { head: 'node' },
      { head: 'mean', unit: 'ms', digits: 2 },
      { head: 'sd', unit: 'ms', digits: 2 },
      { head: 'each', unit: 'ns', digits: 0 },
      { head: 'remote/', unit: 'local', digits: 2 },
      { head: 'paper', unit: 'ms', digits: 2 },
      { head: 'paper’s', unit: 'ratio', digits: 2 },
    ],
    rows: rows.map((row) => [
      row.variant,
      row.operation,
      row.node,
      row.meanMs,
      row.sdMs,
      row.nsPerOperation,
      ratio(row, 'meanMs'),
      row.operations === row.paperOperations ? row.paperMeanMs : undefined,
      ratio(row, 'paperMeanMs'),
    ]),
    notes: [
      `${first?.runs} runs of ${counted} operations each way. region: one region an element, as in the ` +
        'paper; slab: the queue of this package.',
      'Paper: emucxl, Table III; 15,000 operations, ten runs, C, its own machine and kernel module.',
    ],
  }
}

const TITLES = {
  region: 'One region for each element, as in the paper',
  slab: 'Elements in slabs: the queue of this package',
} as const

const NOTES = {
  region:
    'Dashed: the paper’s means, of its own machine, in C. Error bars: one standard deviation to each side.',
  slab: 'Error bars: one standard deviation to each side. Mind the other scale.',
} as const

/** The means of a variant as bars, those of the paper beside them where it measured the same. */
function chart(rows: readonly QueueRow[], variant: Variant): Chart {
  const own = rows.filter((row) => row.variant === variant)
  const operations = ['enqueue', 'dequeue'] as const
  const bar = (at: number, mean: number, sd: number): Point => [at, mean, mean - sd, mean + sd]
  const isPapers = ({ operations, paperOperations }: QueueRow) =>
    variant === 'region' && operations === paperOperations
  const series = (['local', 'remote'] as const).flatMap((node) => {
    const found = own.filter((row) => row.node === node)
    const points = found.map((row) => bar(operations.indexOf(row.operation), row.meanMs, row.sdMs))
    const papers = found.filter(isPapers).map(({ operation, paperMeanMs }) => {
      return bar(operations.indexOf(operation), paperMeanMs, TABLE_III[operation][node].sd)
    })
    const paper = { name: `${node}, paper`, points: papers, dashed: true }
    return [{ name: node, points }, ...(papers.length > 0 ? [paper] : [])]
  })
  const counted = own[0]?.operations.toLocaleString('en-US')
  return {
    title: TITLES[variant],
    kind: 'bar',
    x: { name: `${counted} operations`, categories: operations },
    y: { name: 'time of a run', unit: 'ms' },
    series,
    notes: [NOTES[variant]],
  }
}

export const queue: Experiment<{ rows: QueueRow[] }> = {
  name: 'queue',
  description:
    'Table III of the emucxl paper: a queue of int32 as a linked list, filled and then emptied, local ' +
    'and remote in turns, with one region for each element, and with elements in slabs.',
  effort: { quick: { processes: 1, seconds: 6 }, full: { processes: 3, seconds: 10 } },
  pinned: true,
  run,
  merge,
  tables: ({ rows }) => [table(rows)],
  charts: ({ rows }) => [chart(rows, 'region'), chart(rows, 'slab')],
}
