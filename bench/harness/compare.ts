// Two runs beside each other: what has changed by more than chance. Samples of one process are alike, since
// they share its pages and its compiled code; so processes are drawn anew, and then samples of each.
// Source: Davison, Hinkley: Bootstrap methods and their application (1997), sections 2.4 and 3.8; Kalibera,
// Jones: Rigorous benchmarking in reasonable time (ISMM 2013), on levels of repetition.

import type { QueueRow } from '../queue.js'
import type { Table } from './experiment.js'
import { glibcRand } from './glibc-rand.js'
import { type Measured, subjectOf, UNITS, type Unit } from './measured.js'
import type { BenchReport } from './report.js'

const RESAMPLES = 1000
/** The part of true changes that intervals are to hold. Of a hundred figures one may be wrong, not five. */
const LEVEL = 0.99
/** Student's t for that level, by degrees of freedom from 1 on; what it comes to with many of them. */
const STUDENT = [63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169]
const NORMAL = 2.576
/** Changes of less are of no use to anybody. */
const LEAST = 0.01
/** Of fewer processes nothing tells by how much processes differ. */
const ENOUGH = 2
const SEED = 1
const RAND_MAX = 2 ** 31

export type Verdict = 'better' | 'worse' | 'no change seen'

export interface ComparedRow {
  experiment: string
  /** What was measured: the fields of the row without its figures. */
  subject: Record<string, unknown>
  unit: Unit
  /** Medians. */
  earlier: number
  now: number
  /** By how many percent it is more now, and an interval that holds this with 99 % confidence. */
  changePercent: number
  lowPercent: number
  highPercent: number
  verdict: Verdict
}

export interface Comparison {
  /** When the earlier run was made, ISO 8601. */
  date: string
  /** What makes the two runs hard to compare. */
  conditions: string[]
  rows: ComparedRow[]
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2
}

type Trials = readonly (readonly number[])[]

/** Medians of trials that are drawn from those that there are. */
function resampled(trials: Trials, count: number, draw: (below: number) => number): number[] {
  return Array.from({ length: count }, () =>
    median(
      trials.flatMap(() => {
        const trial = trials[draw(trials.length)] as readonly number[]
        return trial.map(() => trial[draw(trial.length)] as number)
      }),
    ),
  )
}

/**
 * By how much an interval of a bootstrap over few processes is too narrow: drawing from k of them shows
 * (k - 1) / k of their variance, and knows of no others.
 */
function widening(one: number, other: number): number {
  const fewest = Math.min(one, other)
  if (fewest < 2) return 1
  const freedom = one + other - 2
  const t = STUDENT[freedom - 1] ?? NORMAL + (NORMAL ** 3 + NORMAL) / (4 * freedom)
  return (t / NORMAL) * Math.sqrt(fewest / (fewest - 1))
}

/** The ratio of two medians, and the bounds of its interval. */
export function ratioOf(
  now: Trials,
  earlier: Trials,
): { ratio: number; low: number; high: number } {
  const rand = glibcRand(SEED)
  const draw = (below: number) => Math.floor((rand() / RAND_MAX) * below)
  const below = resampled(earlier, RESAMPLES, draw)
  const ratios = resampled(now, RESAMPLES, draw)
    .map((value, i) => value / (below[i] as number))
    .sort((a, b) => a - b)
  const ratio = median(now.flat()) / median(earlier.flat())
  const wide = widening(now.length, earlier.length)
  const at = (share: number) => {
    const bound = ratios[Math.round(share * (RESAMPLES - 1))] as number
    return ratio * (bound / ratio) ** wide
  }
  return { ratio, low: at((1 - LEVEL) / 2), high: at((1 + LEVEL) / 2) }
}

function verdictOf(unit: Unit, ratio: number, low: number, high: number): Verdict {
  if (Math.abs(ratio - 1) < LEAST || (low <= 1 && high >= 1)) return 'no change seen'
  return ratio > 1 === UNITS[unit] ? 'better' : 'worse'
}

/** A figure, and what it is of. */
interface Figure {
  subject: Record<string, unknown>
  unit: Unit
  trials: Trials
}

/** Whether they are samples of processes: an earlier run comes from a file, that anybody may have edited. */
const areTrials = (value: unknown): value is Trials =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every(
    (trial) =>
      Array.isArray(trial) && trial.length > 0 && trial.every((x) => Number.isFinite(x) && x > 0),
  )

function figuresOf(rows: unknown): Figure[] {
  const all: unknown[] = Array.isArray(rows) ? rows : []
  return all.flatMap((row) => {
    if (typeof row !== 'object' || row === null) return []
    if ('trials' in row) {
      const { unit, trials } = row as Measured
      if (!Object.hasOwn(UNITS, unit) || !areTrials(trials)) return []
      return [{ subject: subjectOf(row), unit, trials }]
    }
    if ('trialsMs' in row) {
      const { variant, operation, node, operations, trialsMs } = row as QueueRow
      if (!areTrials(trialsMs)) return []
      const subject = { variant, operation, node, operations }
      return [{ subject, unit: 'ms' as const, trials: trialsMs }]
    }
    return []
  })
}

function conditionsOf(now: BenchReport, earlier: BenchReport): string[] {
  const lines: string[] = []
  const differ = (what: string, of: (report: BenchReport) => unknown) => {
    const [before, after] = [of(earlier), of(now)].map((value) => String(value))
    if (before !== after) lines.push(`compared with another ${what}: ${before} then, ${after} now`)
  }
  differ('CPU', ({ machine }) => `${machine.cpu}, ${machine.cpus}`)
  differ('kernel', ({ machine }) => machine.kernel)
  differ('version of Node.js', ({ machine }) => machine.node)
  differ('backend', ({ backend }) => backend)
  differ('latency model', ({ latencyModel }) => latencyModel ?? 'none')
  differ('version of emucxl', ({ version }) => version)
  return lines
}

/** Compares what both runs have measured. */
export function compare(now: BenchReport, earlier: BenchReport): Comparison {
  const conditions = conditionsOf(now, earlier)
  const rows: ComparedRow[] = []
  let few = false
  for (const [experiment, part] of Object.entries(now.experiments)) {
    const before = new Map(
      figuresOf(earlier.experiments[experiment]?.rows).map((figure) => [
        JSON.stringify([figure.unit, figure.subject]),
        figure,
      ]),
    )
    for (const { subject, unit, trials } of figuresOf(part.rows)) {
      const other = before.get(JSON.stringify([unit, subject]))
      if (other === undefined) continue
      few ||= Math.min(trials.length, other.trials.length) < ENOUGH
      const { ratio, low, high } = ratioOf(trials, other.trials)
      rows.push({
        ...{ experiment, subject, unit },
        earlier: median(other.trials.flat()),
        now: median(trials.flat()),
        changePercent: 100 * (ratio - 1),
        lowPercent: 100 * (low - 1),
        highPercent: 100 * (high - 1),
        verdict: verdictOf(unit, ratio, low, high),
      })
    }
  }
  if (rows.length === 0) conditions.push('compared: the two runs have measured nothing in common')
  if (few) {
    conditions.push(
      'compared: some figures are of one process, so that what differs from process to process counts as ' +
        'change; --processes 3 or more tells, in both runs',
    )
  }
  return { date: earlier.date, conditions, rows }
}

/** A subject in few words: the fields that tell it from others. */
function labels(rows: readonly ComparedRow[]): string[] {
  const fields = [...new Set(rows.flatMap(({ subject }) => Object.keys(subject)))]
  const telling = fields.filter(
    (field) => new Set(rows.map(({ subject }) => subject[field])).size > 1,
  )
  const shown = telling.length === 0 ? fields.slice(0, 1) : telling
  return rows.map(({ subject }) => shown.map((field) => `${subject[field]}`).join(' '))
}

/** Digits behind the point for figures of which the least has four that count. */
const digitsFor = (values: readonly number[]) =>
  Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(Math.min(...values)))))

const signed = (percent: number) => `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} %`

/** A table for each experiment. */
export function comparisonTables({ date, rows }: Comparison): Table[] {
  const names = [...new Set(rows.map(({ experiment }) => experiment))]
  const count = (verdict: Verdict) => rows.filter((row) => row.verdict === verdict).length
  return names.map((name, i) => {
    const own = rows.filter(({ experiment }) => experiment === name)
    const texts = labels(own)
    const digits = digitsFor(own.flatMap(({ earlier, now }) => [earlier, now]))
    return {
      title: `${name}, compared with the run of ${date.slice(0, 16).replace('T', ' ')}`,
      columns: [
        { head: 'figure' },
        { head: 'then', unit: own[0]?.unit ?? '', digits },
        { head: 'now', unit: own[0]?.unit ?? '', digits },
        { head: 'change', unit: '' },
        { head: '99 % interval', unit: '' },
        { head: 'verdict' },
      ],
      rows: own.map((row, at) => [
        texts[at],
        row.earlier,
        row.now,
        signed(row.changePercent),
        `${signed(row.lowPercent)} … ${signed(row.highPercent)}`,
        row.verdict,
      ]),
      notes:
        i < names.length - 1
          ? []
          : [
              `Of ${rows.length} figures ${count('better')} are better, ${count('worse')} worse. Medians; ` +
                'intervals by bootstrap over processes and their samples.',
            ],
    }
  })
}
