// Rows that this version cannot lay out, as they came: a report of a newer version has experiments that this
// one does not know.

import type { Column, Table } from '../harness/experiment.js'
import type { ExperimentReport } from '../harness/report.js'

/** Beyond these a table is no help. */
const MOST_ROWS = 500
const MOST_COLUMNS = 40

type Cell = string | number | undefined

const isNothing = (value: unknown) => value === null || value === undefined

/** A column of figures has the digits that they need; in any other, numbers are names. */
function columnOf(head: string, values: readonly unknown[]): Column {
  const told = values.filter((value) => !isNothing(value))
  if (told.length === 0 || !told.every((value) => typeof value === 'number')) return { head }
  return { head, digits: told.every(Number.isInteger) ? 0 : 3 }
}

function cellOf(value: unknown, { digits }: Column): Cell {
  if (isNothing(value)) return undefined
  return typeof value === 'number' && digits !== undefined ? value : String(value)
}

const isPlain = (value: unknown) => typeof value !== 'object' || value === null

export function rowsTable({ rows }: ExperimentReport, note: string): Table {
  const all: object[] = Array.isArray(rows) ? rows.filter((row) => !isPlain(row)) : []
  const shown = all.slice(0, MOST_ROWS)
  const fields = [...new Set(shown.flatMap((row) => Object.keys(row)))]
  const values = (field: string) => shown.map((row) => (row as Record<string, unknown>)[field])
  const plain = fields.filter((field) => values(field).every(isPlain)).slice(0, MOST_COLUMNS)
  const left = fields.filter((field) => !plain.includes(field))
  const columns = plain.map((head) => columnOf(head, values(head)))
  const more = [
    ...(all.length > shown.length ? [`${all.length - shown.length} more rows`] : []),
    ...(left.length > 0 ? [`the fields ${left.join(', ')}`] : []),
  ]
  return {
    columns: columns.length > 0 ? columns : [{ head: 'no rows' }],
    rows: shown.map((row) =>
      columns.map((column) => cellOf((row as Record<string, unknown>)[column.head], column)),
    ),
    notes: [note, ...(more.length > 0 ? [`Not shown, but in the JSON: ${more.join(', ')}.`] : [])],
  }
}
