// Rows that this version cannot lay out, as they came: a report of a newer version has experiments that this
// one does not know.

import type { Column, Table } from '../experiment.js'
import type { ExperimentReport } from '../report.js'

/** Beyond these a table is no help. */
const MOST_ROWS = 500
const MOST_COLUMNS = 40

type Cell = string | number | undefined

function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return undefined
  return typeof value === 'number' || typeof value === 'string' ? value : String(value)
}

const isPlain = (value: unknown) => typeof value !== 'object' || value === null

export function rowsTable({ rows }: ExperimentReport, note: string): Table {
  const all: object[] = Array.isArray(rows) ? rows.filter((row) => !isPlain(row)) : []
  const shown = all.slice(0, MOST_ROWS)
  const fields = [...new Set(shown.flatMap((row) => Object.keys(row)))]
  const values = (field: string) => shown.map((row) => (row as Record<string, unknown>)[field])
  const plain = fields.filter((field) => values(field).every(isPlain)).slice(0, MOST_COLUMNS)
  const left = fields.filter((field) => !plain.includes(field))
  const columns = plain.map((head): Column => {
    const isNumeric = values(head).every((value) => value === null || typeof value === 'number')
    return isNumeric ? { head, digits: 3 } : { head }
  })
  const more = [
    ...(all.length > shown.length ? [`${all.length - shown.length} more rows`] : []),
    ...(left.length > 0 ? [`the fields ${left.join(', ')}`] : []),
  ]
  return {
    columns: columns.length > 0 ? columns : [{ head: 'no rows' }],
    rows: shown.map((row) => plain.map((field) => cellOf((row as Record<string, unknown>)[field]))),
    notes: [note, ...(more.length > 0 ? [`Not shown, but in the JSON: ${more.join(', ')}.`] : [])],
  }
}
