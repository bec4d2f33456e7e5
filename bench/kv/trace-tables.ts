// Lays out what traces showed: what can be told of all of them in a terminal is told at one size of local
// memory, a file's at each.

import type { Column, Table } from '../harness/experiment.js'
import { type KvTraceRow, LOCAL_SHARES, regrets } from './replay.js'
import { VALUE_BYTES } from './traces.js'

/** Percent of the objects for which local memory has room, in the tables of generated traces. */
const SHOWN = 10

const MODELLED =
  'Modelled, not measured: the latencies and bandwidths of Table 5 (second paper; its far end) for each ' +
  'read, put and move of an entry, one after the other, without what caches save and CPUs add.'
const MOVES = 'Moves: promotions and demotions.'
const MIN = 'min: Belady’s optimum, which knows the future.'

/** A figure of a row, if it has one. */
interface Figure {
  /** In a word, for the head of a column. */
  unit: string
  digits: number
  of(row: KvTraceRow): number | null
}

const moves = ({ promotions, demotions }: KvTraceRow) =>
  promotions === null || demotions === null ? null : promotions + demotions

const LOCAL: Figure = { unit: 'local', digits: 1, of: (row) => row.localPercent }
const MODELLED_NS: Figure = { unit: 'ns', digits: 0, of: (row) => row.modelledFarNsPerRead }
const MOVES_OF_100: Figure = {
  unit: 'moves',
  digits: 0,
  of: (row) => per(moves(row), row.reads / 100),
}
const BYTES_MOVED: Figure = {
  unit: 'bytes',
  digits: 0,
  of: (row) => per(row.bytesMoved, row.reads),
}

const per = (value: number | null, reads: number) => (value === null ? null : value / reads)

/** A cell of each row that has one: by policy, and by column. */
function grid(
  rows: readonly KvTraceRow[],
  heads: readonly Column[],
  cell: (row: KvTraceRow, column: number) => number | null | undefined,
): Pick<Table, 'columns' | 'rows'> {
  const policies = [...new Set(rows.map(({ policy }) => policy))]
  const lines = policies.map((policy) => {
    const own = rows.filter((row) => row.policy === policy)
    const cells = heads.map((_, i) => {
      const row = own.find((one) => cell(one, i) !== undefined)
      return row === undefined ? undefined : (cell(row, i) ?? undefined)
    })
    return [policy, ...cells]
  })
  const told = lines.filter(([, ...cells]) => cells.some((value) => value !== undefined))
  return { columns: [{ head: 'policy' }, ...heads], rows: told }
}

/** The column of a trace; `zipf 0.6` takes two lines for its name. */
function traceColumn(name: string, digits: number): Column {
  const [, head, unit] = /^(zipf) (\S+)$/.exec(name) ?? []
  return head === undefined || unit === undefined ? { head: name, digits } : { head, unit, digits }
}

/** A figure of each trace. */
function byTrace(rows: readonly KvTraceRow[], figure: Figure): Pick<Table, 'columns' | 'rows'> {
  const names = [...new Set(rows.map(({ trace }) => trace))]
  const heads = names.map((name) => traceColumn(name, figure.digits))
  const shown = rows.filter(({ localSharePercent }) => localSharePercent === SHOWN)
  return grid(shown, heads, (row, i) => (row.trace === names[i] ? figure.of(row) : undefined))
}

/** Figures of a trace at each size of local memory. */
function byShare(
  rows: readonly KvTraceRow[],
  figures: readonly Figure[],
): Pick<Table, 'columns' | 'rows'> {
  const columns = figures.flatMap((figure) => LOCAL_SHARES.map((share) => ({ figure, share })))
  const heads = columns.map(
    ({ figure: { unit, digits }, share }): Column => ({ head: `${share} %`, unit, digits }),
  )
  return grid(rows, heads, (row, i) => {
    const column = columns[i]
    return row.localSharePercent === column?.share ? column.figure.of(row) : undefined
  })
}

function regretTable(rows: readonly KvTraceRow[]): Table[] {
  const found = regrets(rows)
  if (found.length === 0) return []
  const names = [...new Set(found.map(({ trace }) => trace))]
  const worst = found.reduce((a, b) => (b.points > a.points ? b : a))
  return [
    {
      title:
        'What adaptive misses beside the best policy that is always the same, in percentage points:',
      columns: [{ head: 'local' }, ...names.map((name) => traceColumn(name, 1))],
      rows: LOCAL_SHARES.map((share) => [
        `${share} %`,
        ...names.map(
          (name) =>
            found.find((one) => one.trace === name && one.localSharePercent === share)?.points,
        ),
      ]),
      notes: [
        `At most ${worst.points.toFixed(1)}: ${worst.trace} at ${worst.localSharePercent} %, where ` +
          `${worst.best} is best. Below 0 adaptive is better than each of them. It learns while it runs: the ` +
          'shorter a trace, the more it misses.',
      ],
    },
  ]
}

function generatedTables(rows: readonly KvTraceRow[]): Table[] {
  const [first] = rows
  if (first === undefined) return []
  const room = `local memory with room for ${SHOWN} % of the objects`
  return [
    {
      title: `Traces, ${room}: percent of the reads that found their object there.`,
      ...byTrace(rows, LOCAL),
      notes: [
        `${first.reads.toLocaleString('en-US')} reads each, seed ${first.seed}, objects of ` +
          `${VALUE_BYTES} bytes; first reads, which put their object, are not counted. ${MIN} All ` +
          'shares, bytes and moves: --json.',
      ],
    },
    {
      title: `Moves for 100 reads, ${room}.`,
      ...byTrace(rows, MOVES_OF_100),
      notes: [MOVES],
    },
    {
      title: `Modelled nanoseconds for a read, ${room}.`,
      ...byTrace(rows, MODELLED_NS),
      notes: [MODELLED],
    },
    ...regretTable(rows),
  ]
}

function fileTables(rows: readonly KvTraceRow[]): Table[] {
  const names = [...new Set(rows.map(({ trace }) => trace))]
  return names.flatMap((name): Table[] => {
    const own = rows.filter(({ trace }) => trace === name)
    const [first] = own
    if (first === undefined) return []
    const [reads, objects] = [first.reads, first.objects].map((n) => n.toLocaleString('en-US'))
    const hasMin = own.some(({ policy }) => policy === 'min')
    return [
      {
        title:
          `${name}, by the part of the objects’ bytes that local memory has room for: percent of the ` +
          'reads that found their object there, and modelled nanoseconds for a read.',
        ...byShare(own, [LOCAL, MODELLED_NS]),
        notes: [
          `${reads} reads of ${objects} objects; first reads, which put their object, are not counted. ` +
            (hasMin ? MIN : 'No optimum: the objects differ in size.'),
          MODELLED,
        ],
      },
      {
        title: `${name}: moves for 100 reads, and bytes that are moved for a read.`,
        ...byShare(own, [MOVES_OF_100, BYTES_MOVED]),
        notes: [MOVES],
      },
      ...regretTable(own),
    ]
  })
}

/** Tables of generated traces, or of files. */
export function traceTables(rows: readonly KvTraceRow[]): Table[] {
  return [
    ...generatedTables(rows.filter(({ seed }) => seed !== null)),
    ...fileTables(rows.filter(({ seed }) => seed === null)),
  ]
}
