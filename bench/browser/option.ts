// A chart as ECharts wants it told.

import { bytesText } from '../../lib/cli/units.js'
import type { Axis, Chart, Series } from '../harness/chart.js'
import { errorBars } from './error-bars.js'
import { akin, colorOf, isHollow, type Look, rankOf, shapeOf } from './look.js'
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
/** Pixels beside the bars. */
const AROUND = 60
/** Pixels of a chart whose bars do not lie. */
export const HEIGHT = 300
/** The ratio of largest to least from which on a logarithmic axis has powers of ten. */
const SHORT = 100
/** What a logarithm of a power may be off by. */
const NEARLY = 1e-9
/** The widest that a name beside a bar may be: longer ones are broken. */
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
  return kind === 'bar' && count > 0 && (width - AROUND) / count < LEAST_CATEGORY
}

/** A logarithmic axis from power to power, with so many of them labelled as there is room for. */
function powers(axis: Axis, values: readonly number[], room: number) {
  const isShort = Math.max(...values) < SHORT * Math.min(...values)
  const base = axis.unit === 'B' || isShort ? 2 : 10
  const exponents = values.map((value) => Math.log(value) / Math.log(base))
  const span = Math.max(1, Math.max(...exponents) - Math.min(...exponents))
  const step = Math.ceil(span / room)
  // From power to power of what there is: by itself ECharts adds several on each side.
  const [first, last] = [
    Math.floor(Math.min(...exponents) + NEARLY),
    Math.ceil(Math.max(...exponents) - NEARLY),
  ]
  const ends = first < last ? { min: base ** first, max: base ** last } : {}
  const isLabelled = (value: number) => Math.round(Math.log(value) / Math.log(base)) % step === 0
  return {
    type: 'log' as const,
    logBase: base,
    interval: 1, // of the exponents
    ...ends,
    axisLabel: {
      formatter: (value: number) => (isLabelled(value) ? valueText(value, axis.unit) : ''),
    },
  }
}

function numbers(axis: Axis, values: readonly number[], fromZero: boolean) {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const isPercent = axis.unit === '%' && least >= 0 && most <= 100
  return {
    type: 'value' as const,
    ...(isPercent && fromZero ? { min: 0, max: 100 } : {}),
    scale: !fromZero && least > most / 5,
    ...(values.every(Number.isInteger) ? { minInterval: 1 } : {}),
    axisLabel: { formatter: (value: number) => valueText(value, axis.unit) },
  }
}

/** `room`: pixels along the axis. */
function axisOption(
  axis: Axis,
  values: readonly number[],
  look: Look,
  room: number,
  isUp: boolean,
) {
  const kind =
    axis.categories !== undefined
      ? { type: 'category' as const, data: [...axis.categories], axisLabel: {} }
      : axis.log
        ? powers(axis, values, Math.max(2, room / (isUp ? 40 : 80)))
        : numbers(axis, values, isUp)
  const text = { color: look.faint, fontSize: 12, fontFamily: FONT }
  return {
    ...kind,
    name: nameOf(axis),
    nameTextStyle: text,
    axisLabel: { ...text, lineHeight: 15, hideOverlap: true, ...kind.axisLabel },
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

/** Around the points of a series that a dashed one is akin to are its rings: they are seen where both are one. */
function symbolOf({ name, dashed }: Series, rank: number, names: readonly string[]) {
  if (!dashed) return { symbol: shapeOf(rank), symbolSize: 6.5, z: 3 }
  if (akin(name, names) === undefined) return { symbol: 'none', z: 2 }
  return { symbol: 'circle', symbolSize: 12, z: 2 }
}

function seriesOption(series: Series, { chart, names, look }: Drawn, lying: boolean) {
  const rank = rankOf(series.name, names)
  const color = colorOf(rank, look)
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
    ...symbolOf(series, rank, names),
    showAllSymbol: true,
    itemStyle: {
      color: isHollow(series, rank) ? look.paper : color,
      borderColor: color,
      borderWidth: 1.5,
    },
    lineStyle: { color, width: 2, type: series.dashed ? ('dashed' as const) : ('solid' as const) },
  }
}

/** Bars lie, or have their names below them, which are broken where they are long. */
function axes({ chart, look, width }: Drawn) {
  const points = chart.series.flatMap((series) => pointsOf(series, chart))
  const figures = points.map(([, y]) => y).filter(isFigure)
  const lying = isLying(chart, width)
  const places = points.map(([place]) => place)
  const x = axisOption(chart.x, places, look, width, false)
  const y = axisOption(chart.y, figures, look, lying ? width : HEIGHT, true)
  const [across, upwards] = lying ? [y, x] : [x, y]
  const each = (width - AROUND) / Math.max(1, chart.x.categories?.length ?? 1)
  const isBar = chart.kind === 'bar'
  const broken = { width: each - 8, overflow: 'break' as const, interval: 0 }
  const beneath = { width: SIDE_NAME, overflow: 'break' as const, interval: 0 }
  const beside = lying ? SIDE_NAME + AROUND / 2 : AROUND
  const nameTruncate = { maxWidth: width - beside, ellipsis: '…' }
  return {
    xAxis: {
      ...across,
      ...{ nameLocation: 'middle' as const, nameGap: 32, nameTruncate },
      axisLabel: { ...across.axisLabel, ...(isBar && !lying ? broken : {}) },
      splitLine: { ...across.splitLine, show: lying },
    },
    yAxis: {
      ...upwards,
      ...{ nameLocation: lying ? ('start' as const) : ('end' as const), nameGap: 12, nameTruncate },
      nameTextStyle: { ...upwards.nameTextStyle, align: 'left' as const },
      axisLabel: { ...upwards.axisLabel, ...(lying ? beneath : {}) },
      inverse: lying,
      splitLine: { ...upwards.splitLine, show: !lying },
    },
  }
}

export function optionOf(drawn: Drawn) {
  const { chart, look, width, hidden } = drawn
  const shown = chart.series.filter(({ name }) => !hidden.has(name))
  const lying = isLying(chart, width)
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: look.ink },
    grid: { left: 4, right: 16, top: 30, bottom: 4 },
    tooltip: tooltip(drawn),
    ...axes(drawn),
    series: [
      ...shown.map((series) => seriesOption(series, drawn, lying)),
      ...errorBars(shown, chart, look, lying),
    ],
  }
}
