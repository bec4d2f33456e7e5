// Lays out what `bandwidth` found: kernels by threads and node, and the mixes of two nodes.

import { bytesText } from '../../lib/cli/units.js'
import type { Kernel } from '../../lib/memory/addon.js'
import type { Chart, Series } from '../harness/chart.js'
import type { Table } from '../harness/experiment.js'
import { type BandwidthRow, localShareOf, OPERANDS, RATIOS } from './row.js'

const KERNELS = Object.keys(OPERANDS) as Kernel[]
const NODES = ['local', 'remote'] as const

/** Those of the largest operands: a process that had less time can have taken smaller ones. */
function ofLargest(rows: readonly BandwidthRow[]): BandwidthRow[] {
  const cells = new Map<string, BandwidthRow>()
  for (const row of [...rows].sort((a, b) => b.blockBytes - a.blockBytes)) {
    const cell = JSON.stringify([row.kernel, row.threads, row.node, row.localShare])
    if (!cells.has(cell)) cells.set(cell, row)
  }
  return rows.filter((row) => [...cells.values()].includes(row))
}

function threadsOf(rows: readonly BandwidthRow[]): number[] {
  return [...new Set(rows.map(({ threads }) => threads))].sort((a, b) => a - b)
}

function find(
  rows: readonly BandwidthRow[],
  kernel: Kernel,
  threads: number,
  node: BandwidthRow['node'],
): BandwidthRow | undefined {
  return rows.find((row) => row.kernel === kernel && row.threads === threads && row.node === node)
}

function byThreads(
  rows: readonly BandwidthRow[],
  field: 'best' | 'median',
  title: string,
  notes: readonly string[],
): Table {
  return {
    title,
    columns: [
      { head: 'threads', digits: 0 },
      { head: 'memory' },
      ...KERNELS.map((head) => ({ head, unit: 'GB/s', digits: 2 })),
    ],
    rows: threadsOf(rows).flatMap((threads) =>
      NODES.map((node) => [
        threads,
        node,
        ...KERNELS.map((kernel) => find(rows, kernel, threads, node)?.[field]),
      ]),
    ),
    notes,
  }
}

interface Mix {
  name: string
  localShare: number
  row: BandwidthRow
}

function mixesOf(rows: readonly BandwidthRow[]): Mix[] {
  return RATIOS.flatMap((ratio) => {
    const localShare = localShareOf(ratio)
    const row = rows.find((each) => each.node === 'interleaved' && each.localShare === localShare)
    return row === undefined ? [] : [{ name: ratio.join(':'), localShare, row }]
  })
}

/** Fewer passes do not tell which of two mixes is better. */
const ENOUGH = 5

/** The mix with the highest median, in a sentence. */
function bestMix(rows: readonly BandwidthRow[], mixes: readonly Mix[]): string {
  const [best] = [...mixes].sort((a, b) => b.row.median - a.row.median)
  const alone = mixes.find(({ localShare }) => localShare === 1)
  if (best === undefined || alone === undefined) return ''
  const places = new Set(rows.map(({ numaNode }) => numaNode).filter(Number.isInteger))
  if (places.size === 1) {
    return 'Both are one NUMA node here: mixes differ by noise, or by a latency model.'
  }
  const least = Math.min(...mixes.map(({ row }) => row.samples))
  if (least < ENOUGH) return `Which mix is best takes ${ENOUGH} passes of each; here are ${least}.`
  const ratio = best.row.median / alone.row.median
  const how = best === alone ? 'no remote memory' : `${ratio.toFixed(2)} times 1:0`
  return `The best mix, by the median, is ${best.name}: ${how}.`
}

function interleaved(rows: readonly BandwidthRow[]): Table {
  const mixes = mixesOf(rows)
  return {
    title: `Read by ${mixes[0]?.row.threads} threads, pages of the nodes in turn, local:remote`,
    columns: [{ head: 'GB/s' }, ...mixes.map(({ name }) => ({ head: name, digits: 2 }))],
    rows: (['best', 'median'] as const).map((field) => [
      field,
      ...mixes.map(({ row }) => row[field]),
    ]),
    notes: [bestMix(rows, mixes)],
  }
}

export function tables(all: readonly BandwidthRow[]): Table[] {
  const rows = ofLargest(all)
  const [first] = rows
  const counts = rows.map(({ samples }) => samples)
  const passes = [...new Set([Math.min(...counts), Math.max(...counts)])].join(' to ')
  const size = bytesText(first?.blockBytes ?? 0)
  return [
    byThreads(
      rows,
      'best',
      `Best of ${passes} ${passes === '1' ? 'pass' : 'passes'}, as STREAM reports`,
      [
        `A variant of STREAM: its copy and triad, and read and write besides; operands of ${size}, ` +
          `pages of ${bytesText(first?.pageBytes ?? 0)}. 1 GB is 10^9 bytes; each operand counts once.`,
      ],
    ),
    byThreads(rows, 'median', 'Medians of the same', [
      'Every thread is pinned to a CPU of the local node. Results were checked after each sweep.',
    ]),
    interleaved(rows),
  ]
}

export function charts(all: readonly BandwidthRow[]): Chart[] {
  const rows = ofLargest(all)
  const mixes = mixesOf(rows)
  const lines = (kernel: Kernel) =>
    NODES.map((node): Series => {
      const points = threadsOf(rows).flatMap((threads) => {
        const row = find(rows, kernel, threads, node)
        return row === undefined ? [] : [[threads, row.median] as const]
      })
      return { name: node, points }
    })
  const mix = (field: 'best' | 'median'): Series => ({
    name: field,
    points: mixes.map(({ localShare, row }) => [100 * localShare, row[field]]),
  })
  return [
    ...KERNELS.map(
      (kernel): Chart => ({
        title: `Bandwidth by threads: ${kernel}`,
        kind: 'line',
        x: { name: 'threads', log: true },
        y: { name: 'median', unit: 'GB/s' },
        series: lines(kernel),
        notes: ['Where a line no longer rises, the memory gives no more.'],
      }),
    ),
    {
      title: 'Bandwidth of local and remote memory together',
      kind: 'line',
      x: { name: 'local pages', unit: '%' },
      y: { name: 'read by all threads', unit: 'GB/s' },
      series: [mix('median'), mix('best')],
      notes: [bestMix(rows, mixes)],
    },
  ]
}
