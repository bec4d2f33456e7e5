// Lays out text for a terminal: tables with their units in the heads, and paragraphs.

import type { Column, Table } from '../../bench/harness/experiment.js'

const MOST = 100
const INDENT = '  '

/** Columns of text on the stream; 80 where it is no terminal. */
export function widthOf(stream: { columns?: number }): number {
  return Math.min(MOST, stream.columns || 80)
}

/** Breaks a text at spaces. The first line starts at `first`, the others at `indent`. */
export function wrap(text: string, width: number, indent = '', first = indent): string {
  const lines: string[] = []
  let line = first
  let empty = true
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = indent
      empty = true
    }
    line += empty ? word : ` ${word}`
    empty = false
  }
  return [...lines, line].join('\n')
}

/** A figure with separators of thousands: `15,000`, `502.98`. */
export function figure(value: number, digits = 0): string {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: 'negative', // no −0.0
  })
}

/** Lines of cells under each other; text to the left, where `right` is false, figures to the right. */
export function align(lines: readonly (readonly string[])[], right: readonly boolean[]): string {
  const widths = right.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  return lines
    .map((line) =>
      widths
        .map((width, i) =>
          right[i] ? (line[i] ?? '').padStart(width) : (line[i] ?? '').padEnd(width),
        )
        .join(INDENT)
        .trimEnd(),
    )
    .map((line) => `${INDENT}${line}\n`)
    .join('')
}

/** What stands in a cell. */
export function cellText(value: string | number | undefined, column: Column): string {
  if (value === undefined) return '–'
  return typeof value === 'string' ? value : figure(value, column.digits)
}

/** A table with its title, a line of heads and one of units, and its notes. */
export function render(table: Table, width: number): string {
  const { title, columns, rows, notes } = table
  const lines = [
    columns.map(({ head }) => head),
    ...(columns.some(({ unit }) => unit !== undefined)
      ? [columns.map(({ unit }) => unit ?? '')]
      : []),
    ...rows.map((row) => columns.map((column, i) => cellText(row[i], column))),
  ]
  const right = columns.map(({ unit, digits }) => unit !== undefined || digits !== undefined)
  const head = title === undefined ? '' : `${wrap(title, width, INDENT)}\n`
  return head + align(lines, right) + notes.map((note) => `${wrap(note, width, INDENT)}\n`).join('')
}
