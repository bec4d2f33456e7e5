// The legend of a chart: a button for each series, which takes it out and puts it back.

import type { Chart, Series } from '../harness/chart.js'
import { akin, colorOf, isHollow, type Look, rankOf, shapeOf } from './look.js'

const NAMESPACE = 'http://www.w3.org/2000/svg'

function shape(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  return element
}

const OUTLINES = {
  circle: 'M10 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0z',
  rect: 'M10.5 2.5h7v7h-7z',
  triangle: 'M14 2l4.5 8h-9z',
  diamond: 'M14 1.5l4.5 4.5l-4.5 4.5l-4.5-4.5z',
}

/** As the series looks in the chart. */
function swatch({ kind }: Chart, series: Series, names: readonly string[], look: Look): SVGElement {
  const { name, dashed = false } = series
  const rank = rankOf(name, names)
  const isRinged = dashed && akin(name, names) !== undefined
  const color = colorOf(rank, look)
  const svg = shape('svg', { viewBox: '0 0 28 12', 'aria-hidden': 'true' })
  const dashes = dashed ? { 'stroke-dasharray': '4 3' } : {}
  if (kind === 'bar') {
    const fill = dashed ? look.paper : color
    const style = { fill, stroke: color, 'stroke-width': 1.5, ...dashes }
    svg.append(shape('rect', { x: 4, y: 1, width: 20, height: 10, ...style }))
    return svg
  }
  svg.append(shape('path', { d: 'M1 6H27', stroke: color, 'stroke-width': 2, ...dashes }))
  if (isRinged) {
    const ring = { cx: 14, cy: 6, r: 4.5, fill: look.paper, stroke: color, 'stroke-width': 1.5 }
    svg.append(shape('circle', ring))
  }
  if (!dashed) {
    const fill = isHollow(series, rank) ? look.paper : color
    const d = OUTLINES[shapeOf(rank)]
    svg.append(shape('path', { d, fill, stroke: color, 'stroke-width': 1.5 }))
  }
  return svg
}

/** Fills the box anew; `onToggle` is told which series is to come or go. */
export function fillLegend(
  box: HTMLElement,
  chart: Chart,
  names: readonly string[],
  look: Look,
  hidden: ReadonlySet<string>,
  onToggle: (name: string) => void,
): void {
  const focused = [...box.children].indexOf(document.activeElement as Element)
  const buttons = chart.series.map((series) => {
    const { name } = series
    const button = document.createElement('button')
    button.type = 'button'
    button.setAttribute('aria-pressed', String(!hidden.has(name)))
    button.append(swatch(chart, series, names, look), name)
    button.addEventListener('click', () => onToggle(name))
    return button
  })
  box.replaceChildren(...buttons)
  buttons[focused]?.focus()
}
