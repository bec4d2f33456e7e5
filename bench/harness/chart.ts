// A chart of the report, as data: what draws it knows nothing of experiments.

export interface Axis {
  name: string
  /** Where it is one of numbers. `B`: bytes, told as KiB, MiB …; `%`: from 0 to 100. */
  unit?: string
  log?: boolean
  /** Where it is one of names, as under bars. */
  categories?: readonly string[]
}

/**
 * Where a figure lies: on an axis of names, x is the number of the name. `low` and `high` are drawn as an
 * error bar. Without y, or with NaN, the line has a gap.
 */
export type Point = readonly [x: number, y: number | null, low?: number, high?: number]

export interface Series {
  name: string
  points: readonly Point[]
  /**
   * Not measured here: from a paper, or a bound. It has the colour of the series with whose name its own begins: `lru`
   * and `lru, paper`.
   */
  dashed?: boolean
}

export interface Chart {
  title: string
  kind: 'line' | 'bar'
  x: Axis
  y: Axis
  series: readonly Series[]
  /** How to read it. */
  notes: readonly string[]
}

/** A line for each name, in the order in which the names come. */
export function linesOf<R>(
  rows: readonly R[],
  nameOf: (row: R) => string,
  pointOf: (row: R) => Point,
): Series[] {
  const lines = new Map<string, Point[]>()
  for (const row of rows) {
    const name = nameOf(row)
    lines.set(name, [...(lines.get(name) ?? []), pointOf(row)])
  }
  return [...lines].map(([name, points]) => ({ name, points }))
}
