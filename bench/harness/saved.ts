// Reports that were saved.

import { readFileSync } from 'node:fs'
import type { BenchReport } from './report.js'

type Fits = (value: unknown) => boolean

const text: Fits = (value) => typeof value === 'string'
const number: Fits = (value) => typeof value === 'number'
const yesOrNo: Fits = (value) => typeof value === 'boolean'
const textOrNull: Fits = (value) => value === null || text(value)
const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const listOf =
  (fits: Fits): Fits =>
  (value) =>
    Array.isArray(value) && value.every(fits)

const recordOf =
  (fits: Fits): Fits =>
  (value) =>
    isObject(value) && Object.values(value).every(fits)

const fields =
  (shape: Record<string, Fits>): Fits =>
  (value) =>
    isObject(value) &&
    Object.entries(shape).every(([name, fits]) => fits((value as Record<string, unknown>)[name]))

/** What is read of every report. What an experiment found is its own business, or a newer version's. */
const isReport = fields({
  version: text,
  date: text,
  quick: yesOrNo,
  interrupted: yesOrNo,
  machine: fields({
    ...{ cpu: text, cpus: number, arch: text, lastLevelCache: number },
    ...{ virtualMachine: textOrNull, kernel: text, libc: text, node: text },
  }),
  numaNodes: listOf(
    fields({
      ...{ id: number, cpus: listOf(number), allowed: yesOrNo },
      ...{ memoryTotal: number, memoryFree: number, distances: recordOf(number) },
    }),
  ),
  backend: text,
  nodes: listOf(fields({ node: number, role: text, numaNode: number })),
  latencyModel: textOrNull,
  conditions: listOf(text),
  experiments: recordOf(isObject),
})

/** What of a file is printed must not steer a terminal. */
const printable = (value: string) => value.replace(/\p{Cc}/gu, ' ')

/** What `emucxl bench --json` printed. Throws where it is anything else; `name` says whence it is. */
export function parseReport(json: string, name: string): BenchReport {
  let report: unknown
  try {
    report = JSON.parse(json, (_, value) => (typeof value === 'string' ? printable(value) : value))
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
