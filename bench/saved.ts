// Reports that were saved.

import { readFileSync } from 'node:fs'
import type { BenchReport } from './report.js'

/** What `emucxl bench --json` printed into a file. Throws where it is anything else. */
export function readReport(file: string): BenchReport {
  let report: Partial<BenchReport> | null
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    const { code } = cause as { code?: string }
    if (code !== undefined) throw cause
    throw new Error(`${file} is no report: not JSON; save what emucxl bench --json prints`, {
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
    throw new Error(`${file} is no report: save what emucxl bench --json prints`)
  }
  return report as BenchReport
}
