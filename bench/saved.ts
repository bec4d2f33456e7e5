// Reports that were saved.

import { readFileSync } from 'node:fs'
import type { BenchReport } from './report.js'

/** What `emucxl bench --json` printed. Throws where it is anything else; `name` says whence it is. */
export function parseReport(text: string, name: string): BenchReport {
  let report: Partial<BenchReport> | null
  try {
    report = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${name} is no report: not JSON; save what emucxl bench --json prints`, {
      cause,
    })
  }
  const { version, machine, conditions, experiments } = report ?? {}
  const isReport =
    typeof version === 'string' &&
    typeof machine === 'object' &&
    Array.isArray(conditions) &&
    typeof experiments === 'object'
  if (!isReport) {
    throw new Error(`${name} is no report: save what emucxl bench --json prints`)
  }
  return report as BenchReport
}

/** A report in a file. */
export function readReport(file: string): BenchReport {
  return parseReport(readFileSync(file, 'utf8'), file)
}
