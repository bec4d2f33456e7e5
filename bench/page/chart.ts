// A chart of the page: a place where the browser draws it, what it shows in words, and its figures as a
// table. The table is open until the browser's part has drawn: without scripts it is all there is.

import { bytesText } from '../../lib/cli/units.js'
import type { Axis, Chart, Series } from '../harness/chart.js'
import type { Column } from '../harness/experiment.js'
import { html, type Markup, prose } from './markup.js'
import { tableMarkup } from './table.js'

const isFigure = (y: number | null | undefined): y is number =>
  typeof y === 'number' && Number.isFinite(y)

/** Digits after the point that make four in all of the largest of these figures. */
function digitsFor(values: readonly number[]): number {
  const most = Math.max(0, ...values.map(Math.abs))
  if (most === 0) return 0
  return Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(most))))
}

const number = (value: number, digits: number) =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits })

/** A place on an axis, in words. */
function placeText({ categories, unit }: Axis, value: number): string {
  if (categories !== undefined) return categories[value] ?? '–'
  if (unit === 'B') return bytesText(value)
  return number(value, 3)
}

export const axisText = ({ name, unit }: Axis) =>
  unit === undefined || unit === 'B' ? name : `${name}, ${unit}`

/** The places that have points, in order. */
function places(chart: Chart): number[] {
  const all = new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x)))
  return [...all].filter(isFigure).sort((a, b) => a - b)
}

const valuesOf = (series: Series) => series.points.map(([, y]) => y).filter(isFigure)

const CURVE = 'curve'

/** Whether a series has several points at one place, or goes back: its order counts. */
const isCurve = ({ points }: Series) =>
  points.some(([x], i) => i > 0 && x <= (points[i - 1]?.[0] ?? 0))

/** The figures: a line for each place, a column for each series, with columns for the ends of error bars. */
function byPlace(chart: Chart): Markup {
  const columns: Column[] = [
    { head: axisText(chart.x), ...(chart.x.categories ? {} : { unit: '' }) },
  ]
  const cells: ((x: number) => number | undefined)[] = []
  for (const series of chart.series) {
    const at = (x: number, part: 1 | 2 | 3) => {
      const value = series.points.find(([place]) => place === x)?.[part]
      return isFigure(value) ? value : undefined
    }
    const digits = digitsFor(valuesOf(series))
    columns.push({ head: series.name, digits })
    cells.push((x) => at(x, 1))
    if (series.points.some(([, , low]) => isFigure(low))) {
      columns.push(
        { head: series.name, unit: 'low', digits },
        { head: series.name, unit: 'high', digits },
      )
      cells.push(
        (x) => at(x, 2),
        (x) => at(x, 3),
      )
    }
  }
  const rows = places(chart).map((x) => [placeText(chart.x, x), ...cells.map((cell) => cell(x))])
  return tableMarkup({ columns, rows, notes: [] }, `${chart.title}: ${axisText(chart.y)}`)
}

/** The figures of curves: a line for each point, in the order of the curve. */
function byPoint(chart: Chart): Markup {
  const values = chart.series.flatMap(valuesOf)
  const columns: Column[] = [
    { head: CURVE },
    { head: axisText(chart.x), digits: digitsFor(places(chart)) },
    { head: axisText(chart.y), digits: digitsFor(values) },
  ]
  const rows = chart.series.flatMap(({ name, points }) =>
    points.map(([x, y]) => [name, isFigure(x) ? x : undefined, isFigure(y) ? y : undefined]),
  )
  return tableMarkup({ columns, rows, notes: [] }, `${chart.title}: the figures`)
}

function seriesText(series: Series, { unit }: Axis): string {
  const values = valuesOf(series)
  if (values.length === 0) return `${series.name}, without figures`
  const digits = digitsFor(values)
  const ends = [Math.min(...values), Math.max(...values)].map((value) =>
    unit === 'B'
      ? bytesText(value)
      : `${number(value, digits)}${unit === undefined ? '' : ` ${unit}`}`,
  )
  return `${series.name}, ${ends[0] === ends[1] ? ends[0] : `from ${ends[0]} to ${ends[1]}`}`
}

/** The chart in words, for those who do not see it. */
export function chartText(chart: Chart): string {
  const kind = chart.kind === 'bar' ? 'Bar chart' : 'Line chart'
  const series = chart.series.map((each) => seriesText(each, chart.y)).join('; ')
  return (
    `${kind}: ${chart.title}. Across: ${axisText(chart.x)}; upwards: ${axisText(chart.y)}. ` +
    `${series || 'Without figures'}. The figures are in the table that follows.`
  )
}

/** `experiment` and `at` tell the browser's part which one it is. */
export function chartMarkup(chart: Chart, experiment: string, at: number): Markup {
  const hasFigures = chart.series.some((series) => valuesOf(series).length > 0)
  const place = hasFigures
    ? html`<div class="legend"></div>
<div class="plot" role="img" aria-label="${chartText(chart)}"></div>`
    : html`<p class="note">There are no figures to draw.</p>`
  const figures = hasFigures
    ? html`<details open>
<summary>Figures of this chart</summary>
${chart.series.some(isCurve) ? byPoint(chart) : byPlace(chart)}</details>
`
    : undefined
  return html`<figure class="chart" data-experiment="${experiment}" data-chart="${at}">
<figcaption><h3>${chart.title}</h3></figcaption>
${place}
${chart.notes.map((note) => html`<p class="note">${prose(note)}</p>\n`)}${figures}</figure>
`
}
