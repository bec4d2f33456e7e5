// Draws what traces showed: a panel for each, a line for each policy.

import { wrap } from '../../lib/cli/table.js'
import { type KvTraceRow, LOCAL_SHARES } from './replay.js'

/** Colours that are used nowhere else, so that a style sheet can exchange them where it is dark. */
const PAPER = '#fefefe'
const INK = '#1f2329'
const FAINT_INK = '#59636f'
const RULE = '#d1d9e1'
const DARK: Record<string, string> = {
  [PAPER]: '#0d1117',
  [INK]: '#e6edf3',
  [FAINT_INK]: '#9198a1',
  [RULE]: '#3d444d',
}

/** Of each policy a colour that can be seen on white and on black, and a shape. */
const STYLES: Record<string, { color: string; symbol: string }> = {
  policy1: { color: '#8c959f', symbol: 'rect' },
  policy2: { color: '#a0785a', symbol: 'rect' },
  lru: { color: '#3d8bd4', symbol: 'circle' },
  threshold: { color: '#d19a00', symbol: 'triangle' },
  sieve: { color: '#12a378', symbol: 'diamond' },
  's3-fifo': { color: '#9a6fd6', symbol: 'triangle' },
  'w-tinylfu': { color: '#e0661f', symbol: 'diamond' },
  adaptive: { color: '#e5397f', symbol: 'circle' },
  min: { color: FAINT_INK, symbol: 'emptyCircle' },
}

const PANEL = { least: 215, height: 170 }
const GAP = { x: 50, y: 66 }
const MARGIN = { left: 56, right: 24, top: 120 }
/** Below the panels: two lines of the legend, and lines of text. */
const FOOT = { legend: 40, text: 104, line: 16 }
const SMALL = 11
/** The widest that a character of small text is, on average. */
const CHARACTER = 6.5
/** Panels beside each other, and the width that titles and legend need. */
const MOST_COLUMNS = 4
const LEAST_WIDTH = 640

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** Adds what ECharts leaves out: what readers of the screen read, and colours for the dark. */
function completed(svg: string, title: string, description: string): string {
  const dark = Object.entries(DARK)
    .map(([light, other]) => `[fill="${light}"]{fill:${other}}[stroke="${light}"]{stroke:${other}}`)
    .join('')
  const head =
    `<title id="title">${escaped(title)}</title><desc id="desc">${escaped(description)}</desc>` +
    `<style>@media (prefers-color-scheme:dark){${dark}}</style>`
  return `${svg.replace(/^<svg ([^>]*)>/, `<svg $1 role="img" aria-labelledby="title desc">\n${head}`)}\n`
}

/** The lines of a panel: what each policy found, by the size of local memory. */
function series(rows: readonly KvTraceRow[], panel: number, policies: readonly string[]) {
  return policies.map((policy) => {
    const style = STYLES[policy] ?? { color: FAINT_INK, symbol: 'circle' }
    const isOptimum = policy === 'min'
    return {
      type: 'line',
      name: policy,
      xAxisIndex: panel,
      yAxisIndex: panel,
      data: LOCAL_SHARES.map((share) => {
        const row = rows.find((one) => one.policy === policy && one.localSharePercent === share)
        return row?.localPercent ?? null
      }),
      symbol: style.symbol,
      symbolSize: policy === 'adaptive' ? 8 : 6,
      itemStyle: { color: style.color },
      lineStyle: {
        color: style.color,
        width: policy === 'adaptive' ? 3 : 1.5,
        type: isOptimum ? 'dashed' : 'solid',
      },
      z: policy === 'adaptive' ? 3 : 2,
    }
  })
}

/** An SVG of the local hits of each trace. */
export async function drawTraces(
  rows: readonly KvTraceRow[],
  conditions: readonly string[],
): Promise<string> {
  const { drawSvg } = await import('./echarts.js')
  const traces = [...new Set(rows.map(({ trace }) => trace))]
  const policies = [...new Set(rows.map(({ policy }) => policy))]
  const columns = Math.min(MOST_COLUMNS, traces.length)
  const lines = Math.ceil(traces.length / columns)
  const around = MARGIN.left - GAP.x + MARGIN.right
  const panel = Math.max(PANEL.least, (LEAST_WIDTH - around) / columns - GAP.x)
  const places = traces.map((_, i) => ({
    left: MARGIN.left + (i % columns) * (panel + GAP.x),
    top: MARGIN.top + Math.floor(i / columns) * (PANEL.height + GAP.y),
  }))
  const width = around + columns * (panel + GAP.x)
  const title = 'Reads that find their object in local memory, by policy'
  const how =
    'Percent of the reads of a two-tier key-value store, without the first of each object; across: the part ' +
    'of the objects’ bytes for which local memory has room.'
  const seeds = [...new Set(rows.map(({ seed }) => seed))].filter((seed) => seed !== null)
  const reads = [...new Set(rows.map((row) => row.reads.toLocaleString('en-US')))]
  const facts = [
    `${reads.join(', ')} reads${seeds.length === 0 ? '' : `, seed ${seeds.join(', ')}`}.`,
    ...(policies.includes('min') ? ['min: Belady’s optimum, which knows the future.'] : []),
    ...conditions.map((condition) => `! ${condition}`),
  ]
  const characters = Math.floor((width - MARGIN.left - MARGIN.right) / CHARACTER)
  const under = facts.map((fact) => wrap(fact, characters, '  ', '')).join('\n')
  const bottom = MARGIN.top + lines * (PANEL.height + GAP.y) - GAP.y
  const height = bottom + FOOT.text + FOOT.line * (under.split('\n').length + 1)
  const text = (size: number, color: string) => ({ fontSize: size, fontWeight: 'normal', color })
  const label = { color: FAINT_INK, fontSize: SMALL }
  const rule = { lineStyle: { color: RULE } }
  const svg = drawSvg(
    {
      backgroundColor: PAPER,
      textStyle: { fontFamily: 'system-ui, sans-serif' },
      title: [
        {
          text: title,
          subtext: wrap(how, characters),
          left: MARGIN.left - 5,
          top: 12,
          textStyle: { ...text(18, INK), fontWeight: 'bold' },
          subtextStyle: { ...text(SMALL, FAINT_INK), lineHeight: FOOT.line },
        },
        ...traces.map((name, i) => ({
          text: name,
          left: (places[i]?.left ?? 0) - 5,
          top: (places[i]?.top ?? 0) - 32,
          textStyle: {
            ...text(13, INK),
            fontWeight: 'bold',
            width: panel,
            overflow: 'truncate',
          },
        })),
        {
          subtext: under,
          left: MARGIN.left - 5,
          top: bottom + FOOT.text - 12,
          subtextStyle: { ...text(SMALL, FAINT_INK), lineHeight: FOOT.line },
        },
      ],
      legend: {
        data: policies,
        left: MARGIN.left,
        right: MARGIN.right,
        top: bottom + FOOT.legend,
        itemGap: 16,
        itemWidth: 28,
        textStyle: { color: INK, fontSize: 12 },
        inactiveColor: FAINT_INK,
      },
      grid: places.map((place) => ({ ...place, width: panel, height: PANEL.height })),
      xAxis: traces.map((_, gridIndex) => ({
        gridIndex,
        type: 'category',
        data: LOCAL_SHARES.map((share) => `${share} %`),
        axisLabel: label,
        axisLine: rule,
        axisTick: { show: false },
      })),
      yAxis: traces.map((_, gridIndex) => ({
        gridIndex,
        type: 'value',
        min: 0,
        max: 100,
        interval: 25,
        axisLabel: { ...label, formatter: '{value} %' },
        splitLine: rule,
      })),
      series: traces.flatMap((name, i) =>
        series(
          rows.filter(({ trace }) => trace === name),
          i,
          policies,
        ),
      ),
    },
    width,
    height,
  )
  return completed(svg, title, `${how} Traces: ${traces.join(', ')}. ${facts.join(' ')}`)
}
