// Reports that were saved.

import { readFileSync } from 'node:fs'
import type { BenchReport } from './report.js'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const areObjects = (value: unknown): value is Record<string, unknown>[] =>
  Array.isArray(value) && value.every(isObject)

/** Whether a value has what is read of every report; what experiments found is theirs to read. */
function isReport(value: unknown): boolean {
  if (!isObject(value)) return false
  const { version, date, machine, numaNodes, nodes, conditions, experiments } = value
  return (
    typeof version === 'string' &&
    typeof date === 'string' &&
    isObject(machine) &&
    areObjects(numaNodes) &&
    numaNodes.every(({ cpus, distances }) => Array.isArray(cpus) && isObject(distances)) &&
    areObjects(nodes) &&
    Array.isArray(conditions) &&
    conditions.every((condition) => typeof condition === 'string') &&
    isObject(experiments) &&
    Object.values(experiments).every(isObject)
  )
}

/** What `emucxl bench --json` printed. Throws where it is anything else; `name` says whence it is. */
export function parseReport(text: string, name: string): BenchReport {
  let report: unknown
  try {
    report = JSON.parse(text)
  } catch (cause) {
    throw new Error(`${name} is no report: not JSON; save what emucxl bench --json prints`, {
      cause,
    })
  }
  if (!isReport(report)) {
    throw new Error(`${name} is no report: save what emucxl bench --json prints`)
  }
  return report as BenchReport
}

/** A report in a file. */
export function readReport(file: string): BenchReport {
  return parseReport(readFileSync(file, 'utf8'), file)
}
