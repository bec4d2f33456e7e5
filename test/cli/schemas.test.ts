// The published JSON Schemas: what the command prints keeps to them, and what is no report does not.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv, type ValidateFunction } from 'ajv'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXPERIMENTS } from '../../bench/experiments.js'
import type { BenchReport } from '../../bench/harness/report.js'
import { emucxl } from './command.js'

const require = createRequire(import.meta.url)

function schema(name: string): ValidateFunction {
  const text = readFileSync(require.resolve(`emucxl/schemas/${name}.json`), 'utf8')
  return new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(text))
}

let report: BenchReport
beforeAll(async () => {
  const { stdout } = await emucxl([
    ...['bench', '--json', '--backend', 'emulated', '--runs', '1', '--processes', '1'],
    ...['--count', '100', '--size', '1MiB'],
  ])
  report = JSON.parse(stdout)
}, 120_000)

test('a report keeps to the schema of reports', () => {
  const validate = schema('bench')
  validate(report)
  expect(validate.errors).toBeNull()
})

describe.each(EXPERIMENTS)('$name', ({ name }) => {
  test('has a schema of its own, to which its part keeps', () => {
    const validate = schema(`bench-${name}`)
    validate(report.experiments[name])
    expect(validate.errors).toBeNull()
  })

  test('that refuses rows with a field less, or one of another type', () => {
    const validate = schema(`bench-${name}`)
    const part = report.experiments[name]
    const row = part?.rows[0] as Record<string, unknown>
    for (const field of Object.keys(row)) {
      const { [field]: value, ...others } = row
      expect([field, validate({ ...part, rows: [others] })]).toEqual([field, false])
      const rows = [{ ...row, [field]: [typeof value] }]
      expect([field, validate({ ...part, rows })]).toEqual([field, false])
    }
  })
})

test('a comparison is part of the schema', () => {
  const validate = schema('bench')
  const row = { experiment: 'queue', subject: { node: 'local' }, unit: 'ms', earlier: 1, now: 2 }
  const change = { changePercent: 100, lowPercent: 90, highPercent: 110, verdict: 'worse' }
  const comparison = { date: report.date, conditions: [], rows: [{ ...row, ...change }] }
  validate({ ...report, comparison })
  expect(validate.errors).toBeNull()
  expect(validate({ ...report, comparison: { ...comparison, rows: [row] } })).toBe(false)
})
