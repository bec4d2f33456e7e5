// Charts of the key-value store for the report: Table IV of the first paper, and a chart for each trace.

import type { Chart, Point, Series } from '../harness/chart.js'
import type { KvRow } from '../kv.js'
import { type KvTraceRow, LOCAL_SHARES } from './replay.js'

const LOCAL = { name: 'reads that found their object in local memory', unit: '%' }
const OPTIMUM = 'min'
const MIN = 'min: Belady’s optimum, which knows the future.'

const policiesOf = (rows: readonly { policy: string }[]) => [
  ...new Set(rows.map(({ policy }) => policy)),
]

/** Local hits by the share of keys that are hot: a line for each policy, and the paper’s, dashed. */
export function tableFourChart(rows: readonly KvRow[]): Chart {
  const shares = [...new Set(rows.map(({ hotPercent }) => hotPercent))]
  const series = policiesOf(rows).flatMap((policy): Series[] => {
    const own = rows.filter((row) => row.policy === policy)
    const points = own.map((row): Point => [shares.indexOf(row.hotPercent), row.localPercent])
    const papers = own
      .filter(({ paperLocalPercent }) => paperLocalPercent !== null)
      .map((row): Point => [shares.indexOf(row.hotPercent), row.paperLocalPercent])
    const paper = { name: `${policy}, paper`, points: papers, dashed: true }
    return [
      { name: policy, points, dashed: policy === OPTIMUM },
      ...(papers.length > 0 ? [paper] : []),
    ]
  })
  return {
    title: 'Table IV of the emucxl paper',
    kind: 'line',
    x: {
      name: 'keys that nine tenths of the reads go to',
      categories: shares.map((share) => (share === null ? 'all' : `${share} %`)),
    },
    y: LOCAL,
    series,
    notes: [`Dashed: the paper’s figures, of seed 1. ${MIN}`],
  }
}

function traceChart(rows: readonly KvTraceRow[], trace: string): Chart {
  const own = rows.filter((row) => row.trace === trace)
  const [first] = own
  const [reads, objects] = [first?.reads, first?.objects].map((n) => n?.toLocaleString('en-US'))
  const seed = first?.seed ?? null
  return {
    title: `Trace ${trace}`,
    kind: 'line',
    x: {
      name: 'room of local memory, of the bytes of all objects',
      categories: LOCAL_SHARES.map((share) => `${share} %`),
    },
    y: LOCAL,
    series: policiesOf(own).map((policy) => ({
      name: policy,
      dashed: policy === OPTIMUM,
      points: own
        .filter((row) => row.policy === policy)
        .map((row): Point => [LOCAL_SHARES.indexOf(row.localSharePercent), row.localPercent]),
    })),
    notes: [
      `${reads} reads of ${objects} objects${seed === null ? '' : `, seed ${seed}`}; first reads are not counted.`,
    ],
  }
}

export function traceCharts(rows: readonly KvTraceRow[]): Chart[] {
  return [...new Set(rows.map(({ trace }) => trace))].map((trace) => traceChart(rows, trace))
}
