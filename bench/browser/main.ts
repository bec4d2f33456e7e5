// The part of the report that runs in the browser: it draws the charts, and lets the report be saved. What
// it needs is in the page.

import type { Chart } from '../harness/chart.js'
import { Drawing } from './drawing.js'
import { namesOf } from './look.js'

const textOf = (id: string) => document.getElementById(id)?.textContent ?? 'null'

/** Where each chart belongs: its figure's attributes say which one it is. */
function drawings(): Drawing[] {
  const charts = JSON.parse(textOf('charts')) as Record<string, Chart[]>
  return [...document.querySelectorAll<HTMLElement>('figure.chart')].flatMap((figure) => {
    const own = charts[figure.dataset['experiment'] ?? ''] ?? []
    const chart = own[Number(figure.dataset['chart'])]
    const plot = figure.querySelector<HTMLElement>('.plot')
    const legend = figure.querySelector<HTMLElement>('.legend')
    if (chart === undefined || plot === null || legend === null) return []
    figure.classList.add('drawn')
    figure.querySelector('details')?.removeAttribute('open')
    return [new Drawing(chart, namesOf(own), plot, legend)]
  })
}

/** The report, which lies in the page packed. */
async function unpackReport(): Promise<string> {
  const bytes = Uint8Array.from(atob(textOf('report')), (sign) => sign.charCodeAt(0))
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return await new Response(unpacked).text()
}

async function offerDownload(): Promise<void> {
  const link = document.querySelector<HTMLAnchorElement>('a#download')
  if (link === null) return
  const text = JSON.stringify(JSON.parse(await unpackReport()), null, 2)
  const blob = new Blob([`${text}\n`], { type: 'application/json' })
  link.href = URL.createObjectURL(blob)
  link.download = 'emucxl-report.json'
  link.hidden = false
}

function start(): void {
  const all = drawings()
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const print = matchMedia('print')
  const drawAll = (paper = print.matches) => {
    for (const drawing of all) drawing.draw({ dark: dark.matches, paper })
  }
  drawAll()
  dark.addEventListener('change', () => drawAll())
  print.addEventListener('change', () => drawAll())
  addEventListener('beforeprint', () => drawAll(true))
  addEventListener('afterprint', () => drawAll(false))
  const widths = new Map<Element, number>()
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const before = widths.get(target)
      widths.set(target, contentRect.width)
      if (before === undefined || before === contentRect.width || print.matches) continue
      all.find(({ plot }) => plot === target)?.draw()
    }
  })
  for (const { plot } of all) observer.observe(plot)
}

start()
void offerDownload()
