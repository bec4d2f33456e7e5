// Two runs beside each other: chance is no change, and a change is told.

import { describe, expect, test } from 'vitest'
import { compare, comparisonTables, ratioOf } from '../../bench/harness/compare.js'
import { csvOf } from '../../bench/harness/csv.js'
import { glibcRand } from '../../bench/harness/glibc-rand.js'
import { measured, mergeRows, type Unit } from '../../bench/harness/measured.js'
import type { BenchReport } from '../../bench/harness/report.js'

const rand = glibcRand(7)
/** About normal, by the sum of twelve. */
const normal = () =>
  Array.from({ length: 12 }, () => rand() / 2 ** 31).reduce((a, b) => a + b, 0) - 6

/** Processes, each with a mean of its own, and samples around it. */
const trials = (mean: number, processes = 5, samples = 20): number[][] =>
  Array.from({ length: processes }, () => {
    const own = mean * (1 + 0.01 * normal())
    return Array.from({ length: samples }, () => own * (1 + 0.02 * normal()))
  })

function report(rows: Record<string, object[]>, changes: Partial<BenchReport> = {}): BenchReport {
  const experiments = Object.fromEntries(
    Object.entries(rows).map(([name, found]) => [
      name,
      { description: '.', seconds: 1, processes: 1, rows: found },
    ]),
  )
  const machine = { cpu: 'a CPU', cpus: 4, kernel: '6.1', node: 'v20', virtualMachine: null }
  const nodes = [
    { node: 0, role: 'local', numaNode: 0 },
    { node: 1, role: 'remote', numaNode: 2 },
  ]
  const base = { version: '1', date: '2026-01-02T03:04:05.000Z', backend: 'numa', nodes, machine }
  return { ...base, latencyModel: null, conditions: [], experiments, ...changes } as never
}

const row = (unit: Unit, values: number[][], more: object = {}) => ({
  node: 'local',
  ...more,
  ...measured(unit, values),
})

const verdict = (unit: Unit, then: number, now: number) =>
  compare(report({ one: [row(unit, trials(now))] }), report({ one: [row(unit, trials(then))] }))
    .rows[0]?.verdict

describe('verdicts', () => {
  test('less time is better, less bandwidth worse', () => {
    expect(verdict('ns', 100, 80)).toBe('better')
    expect(verdict('ns', 80, 100)).toBe('worse')
    expect(verdict('GB/s', 100, 80)).toBe('worse')
    expect(verdict('GB/s', 80, 100)).toBe('better')
  })

  test.each([2, 3, 5])(
    'chance is no change, in nearly all of many runs of %d processes',
    (count) => {
      const steady = () => report({ one: [row('ns', trials(100, count))] })
      const found = Array.from({ length: 100 }, () => compare(steady(), steady()).rows[0]?.verdict)
      expect(found.filter((each) => each !== 'no change seen').length).toBeLessThanOrEqual(4)
    },
  )

  test('intervals hold the true ratio nearly always', () => {
    let held = 0
    for (let i = 0; i < 100; i++) {
      const { ratio, low, high } = ratioOf(trials(110), trials(100))
      expect(low).toBeLessThanOrEqual(ratio)
      expect(high).toBeGreaterThanOrEqual(ratio)
      if (low <= 1.1 && high >= 1.1) held++
    }
    expect(held).toBeGreaterThanOrEqual(96)
  })

  test('what differs from process to process makes intervals wide', () => {
    const alike = ratioOf([[1, 1, 1, 1]], [[1, 1, 1, 1]])
    expect(alike).toEqual({ ratio: 1, low: 1, high: 1 })
    const { low, high } = ratioOf([[1], [2], [3]], [[1], [2], [3]])
    expect(low).toBeLessThan(0.6)
    expect(high).toBeGreaterThan(1.6)
  })

  test('a change of less than a percent is none, however sure', () => {
    const steady = (value: number) => [
      [value, value],
      [value, value],
    ]
    const found = compare(
      report({ one: [row('ns', steady(100.9))] }),
      report({ one: [row('ns', steady(100))] }),
    )
    expect(found.rows[0]?.verdict).toBe('no change seen')
  })
})

describe('what is compared', () => {
  test.each([
    ['no list', 5],
    ['nothing', [null, 'text', {}]],
    ['no trials', [{ ...row('ns', [[1]]), trials: [] }]],
    ['no samples', [{ ...row('ns', [[1]]), trials: [[]] }]],
    ['no numbers', [{ ...row('ns', [[1]]), trials: [['1']] }]],
    ['no time', [{ ...row('ns', [[1]]), trials: [[0]] }]],
    ['no unit', [{ ...row('ns', [[1]]), unit: 'toString' }]],
  ])('is nothing where rows of the earlier run are odd: %s', (_, rows) => {
    const { rows: found, conditions } = compare(
      report({ one: [row('ns', [[1]])] }),
      report({ one: rows as object[] }),
    )
    expect(found).toEqual([])
    expect(conditions).toEqual([expect.stringContaining('nothing in common')])
  })

  test('tells of single processes', () => {
    const said = (processes: number) => {
      const one = () => report({ one: [row('ns', trials(1, processes))] })
      return compare(one(), one()).conditions.some((line) => line.includes('of one process'))
    }
    expect([1, 2, 5].map(said)).toEqual([true, false, false])
  })

  const enqueue = { variant: 'slab', operation: 'enqueue', node: 'local', operations: 5 }

  test('is what both have measured: same subject, same unit', () => {
    const now = report({
      one: [row('ns', [[1]]), row('ns', [[2]], { node: 'remote' }), row('us', [[3]])],
      two: [row('ns', [[4]])],
      queue: [{ ...enqueue, trialsMs: [[6]] }],
    })
    const then = report({
      one: [row('ns', [[10]], { node: 'remote' }), row('ns', [[20]])],
      queue: [{ ...enqueue, trialsMs: [[3]] }],
    })
    const { rows } = compare(now, then)
    const found = rows.map(({ experiment, unit, earlier, now }) => [experiment, unit, earlier, now])
    expect(found).toEqual([
      ['one', 'ns', 20, 1],
      ['one', 'ns', 10, 2],
      ['queue', 'ms', 3, 6],
    ])
  })

  test('machines that differ, and single processes, are conditions', () => {
    const other = { cpu: 'another', cpus: 4, kernel: '6.12', node: 'v20' } as never
    const { conditions } = compare(
      report({ one: [row('ns', [[1]])] }),
      report({ one: [row('ns', [[1]])] }, { machine: other }),
    )
    expect(conditions).toEqual([
      'compared with another CPU: another, 4 then, a CPU, 4 now',
      'compared with another kernel: 6.12 then, 6.1 now',
      expect.stringContaining('--processes 3'),
    ])
    expect(compare(report({}), report({})).conditions).toEqual([
      expect.stringContaining('nothing in common'),
    ])
  })

  test('stands in a table for each experiment, named by what differs', () => {
    const rows = (factor: number) => [
      row('ns', trials(factor), { size: 1 }),
      row('ns', trials(factor), { size: 2 }),
    ]
    const [table] = comparisonTables(
      compare(report({ one: rows(0.2) }), report({ one: rows(0.1) })),
    )
    expect(table?.title).toBe('one, compared with the run of 2026-01-02 03:04')
    expect(table?.columns[1]).toMatchObject({ head: 'then', unit: 'ns' })
    expect(table?.columns[1]?.digits).toBeGreaterThanOrEqual(4)
    expect(table?.rows.map((cells) => [cells[0], cells[5]])).toEqual([
      ['1', 'worse'],
      ['2', 'worse'],
    ])
    expect(table?.notes[0]).toMatch(/^Of 2 figures 0 are better, 2 worse\./)
  })
})

describe('figures', () => {
  test('of bandwidth are best where they are highest', () => {
    const { best, p99, median } = measured('GB/s', [[1, 3], [2]])
    expect({ best, p99, median }).toEqual({ best: 3, p99: 1, median: 2 })
  })

  test('of several processes are one, by what they are of', () => {
    const rows = mergeRows([
      [row('ns', [[1]]), row('ns', [[5]], { node: 'remote' })],
      [row('ns', [[3]])],
    ])
    expect(rows.map(({ samples, median, trials }) => ({ samples, median, trials }))).toEqual([
      { samples: 2, median: 2, trials: [[1], [3]] },
      { samples: 1, median: 5, trials: [[5]] },
    ])
  })
})

describe('CSV', () => {
  test('has a column for each field, and quotes what needs it', () => {
    const found = report({
      one: [{ name: 'a, "b"', value: 1, trials: [[1]] }],
      two: [{ name: 'c\nd', other: null }],
    })
    const lines = [
      'experiment,backend,name,value,other',
      'one,numa,"a, ""b""",1,',
      'two,numa,"c\nd",,',
    ]
    expect(csvOf(found)).toBe(lines.map((line) => `${line}\r\n`).join(''))
  })

  test('says in each line where figures are not about remote memory', () => {
    const found = report({ one: [{ value: 1 }] })
    const machine = { ...found.machine, virtualMachine: 'QEMU TCG' }
    const label = (changes: Partial<BenchReport>) =>
      csvOf({ ...found, ...changes }).split('\r\n')[1]
    expect(label({ backend: 'emulated', nodes: found.nodes.slice(0, 1) })).toBe('one,emulated,1')
    expect(label({ backend: 'emulated', latencyModel: 'table-5-far' })).toBe(
      'one,"emulated, modelled by table-5-far",1',
    )
    expect(label({ nodes: found.nodes.slice(0, 1) })).toBe('one,"numa, one NUMA node",1')
    expect(label({ machine })).toBe('one,"numa, CPU emulated by TCG",1')
  })
})
