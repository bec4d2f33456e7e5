// Reports that were never measured: of a machine with two nodes, of one that means harm, and of experiments
// whose charts are hard to draw.

import type { Chart, Point } from '../../bench/harness/chart.js'
import type { Experiment, Result } from '../../bench/harness/experiment.js'
import type { Measured } from '../../bench/harness/measured.js'
import { measured } from '../../bench/harness/measured.js'
import type { BenchReport, ExperimentReport } from '../../bench/harness/report.js'
import type { QueueRow } from '../../bench/queue.js'

const GIB = 2 ** 30

const PAPER = {
  enqueue: { local: 502.98, remote: 567.21 },
  dequeue: { local: 417.69, remote: 500.4 },
}

const found = (rows: readonly object[], more: object = {}): ExperimentReport => ({
  description: 'What was measured, in a sentence.',
  seconds: 12.34,
  processes: 3,
  rows,
  ...more,
})

/** Latencies of a working set, as nobody measured them. */
const row = (node: 'local' | 'remote', numaNode: number, workingSetBytes: number, ns: number) => ({
  ...{ node, numaNode, workingSetBytes, pageBytes: 4096, loadsPerSample: 100_000 },
  ...(measured('ns', [[ns - 2, ns, ns + 9]]) satisfies Measured),
})

/** A machine with a CXL expander, on the backend `numa`. */
export function twoNodes(experiments: BenchReport['experiments'] = {}): BenchReport {
  return {
    version: '0.1.0',
    date: '2026-03-01T10:20:30.000Z',
    quick: false,
    interrupted: false,
    machine: {
      ...{ cpu: 'Example CPU 9000', cpus: 64, arch: 'x64', lastLevelCache: 32 * 2 ** 20 },
      ...{ virtualMachine: null, kernel: '6.12.0', libc: 'glibc 2.36', node: 'v22.1.0' },
    },
    numaNodes: [
      {
        ...{ id: 0, cpus: Array.from({ length: 64 }, (_, i) => i), allowed: true },
        ...{ memoryTotal: 128 * GIB, memoryFree: 100 * GIB, distances: { 0: 10, 2: 24 } },
      },
      {
        ...{ id: 2, cpus: [], allowed: true },
        ...{ memoryTotal: 256 * GIB, memoryFree: 255 * GIB, distances: { 0: 24, 2: 10 } },
      },
    ],
    backend: 'numa',
    nodes: [
      { node: 0, role: 'local', numaNode: 0 },
      { node: 1, role: 'remote', numaNode: 2 },
    ],
    latencyModel: null,
    conditions: ['latency: thread not pinned'],
    experiments: {
      latency: found([
        row('local', 0, 2 ** 20, 5),
        row('remote', 2, 2 ** 20, 6),
        row('local', 0, 2 ** 28, 100),
        row('remote', 2, 2 ** 28, 250),
      ]),
      ...experiments,
    },
  }
}

/** What would run, or break the page, if it were put in as it is. */
export const HOSTILE =
  '</script><script>globalThis.harmed=1</script><img src=x onerror="harmed=1">\'"><!--\u2028\u2029&lt;--x'

/** A report with that in every place that is read. */
export function hostile(): BenchReport {
  const report = twoNodes()
  const { machine } = report
  const strings = Object.fromEntries(
    Object.entries(machine).map(([name, value]) => [
      name,
      typeof value === 'string' ? HOSTILE : value,
    ]),
  )
  const rows = [{ [HOSTILE]: HOSTILE, figure: 12.5 }]
  return {
    ...report,
    version: HOSTILE,
    date: HOSTILE,
    machine: { ...machine, ...strings, virtualMachine: HOSTILE },
    backend: HOSTILE as BenchReport['backend'],
    conditions: [HOSTILE, `latency: ${HOSTILE}`, `${HOSTILE}: ${HOSTILE}`],
    experiments: {
      latency: found(rows, { description: HOSTILE }),
      queue: found(rows),
      [HOSTILE]: found(rows, { description: HOSTILE, seconds: HOSTILE, processes: HOSTILE }),
      'from-the-future': found([
        { node: 'remote', joules: 3.25, trials: [[1, 2]] },
        { node: null },
      ]),
      broken: { rows: null } as unknown as ExperimentReport,
    },
  }
}

const line = (count: number, y: (i: number) => number | null, x = (i: number) => i): Point[] =>
  Array.from({ length: count }, (_, i) => [x(i), y(i)])

const LONG =
  'a name that is much longer than anybody would ever want to read in a legend or on an axis'
const plain = {
  kind: 'line',
  x: { name: 'threads' },
  y: { name: 'bandwidth', unit: 'GB/s' },
} as const

/** Each hard in its own way. */
export const CHARTS: Chart[] = [
  {
    title: 'Steps of latency',
    kind: 'line',
    x: { name: 'working set', unit: 'B', log: true },
    y: { name: 'latency', unit: 'ns', log: true },
    series: [
      {
        name: 'local',
        points: line(
          17,
          (i) => 1.2 + i ** 2,
          (i) => 4096 * 2 ** i,
        ),
      },
      {
        name: 'remote',
        points: line(
          17,
          (i) => 1.3 + i ** 2.3,
          (i) => 4096 * 2 ** i,
        ),
      },
    ],
    notes: ['A note on it.', 'Another, with --runs 100.'],
  },
  {
    ...plain,
    title: 'A curve that goes back',
    x: { name: 'bandwidth', unit: 'GB/s' },
    y: { name: 'latency', unit: 'ns' },
    series: [
      {
        name: 'local',
        points: [
          [1, 90],
          [5, 95],
          [9, 140],
          [8, 300],
          [7.5, 380],
        ],
      },
    ],
    notes: [],
  },
  { ...plain, title: 'One point', series: [{ name: 'local', points: [[4, 17.5]] }], notes: [] },
  { ...plain, title: 'No points', series: [{ name: 'local', points: [] }], notes: [] },
  { ...plain, title: 'No series', series: [], notes: [] },
  {
    ...plain,
    title: 'Gaps, and nothing that a logarithm has',
    y: { name: 'latency', unit: 'ns', log: true },
    series: [
      {
        name: 'gaps',
        points: line(9, (i) => [1, 2, null, 4, Number.NaN, 6, 0, -3, 20][i] ?? null),
      },
      { name: 'none', points: line(9, () => Number.NaN) },
    ],
    notes: [],
  },
  {
    ...plain,
    title: 'Twenty series',
    series: Array.from({ length: 20 }, (_, s) => ({
      name: `series ${s + 1}`,
      points: line(8, (i) => 5 + s + i / 2),
    })),
    notes: [],
  },
  {
    ...plain,
    title: LONG,
    kind: 'bar',
    x: { name: LONG, categories: Array.from({ length: 9 }, (_, i) => `${i} ${LONG}`) },
    y: { name: LONG, unit: 'ms' },
    series: [
      { name: LONG, points: line(9, (i) => 10 + i).map(([x, y]) => [x, y, 9 + x, 12 + x]) },
      { name: `${LONG}, paper`, points: line(9, (i) => 14 + i), dashed: true },
    ],
    notes: [LONG.repeat(5)],
  },
  {
    title: 'Bars',
    kind: 'bar',
    x: { name: 'operation', categories: ['enqueue', 'dequeue'] },
    y: { name: 'time of a run', unit: 'ms' },
    series: [
      {
        name: 'local',
        points: [
          [0, 45.07, 37.6, 52.5],
          [1, 34.76, 30.3, 39.2],
        ],
      },
      {
        name: 'local, paper',
        points: [
          [0, 502.98, 493.75, 512.21],
          [1, 417.69],
        ],
        dashed: true,
      },
    ],
    notes: [],
  },
]

/** An experiment with those, and a report of it. */
export const HARD: Experiment<Result & { charts: Chart[] }> = {
  name: 'hard',
  description: 'Charts that are hard to draw.',
  effort: { quick: { processes: 1, seconds: 1 }, full: { processes: 1, seconds: 1 } },
  pinned: false,
  run: async () => ({ rows: [], charts: [] }),
  merge: ([result]) => result ?? { rows: [], charts: [] },
  tables: () => [],
  charts: ({ charts }) => charts,
}

export const hard = (charts: readonly Chart[] = CHARTS) =>
  twoNodes({ hard: found([], { description: HARD.description, charts }) })

/** A report of the queue, and its rows. */
export function queueReport() {
  const rows = (['region', 'slab'] as const).flatMap((variant, v) =>
    (['enqueue', 'dequeue'] as const).flatMap((operation, o) =>
      (['local', 'remote'] as const).map((node, n): QueueRow => {
        const meanMs = (45.07 + 20 * o + 10 * n) / (1 + 499 * v)
        return {
          ...{ variant, operation, node, operations: 15_000, runs: 10, meanMs, sdMs: 2.5 },
          ...{ nsPerOperation: (meanMs * 1e6) / 15_000, trialsMs: [[meanMs]] },
          ...{ paperMeanMs: PAPER[operation][node], paperOperations: 15_000 },
        }
      }),
    ),
  )
  return { report: twoNodes({ queue: found(rows) }), rows }
}
