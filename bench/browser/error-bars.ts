// Error bars: from `low` to `high` of each point that has both, also of bars that stand beside each other.

import type { Chart, Point, Series } from '../harness/chart.js'
import type { Look } from './look.js'

const CAP = 4

/** What ECharts hands to a function that draws an item. */
interface Place {
  value(dimension: number): number
  coord(at: [number, number]): [number, number]
  barLayout(options: { count: number; barMaxWidth: number }): { offsetCenter: number }[]
}

const line = (from: [number, number], to: [number, number], color: string) => ({
  type: 'line',
  shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
  style: { stroke: color, lineWidth: 1.25 },
})

const hasBoth = ([, y, low, high]: Point) =>
  [y, low, high].every((value) => typeof value === 'number' && Number.isFinite(value))

/** Draws one: a line with a cap at each end. `offset`: pixels from the middle of the group of bars. */
function draw(place: Place, lying: boolean, offset: number, color: string) {
  const ends = [1, 2].map((dimension): [number, number] => {
    const [x, end] = [place.value(0), place.value(dimension)]
    const at = place.coord(lying ? [end, x] : [x, end])
    return lying ? [at[0], at[1] + offset] : [at[0] + offset, at[1]]
  }) as [[number, number], [number, number]]
  const cap = ([x, y]: [number, number]) =>
    lying ? line([x, y - CAP], [x, y + CAP], color) : line([x - CAP, y], [x + CAP, y], color)
  return { type: 'group', children: [line(ends[0], ends[1], color), cap(ends[0]), cap(ends[1])] }
}

/** Series for ECharts, of those series that have error bars. */
export function errorBars(shown: readonly Series[], chart: Chart, look: Look, lying: boolean) {
  return shown.flatMap((series, i) => {
    const points = series.points.filter(hasBoth)
    if (points.length === 0) return []
    const least = chart.y.log ? Number.MIN_VALUE : Number.NEGATIVE_INFINITY
    const drawable = points.filter(([, , low = 0]) => low > least)
    return [
      {
        type: 'custom' as const,
        name: `${series.name}, error`,
        silent: true,
        z: 5,
        clip: true,
        data: drawable.map(([x, , low, high]) => [x, low, high]),
        encode: lying ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] },
        renderItem: (_: unknown, api: unknown) => {
          const place = api as Place
          const count = shown.length
          const offset =
            chart.kind === 'bar'
              ? (place.barLayout({ count, barMaxWidth: 44 })[i]?.offsetCenter ?? 0)
              : 0
          return draw(place, lying, offset, look.ink)
        },
      },
    ]
  })
}
