// The figures of a report as comma-separated values (RFC 4180): a line for each row of each experiment, a
// column for each field that one of them has. Samples are left out: JSON has them.

import type { BenchReport } from './report.js'

const LEFT_OUT = ['trials', 'trialsMs']

function field(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function csvOf({ backend, latencyModel, experiments }: BenchReport): string {
  // Else a figure that is modelled would stand there as any other.
  const label = latencyModel === null ? backend : `${backend}, modelled by ${latencyModel}`
  const lines = Object.entries(experiments).flatMap(([experiment, part]) =>
    part.rows.map((row): Record<string, unknown> => ({ experiment, backend: label, ...row })),
  )
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))].filter(
    (name) => !LEFT_OUT.includes(name),
  )
  return [names, ...lines.map((line) => names.map((name) => line[name]))]
    .map((line) => `${line.map(field).join(',')}\r\n`)
    .join('')
}
