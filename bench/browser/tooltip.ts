// What is told of the points under the pointer. It is HTML, so names are escaped.

import type { Chart } from '../harness/chart.js'
import { escaped } from '../page/markup.js'
import { colorOf, rankOf } from './look.js'
import { type Drawn, valueText } from './option.js'

/** What ECharts tells of a point. */
interface Under {
  seriesType?: string
  seriesName?: string
  data?: unknown
}

const withUnit = (value: number, unit: string | undefined) =>
  unit === undefined || unit === 'B' ? valueText(value, unit) : `${valueText(value, unit)} ${unit}`

function placeText({ x }: Chart, place: number): string {
  if (x.categories !== undefined) return x.categories[place] ?? ''
  return `${x.name}: ${withUnit(place, x.unit)}`
}

/** A line of the tooltip; undefined for what is no point of the chart. */
function lineOf(
  { chart, names, look }: Drawn,
  under: Under,
): { place: number; line: string } | undefined {
  const series = chart.series.find(({ name }) => name === under.seriesName)
  if (series === undefined || under.seriesType === 'custom' || !Array.isArray(under.data))
    return undefined
  const [a, b] = under.data as [number, number]
  const point = series.points.find(([x, y]) => (x === a && y === b) || (x === b && y === a))
  const [place, y, low, high] = point ?? []
  if (place === undefined || typeof y !== 'number') return undefined
  const ends =
    low === undefined || high === undefined
      ? ''
      : ` (${valueText(low, chart.y.unit)} to ${valueText(high, chart.y.unit)})`
  const color = colorOf(rankOf(series.name, names), look)
  const figure = `<b>${escaped(withUnit(y, chart.y.unit))}</b>${escaped(ends)}`
  return { place, line: `<span style="color:${color}">●</span> ${escaped(series.name)} ${figure}` }
}

export function tooltip(drawn: Drawn) {
  const { chart, look } = drawn
  return {
    trigger: 'axis' as const,
    confine: true,
    backgroundColor: look.paper,
    borderColor: look.rule,
    textStyle: { color: look.ink, fontSize: 13 },
    axisPointer: { type: chart.kind === 'bar' ? ('shadow' as const) : ('line' as const) },
    formatter: (unders: unknown) => {
      const all = (Array.isArray(unders) ? unders : [unders]) as Under[]
      const lines = all.flatMap((under) => lineOf(drawn, under) ?? [])
      const [first] = lines
      if (first === undefined) return ''
      return [escaped(placeText(chart, first.place)), ...lines.map(({ line }) => line)].join('<br>')
    },
  }
}
