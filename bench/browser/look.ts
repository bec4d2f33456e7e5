// Colours of charts, by day and by night, and of each series its own: one that can be told from the others
// also by those who see fewer colours, and by its symbol.

import type { Chart, Series } from '../harness/chart.js'

export interface Look {
  paper: string
  ink: string
  faint: string
  rule: string
  series: readonly string[]
}

/** After Okabe and Ito, as dark as letters on white must be. */
export const LIGHT: Look = {
  paper: '#ffffff',
  ink: '#1f2329',
  faint: '#57606a',
  rule: '#d5dbe1',
  series: [
    '#0b6bb5',
    '#c25400',
    '#00795a',
    '#a8437f',
    '#8a6500',
    '#4b4fb0',
    '#2a8aa8',
    '#b3261e',
    '#1f2329',
    '#767b82',
  ],
}

export const DARK: Look = {
  paper: '#11151a',
  ink: '#e4e9ee',
  faint: '#9ba6b1',
  rule: '#353e48',
  series: [
    '#5aaeee',
    '#f0914a',
    '#2fc196',
    '#e08cc0',
    '#e3bd3f',
    '#9d9ff5',
    '#7fd3e6',
    '#ff8a80',
    '#e4e9ee',
    '#929aa3',
  ],
}

const SHAPES = ['circle', 'rect', 'triangle', 'diamond'] as const

/** Filled ones first, then hollow ones; their number, 7, and that of the colours have no common factor. */
const SYMBOLS = 7

export const shapeOf = (rank: number) => SHAPES[(rank % SYMBOLS) % SHAPES.length] ?? 'circle'

/** Whether a series’ symbols are hollow, as those of dashed ones are, which are rings. */
export const isHollow = ({ dashed }: Series, rank: number) =>
  dashed === true || rank % SYMBOLS >= SHAPES.length

export const colorOf = (rank: number, look: Look) =>
  look.series[rank % look.series.length] ?? look.ink

/** The names of an experiment's series, dashed ones without: the place of each is its rank. */
export function namesOf(charts: readonly Chart[]): string[] {
  const all = charts.flatMap(({ series }) => series)
  return [...new Set(all.filter(({ dashed }) => !dashed).map(({ name }) => name))]
}

/** The series with whose name that of a dashed one begins. */
export function akin(name: string, names: readonly string[]): string | undefined {
  return names.filter((other) => name.startsWith(other)).sort((a, b) => b.length - a.length)[0]
}

/** What decides the look of a series: its rank, or that of the series that it is akin to. */
export function rankOf(name: string, names: readonly string[]): number {
  const exact = names.indexOf(name)
  if (exact >= 0) return exact
  const other = akin(name, names)
  return other === undefined ? names.length : names.indexOf(other)
}
