// A figure: what repeated measurements of one thing found, by the processes that took them.

import { summarize } from './statistics.js'

/** Units of figures, and whether more is better. */
export const UNITS = {
  ns: false,
  'ns/page': false,
  us: false,
  ms: false,
  'GB/s': true,
  'MB/s': true,
} as const

export type Unit = keyof typeof UNITS

export interface Measured {
  unit: Unit
  /** How many there are in all. */
  samples: number
  best: number
  median: number
  mean: number
  /** What 99 of 100 samples are no worse than, by the nearest rank. */
  p99: number
  /** Standard deviation. */
  sd: number
  /** Each sample, to six digits, in its order, by the process that took it. */
  trials: number[][]
}

/** Digits of a sample: no clock tells more. */
const DIGITS = 6

/** Sums samples up, of which there is one at least. */
export function measured(unit: Unit, trials: readonly (readonly number[])[]): Measured {
  const sign = UNITS[unit] ? -1 : 1
  const kept = trials.map((each) => each.map((value) => Number(value.toPrecision(DIGITS))))
  const samples = kept.flat()
  const { best, median, mean, p99, sd } = summarize(samples.map((value) => sign * value))
  return {
    ...{ unit, samples: samples.length, best: sign * best, median: sign * median },
    ...{ mean: sign * mean, p99: sign * p99, sd, trials: kept },
  }
}

/** The fields of a figure, and of what was found beside it. */
const FIELDS = [
  ...(['unit', 'samples', 'best', 'median', 'mean', 'p99', 'sd', 'trials'] as const),
  ...(['trafficGBps', 'loadsPerSample'] as const),
] as const

/** What a row says of what was measured, without what was found. */
export function subjectOf(row: object): Record<string, unknown> {
  const fields: readonly string[] = FIELDS
  return Object.fromEntries(Object.entries(row).filter(([name]) => !fields.includes(name)))
}

export const keyOf = (row: object): string => JSON.stringify(subjectOf(row))

/** Rows of several processes as one: figures of the same subject have all samples then. */
export function mergeRows<R extends Measured>(results: readonly (readonly R[])[]): R[] {
  const rows = new Map<string, R>()
  for (const row of results.flat()) {
    const known = rows.get(keyOf(row))
    const trials = [...(known?.trials ?? []), ...row.trials]
    rows.set(keyOf(row), { ...row, ...measured(row.unit, trials) })
  }
  return [...rows.values()]
}

/** What several processes found as one result. */
export function mergeResults<R extends Measured>(
  results: readonly { rows: readonly R[] }[],
): { rows: R[] } {
  return { rows: mergeRows(results.map(({ rows }) => rows)) }
}
