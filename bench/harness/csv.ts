// The figures of a report as comma-separated values (RFC 4180): a line for each row of each experiment, a
// column for each field that one of them has. Samples are left out: JSON has them.

import { labelOf } from './label.js'
import type { BenchReport } from './report.js'

const LEFT_OUT = ['trials', 'trialsMs']

function field(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvOf(report: BenchReport): string {
  const backend = labelOf(report)
  const lines = Object.entries(report.experiments).flatMap(([experiment, part]) =>
    part.rows.map((row): Record<string, unknown> => ({ experiment, backend, ...row })),
  )
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))].filter(
    (name) => !LEFT_OUT.includes(name),
  )
  return [names, ...lines.map((line) => names.map((name) => line[name]))]
    .map((line) => `${line.map(field).join(',')}\r\n`)
    .join('')
}
