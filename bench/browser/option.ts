// A chart as ECharts wants it told.

import { bytesText } from '../../lib/cli/units.js'
import type { Axis, Chart, Series } from '../chart.js'
import { errorBars } from './error-bars.js'
import { type Look, rankOf, SYMBOLS } from './look.js'
import { tooltip } from './tooltip.js'

export interface Drawn {
  chart: Chart
  /** Names of the series of the whole experiment, for their colours. */
  names: readonly string[]
  look: Look
  /** Pixels. */
  width: number
  /** Names of series that are not wanted now. */
  hidden: ReadonlySet<string>
}

const FONT = 'system-ui, sans-serif'
/** Pixels that the name of a bar needs below it; where there are fewer, bars lie. */
const LEAST_CATEGORY = 70
/** The widest that a name beside a bar may be. */
const SIDE_NAME = 110

const isFigure = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)

/** A number on an axis or in a tooltip: four digits or so. */
export function valueText(value: number, unit: string | undefined): string {
  if (unit === 'B') return bytesText(value)
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}

const nameOf = ({ name, unit }: Axis) =>
  unit === undefined || unit === 'B' ? name : `${name}, ${unit}`

/** Whether bars lie, since there is no room for their names below them. */
export function isLying({ kind, x }: Chart, width: number): boolean {
  const count = x.categories?.length ?? 0
  return kind === 'bar' && count > 0 && (width - 60) / count < LEAST_CATEGORY
}

function numbers(axis: Axis, values: readonly number[], fromZero: boolean) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const isPercent = axis.unit === '%' && !axis.log && least >= 0 && most <= 100
  return {
    type: axis.log ? ('log' as const) : ('value' as const),
    ...(axis.log && axis.unit === 'B' ? { logBase: 2 } : {}),
    ...(isPercent && fromZero ? { min: 0, max: 100 } : {}),
    scale: !fromZero && least > most / 5,
    ...(values.every(Number.isInteger) && !axis.log ? { minInterval: 1 } : {}),
  }
}

function axisOption(axis: Axis, values: readonly number[], look: Look, fromZero: boolean) {
  const label = { color: look.faint, fontSize: 12, fontFamily: FONT, hideOverlap: true }
  const kind =
    axis.categories === undefined
      ? {
          ...numbers(axis, values, fromZero),
          axisLabel: { ...label, formatter: (value: number) => valueText(value, axis.unit) },
        }
      : { type: 'category' as const, data: [...axis.categories], axisLabel: label }
  return {
    ...kind,
    name: nameOf(axis),
    nameTextStyle: { color: look.faint, fontSize: 12, fontFamily: FONT },
    axisLine: { lineStyle: { color: look.rule } },
    axisTick: { show: false },
    splitLine: { show: false, lineStyle: { color: look.rule } },
  }
}

/** Places and figures that can be drawn; a gap is null. */
function pointsOf(series: Series, { x, y }: Chart): [number, number | null][] {
  const fits = (value: unknown, { log }: Axis) => isFigure(value) && (!log || value > 0)
  return series.points
    .filter(([place]) => fits(place, x))
    .map(([place, value]) => [place, fits(value, y) ? (value as number) : null])
}

function seriesOption(series: Series, { chart, names, look }: Drawn, lying: boolean) {
  const rank = rankOf(series.name, names)
  const color = look.series[rank % look.series.length] as string
  const points = pointsOf(series, chart)
  const own = { name: series.name, data: lying ? points.map(([x, y]) => [y, x]) : points }
  if (chart.kind === 'bar') {
    const style = series.dashed
      ? { color: look.paper, borderColor: color, borderWidth: 1.5, borderType: 'dashed' as const }
      : { color, borderColor: color, borderWidth: 1.5 }
    return { ...own, type: 'bar' as const, itemStyle: style, barMaxWidth: 44 }
  }
  return {
    ...own,
    type: 'line' as const,
    symbol: series.dashed ? 'none' : SYMBOLS[rank % SYMBOLS.length],
    showSymbol: true,
    showAllSymbol: true,
    symbolSize: 7,
    itemStyle: { color },
    lineStyle: { color, width: 2, type: series.dashed ? ('dashed' as const) : ('solid' as const) },
  }
}

export function optionOf(drawn: Drawn) {
  const { chart, look, width, hidden } = drawn
  const shown = chart.series.filter(({ name }) => !hidden.has(name))
  const lying = isLying(chart, width)
  const all = chart.series.flatMap((series) => pointsOf(series, chart))
  const places = all.map(([x]) => x)
  const figures = all.map(([, y]) => y).filter(isFigure)
  const x = axisOption(chart.x, places, look, false)
  const y = axisOption(chart.y, figures, look, true)
  const across = lying ? y : x
  const upwards = lying ? x : y
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: look.ink },
    grid: { left: 4, right: 16, top: 30, bottom: 4 },
    tooltip: tooltip(chart, look),
    xAxis: {
      ...across,
      nameLocation: 'middle' as const,
      nameGap: 28,
      splitLine: { ...across.splitLine, show: lying },
    },
    yAxis: {
      ...upwards,
      nameLocation: 'end' as const,
      nameGap: 12,
      nameTextStyle: { ...upwards.nameTextStyle, align: 'left' as const },
      inverse: lying,
      splitLine: { ...upwards.splitLine, show: !lying },
      ...(lying
        ? { axisLabel: { ...upwards.axisLabel, width: SIDE_NAME, overflow: 'break' as const } }
        : {}),
    },
    series: [
      ...shown.map((series) => seriesOption(series, drawn, lying)),
      ...errorBars(shown, chart, look, lying),
    ],
  }
}
