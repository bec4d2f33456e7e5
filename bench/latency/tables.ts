// Lays out what `latency` found: a matrix, steps by working set, and the curve under load.

import { bytesText } from '../../lib/cli/units.js'
import type { Chart, Series } from '../harness/chart.js'
import type { Table } from '../harness/experiment.js'
import type { LatencyRow } from './row.js'

const idleOf = (rows: readonly LatencyRow[]) => rows.filter(({ kind }) => kind === 'idle')

/** Those of the largest working set: a process that had less time can have taken a smaller one. */
function loadedOf(rows: readonly LatencyRow[]): LatencyRow[] {
  const loaded = rows.filter(({ kind }) => kind === 'loaded')
  const [first] = [...loaded].sort((a, b) => b.workingSetBytes - a.workingSetBytes)
  return loaded.filter(
    ({ workingSetBytes, pageBytes }) =>
      workingSetBytes === first?.workingSetBytes && pageBytes === first.pageBytes,
  )
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}

/** Rows of the CPU node that is local: that of the first row. */
function ofLocalCpus(rows: readonly LatencyRow[]): LatencyRow[] {
  return rows.filter(({ cpuNode }) => cpuNode === rows[0]?.cpuNode)
}

/** A memory node in words, with its number where there are several of the role. */
function nodeNames(rows: readonly LatencyRow[]): (row: LatencyRow) => string {
  const remote = rows.filter(({ node }) => node === 'remote').map(({ numaNode }) => numaNode)
  const several = new Set(remote).size > 1
  return ({ node, numaNode }) => (several && node === 'remote' ? `remote ${numaNode}` : node)
}

function samplesText(rows: readonly LatencyRow[]): string {
  const counts = rows.map(({ samples }) => samples)
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? `${least} samples each` : `${least} to ${most} samples each`
}

/** The largest set that was measured with every size of pages. */
function largestSet(rows: readonly LatencyRow[], pages: readonly number[]): number {
  const sets = unique(rows.map(({ workingSetBytes }) => workingSetBytes)).sort((a, b) => b - a)
  const isWhole = (set: number) =>
    pages.every((size) =>
      rows.some(({ workingSetBytes, pageBytes }) => workingSetBytes === set && pageBytes === size),
    )
  return sets.find(isWhole) ?? sets[0] ?? 0
}

function matrix(rows: readonly LatencyRow[]): Table {
  const pages = unique(rows.map(({ pageBytes }) => pageBytes)).sort((a, b) => a - b)
  const largest = largestSet(rows, pages)
  const own = rows.filter(({ workingSetBytes }) => workingSetBytes === largest)
  const local = (row: LatencyRow) =>
    own.find(
      ({ node, cpuNode, pageBytes }) =>
        node === 'local' && cpuNode === row.cpuNode && pageBytes === row.pageBytes,
    )
  return {
    title: `Idle, working set of ${bytesText(largest)}`,
    columns: [
      { head: 'CPU', unit: 'node', digits: 0 },
      { head: 'memory' },
      { head: 'node', digits: 0 },
      { head: 'pages' },
      { head: 'best', unit: 'ns/load', digits: 1 },
      { head: 'median', unit: 'ns/load', digits: 1 },
      { head: 'p99', unit: 'ns/load', digits: 1 },
      { head: 'sd', unit: 'ns', digits: 1 },
      { head: 'remote/', unit: 'local', digits: 2 },
    ],
    rows: pages.flatMap((size) =>
      own
        .filter(({ pageBytes }) => pageBytes === size)
        .map((row) => {
          const beside = local(row)
          return [
            ...[row.cpuNode, row.node, row.numaNode, bytesText(row.pageBytes)],
            ...[row.best, row.median, row.p99, row.sd],
            row.node === 'remote' && beside !== undefined ? row.median / beside.median : undefined,
          ]
        }),
    ),
    notes: [
      `${samplesText(own)}, of ${own[0]?.loadsPerSample.toLocaleString('en-US')} loads. ` +
        'Misses of the TLB count: with small pages every load has one, with huge pages few.',
    ],
  }
}

/** Lines of the idle figures on local CPUs: a node and a page size each. */
function idleLines(rows: readonly LatencyRow[]) {
  const own = ofLocalCpus(rows)
  const name = nodeNames(own)
  const lines = own.map((row) => `${name(row)}, ${bytesText(row.pageBytes)}`)
  const pages = (row: LatencyRow | undefined) => row?.pageBytes ?? 0
  return unique(lines)
    .map((line) => ({ line, rows: own.filter((_, i) => lines[i] === line) }))
    .sort((a, b) => pages(a.rows[0]) - pages(b.rows[0]))
}

/** As many columns as 80 characters hold beside each other. */
const MOST_LINES = 6
const MOST_NODES = 3
const MOST_NODES_WITH_TAILS = 2

function chunks<T>(values: readonly T[], size: number): T[][] {
  const starts = values.flatMap((_, i) => (i % size === 0 ? [i] : []))
  return starts.map((start) => values.slice(start, start + size))
}

function steps(rows: readonly LatencyRow[]): Table[] {
  const sets = unique(rows.map(({ workingSetBytes }) => workingSetBytes)).sort((a, b) => a - b)
  return chunks(idleLines(rows), MOST_LINES).map((lines) => ({
    title: `Idle, by working set and size of the pages: median ns/load, CPUs of NUMA node ${rows[0]?.cpuNode}`,
    columns: [
      { head: 'set' },
      ...lines.map(({ line }) => {
        const [node, pages] = line.split(', ') as [string, string]
        return { head: node, unit: pages, digits: 1 }
      }),
    ],
    rows: sets.map((bytes) => [
      bytesText(bytes),
      ...lines.map((line) => line.rows.find((row) => row.workingSetBytes === bytes)?.median),
    ]),
    notes: ['Each level of the caches is a step; the last one is memory.'],
  }))
}

function underLoad(rows: readonly LatencyRow[]): Table[] {
  const name = nodeNames(rows)
  const all = unique(rows.map(name))
  const [first] = rows
  const tails = all.length <= MOST_NODES_WITH_TAILS
  const of = (threads: number, node: string) =>
    rows.find((row) => row.threads === threads && name(row) === node)
  return chunks(all, MOST_NODES).map((nodes) => ({
    title: 'Under load: one thread follows the chain, others read from the same node',
    columns: [
      { head: 'threads', unit: 'reading', digits: 0 },
      ...nodes.flatMap((node) => [
        { head: node, unit: 'GB/s', digits: 1 },
        { head: 'median', unit: 'ns/load', digits: 1 },
        ...(tails ? [{ head: 'p99', unit: 'ns/load', digits: 1 }] : []),
      ]),
    ],
    rows: unique(rows.map(({ threads }) => threads)).map((threads) => [
      threads,
      ...nodes.flatMap((node) => {
        const row = of(threads, node)
        return [row?.trafficGBps ?? undefined, row?.median, ...(tails ? [row?.p99] : [])]
      }),
    ]),
    notes: [
      `${samplesText(rows)}; working set of ${bytesText(first?.workingSetBytes ?? 0)}, pages of ` +
        `${bytesText(first?.pageBytes ?? 0)}. GB/s: what the other threads read meanwhile.`,
    ],
  }))
}

export function tables(rows: readonly LatencyRow[]): Table[] {
  const [idle, loaded] = [idleOf(rows), loadedOf(rows)]
  return [
    ...(idle.length > 0 ? [matrix(idle), ...steps(idle)] : []),
    ...(loaded.length > 0 ? underLoad(loaded) : []),
  ]
}

export function charts(rows: readonly LatencyRow[]): Chart[] {
  const loaded = loadedOf(rows)
  const name = nodeNames(loaded)
  const curves = unique(loaded.map(name)).map(
    (node): Series => ({
      name: node,
      points: loaded
        .filter((row) => name(row) === node)
        .map((row) => [row.trafficGBps ?? 0, row.median]),
    }),
  )
  return [
    {
      title: 'Idle latency by working set',
      kind: 'line',
      x: { name: 'working set', unit: 'B', log: true },
      y: { name: 'median', unit: 'ns/load', log: true },
      series: idleLines(idleOf(rows)).map((line) => ({
        name: `${line.line} pages`,
        points: line.rows.map((row) => [row.workingSetBytes, row.median] as const),
      })),
      notes: ['Each level of the caches is a step; the last one is memory.'],
    },
    {
      title: 'Latency under load',
      kind: 'line',
      x: { name: 'read traffic on the same node', unit: 'GB/s' },
      y: { name: 'median', unit: 'ns/load' },
      series: curves,
      notes: ['Each point has more reading threads than the one before.'],
    },
  ]
}
