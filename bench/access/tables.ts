// How the experiment access shows what it found.

import { bytesText } from '../../lib/cli/units.js'
import type { AccessRow } from '../access.js'
import type { Chart } from '../harness/chart.js'
import type { Table } from '../harness/experiment.js'
import { COPIES, VIEWS } from './loops.js'

const SETS = ['cache', 'memory'] as const
const NODES = ['local', 'remote'] as const
const OPERATIONS = ['load', 'store'] as const

const unique = <T>(values: readonly T[]) => [...new Set(values)]

function find(rows: readonly AccessRow[], wanted: Partial<AccessRow>): AccessRow | undefined {
  const fields = Object.entries(wanted) as [keyof AccessRow, unknown][]
  return rows.find((row) => fields.every(([field, value]) => row[field] === value))
}

const median = (rows: readonly AccessRow[], wanted: Partial<AccessRow>) =>
  find(rows, wanted)?.median

/** Accesses of one element: a row each, of those that have any. */
function elements(rows: readonly AccessRow[]) {
  const of = rows.filter(
    ({ access, bytes }) =>
      (VIEWS as readonly string[]).includes(access) || (access === 'call' && bytes === 8),
  )
  const kinds = of.map(({ access, operation, order, bytes }) => {
    return { access, operation, order, bytes }
  })
  return unique(kinds.map((kind) => JSON.stringify(kind))).map(
    (text) => JSON.parse(text) as (typeof kinds)[number],
  )
}

const nameOf = ({ access, operation }: Pick<AccessRow, 'access' | 'operation'>) =>
  access === 'call' ? (operation === 'load' ? 'cxl.read' : 'cxl.write') : access

function elementTable(rows: readonly AccessRow[]): Table {
  const sets = SETS.filter((set) => rows.some((row) => row.set === set))
  const size = (set: string) => rows.find((row) => row.set === set)?.workingSetBytes ?? 0
  return {
    title: 'Elements: ns of one access, in a working set that fits the cache, and in memory.',
    columns: [
      { head: 'by' },
      { head: '' },
      { head: 'order' },
      ...sets.flatMap((set) => NODES.map((node) => ({ head: set, unit: node, digits: 2 }))),
      { head: 'remote/', unit: 'local', digits: 2 },
    ],
    rows: elements(rows).map((kind) => {
      const of = (set: (typeof SETS)[number], node: 'local' | 'remote') =>
        median(rows, { ...kind, set, node })
      const [local, remote] = NODES.map((node) => of('memory', node))
      return [
        ...[nameOf(kind), kind.operation, kind.order],
        ...sets.flatMap((set) => NODES.map((node) => of(set, node))),
        local === undefined || remote === undefined ? undefined : remote / local,
      ]
    }),
    notes: rows.slice(0, 1).map((row) => {
      const words = sets.map((set) => `${set}: ${bytesText(size(set))}`)
      return (
        `Medians, N = ${row.samples}. DataView: getFloat64, setFloat64; calls: of 8 bytes. Working ` +
        `sets: ${words.join(', ')}, of pages of ${bytesText(row.pageBytes)}. Random accesses do not wait for each other, as those of latency do; ` +
        'drawing a place takes about 1 ns of each.'
      )
    }),
  }
}

/** The smallest size from which on calls are no slower than `than`; undefined where there is none. */
export function crossover(
  rows: readonly AccessRow[],
  than: 'loop' | 'set',
  wanted: Partial<AccessRow>,
): number | undefined {
  let from: number | undefined
  for (const bytes of sizesOf(rows).reverse()) {
    const call = median(rows, { ...wanted, order: 'random', access: 'call', bytes })
    const other = median(rows, { ...wanted, order: 'random', access: than, bytes })
    if (call === undefined || other === undefined) continue
    if (call > other) break
    from = bytes
  }
  return from
}

const sizesOf = (rows: readonly AccessRow[]) =>
  unique(rows.filter(({ access }) => access === 'loop').map(({ bytes }) => bytes))

/** From which sizes on calls pay, in words. */
function pays(rows: readonly AccessRow[], operation: 'load' | 'store', set: AccessRow['set']) {
  const from = (than: 'loop' | 'set') => {
    const sizes = NODES.map((node) => crossover(rows, than, { operation, set, node }))
    const words = sizes.map((bytes) =>
      bytes === undefined ? 'at none of these sizes' : `from ${bytesText(bytes)} on`,
    )
    return words[0] === words[1] ? words[0] : `${words[0]} (remote: ${words[1]})`
  }
  const name = nameOf({ access: 'call', operation })
  return `${name} pays ${from('loop')} against the loop, ${from('set')} against set.`
}

function copyTable(rows: readonly AccessRow[], set: AccessRow['set']): Table {
  const place = set === 'cache' ? 'that the cache has' : 'that no cache has'
  return {
    title: `Copies, to and from places drawn at random ${place}: ns of one.`,
    columns: [
      { head: '' },
      { head: 'bytes', digits: 0 },
      ...COPIES.flatMap((way) => NODES.map((node) => ({ head: way, unit: node, digits: 1 }))),
    ],
    rows: OPERATIONS.flatMap((operation) =>
      sizesOf(rows).map((bytes) => [
        ...[operation, bytes],
        ...COPIES.flatMap((access) =>
          NODES.map((node) =>
            median(rows, { access, operation, order: 'random', bytes, set, node }),
          ),
        ),
      ]),
    ),
    notes: [
      'loop: over elements of a Float64Array; set: TypedArray.set, of a new subarray where it loads; ' +
        'call: cxl.read, cxl.write.',
      ...OPERATIONS.map((operation) => pays(rows, operation, set)),
    ],
  }
}

export function tables(rows: readonly AccessRow[]): Table[] {
  const sets = SETS.filter((set) => rows.some((row) => row.set === set))
  return [elementTable(rows), ...sets.map((set) => copyTable(rows, set))]
}

function bars(rows: readonly AccessRow[], set: AccessRow['set']): Chart {
  const kinds = elements(rows)
  const categories = kinds.map((kind) => `${nameOf(kind)} ${kind.operation} ${kind.order}`)
  return {
    title: `Time of an access by TypeScript, working set in ${set === 'cache' ? 'a cache' : set}`,
    kind: 'bar',
    x: { name: 'access', categories },
    y: { name: 'each', unit: 'ns' },
    series: NODES.map((node) => ({
      name: node,
      points: kinds.flatMap((kind, i) => {
        const ns = median(rows, { ...kind, set, node })
        return ns === undefined ? [] : [[i, ns] as const]
      }),
    })),
    notes: ['Medians.'],
  }
}

function lines(rows: readonly AccessRow[], operation: 'load' | 'store'): Chart {
  return {
    title: `Copying ${operation === 'load' ? 'from' : 'to'} a block: call, loop, set`,
    kind: 'line',
    x: { name: 'size', unit: 'B', log: true },
    y: { name: 'each', unit: 'ns', log: true },
    series: COPIES.flatMap((access) =>
      NODES.map((node) => ({
        name: `${access}, ${node}`,
        points: sizesOf(rows).flatMap((bytes) => {
          const wanted = { access, operation, order: 'random', bytes, set: 'memory', node } as const
          const ns = median(rows, wanted)
          return ns === undefined ? [] : [[bytes, ns] as const]
        }),
      })),
    ),
    notes: ['Medians, places drawn at random in memory. Both axes are logarithmic.'],
  }
}

export function charts(rows: readonly AccessRow[]): Chart[] {
  const sets = SETS.filter((set) => rows.some((row) => row.set === set))
  return [
    ...sets.map((set) => bars(rows, set)),
    ...OPERATIONS.map((operation) => lines(rows, operation)),
  ]
}
