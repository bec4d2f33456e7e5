// A chart of the report, as data: what draws it knows nothing of experiments.

export interface Axis {
  name: string
  /** Where it is one of numbers. */
  unit?: string
  log?: boolean
  /** Where it is one of names, as under bars. */
  categories?: readonly string[]
}

export interface Series {
  name: string
  /** Where each lies: on an axis of names, the number of the name. */
  points: readonly (readonly [x: number, y: number])[]
  /** Drawn as steps are: what holds up to the next point. Dashed: from elsewhere, as from a paper. */
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
