// A chart on the page, drawn anew when the room, the colours or the series that are wanted change.

import { BarChart, CustomChart, LineChart } from 'echarts/charts'
import { GridComponent, TooltipComponent } from 'echarts/components'
import { type EChartsCoreOption, type EChartsType, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import type { Chart } from '../harness/chart.js'
import { fillLegend } from './legend.js'
import { DARK, LIGHT } from './look.js'
import { HEIGHT, isLying, optionOf } from './option.js'

use([BarChart, CustomChart, LineChart, GridComponent, TooltipComponent, SVGRenderer])

/** Pixels. */
const LYING = { bar: 16, group: 26, around: 90 }
/** Paper has one size, and the picture is scaled to it. */
const PAPER = { width: 680, height: 240 }

export interface Surroundings {
  dark: boolean
  paper: boolean
}

export class Drawing {
  readonly #chart: Chart
  readonly #names: readonly string[]
  readonly #plot: HTMLElement
  readonly #legend: HTMLElement
  readonly #echarts: EChartsType
  readonly #hidden = new Set<string>()
  #surroundings: Surroundings = { dark: false, paper: false }

  /** `names`: of all series of the experiment. */
  constructor(chart: Chart, names: readonly string[], plot: HTMLElement, legend: HTMLElement) {
    this.#chart = chart
    this.#names = names
    this.#plot = plot
    this.#legend = legend
    this.#echarts = init(plot, null, { renderer: 'svg', width: PAPER.width, height: HEIGHT })
  }

  get plot(): HTMLElement {
    return this.#plot
  }

  draw(surroundings: Surroundings = this.#surroundings): void {
    this.#surroundings = surroundings
    const { dark, paper } = surroundings
    const look = dark && !paper ? DARK : LIGHT
    const width = paper ? PAPER.width : this.#plot.clientWidth
    if (width === 0) return
    const chart = this.#chart
    const standing = paper ? PAPER.height : HEIGHT
    const height = isLying(chart, width) ? this.#lyingHeight() : standing
    this.#plot.style.minHeight = paper ? '0' : `${height}px`
    this.#echarts.resize({ width, height })
    const drawn = { chart, names: this.#names, look, width, hidden: this.#hidden }
    this.#echarts.setOption(optionOf(drawn) as EChartsCoreOption, { notMerge: true })
    this.#fit(width, height)
    fillLegend(this.#legend, chart, this.#names, look, this.#hidden, (name) => this.#toggle(name))
  }

  /** The picture is as wide as its place, also where that is paper, whose width nobody tells. */
  #fit(width: number, height: number): void {
    const svg = this.#plot.querySelector('svg')
    svg?.setAttribute('viewBox', `0 0 ${width} ${height}`)
    for (const element of [svg, svg?.parentElement]) {
      if (!element) continue
      Object.assign(element.style, { position: 'relative', width: '100%', height: 'auto' })
    }
  }

  #lyingHeight(): number {
    const groups = this.#chart.x.categories?.length ?? 0
    const bars = this.#chart.series.length
    return LYING.around + groups * (LYING.group + bars * LYING.bar)
  }

  #toggle(name: string): void {
    if (!this.#hidden.delete(name)) this.#hidden.add(name)
    this.draw()
  }
}
