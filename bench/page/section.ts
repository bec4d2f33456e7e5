// The section of an experiment: what was measured and under which conditions, its charts and its tables.

import type { Chart } from '../chart.js'
import type { Experiment, Table } from '../experiment.js'
import type { BenchReport, ExperimentReport } from '../report.js'
import { chartMarkup } from './chart.js'
import { html, type Markup, prose } from './markup.js'
import { tableMarkup } from './table.js'
import { rowsTable } from './unknown.js'

/** An experiment of the report, laid out. */
export interface Section {
  name: string
  /** Fit for an id and an address: names come from the file. */
  id: string
  charts: Chart[]
  tables: Table[]
}

const UNKNOWN =
  'This version of emucxl does not know this experiment: its rows are shown as they came.'
const DIFFERENT = 'This version of emucxl expects other rows here: they are shown as they came.'

function layOut(known: Experiment | undefined, found: ExperimentReport) {
  if (known === undefined) return { charts: [], tables: [rowsTable(found, UNKNOWN)] }
  try {
    return { charts: known.charts?.(found) ?? [], tables: known.tables(found) }
  } catch {
    return { charts: [], tables: [rowsTable(found, DIFFERENT)] }
  }
}

export function sectionsOf({ experiments }: BenchReport, known: readonly Experiment[]): Section[] {
  return Object.entries(experiments).map(([name, found], i) => {
    const experiment = known.find((one) => one.name === name)
    const id = experiment === undefined ? `experiment-${i + 1}` : name
    return { name, id, ...layOut(experiment, found) }
  })
}

/** Conditions that are about one experiment begin with its name. */
export const isAbout = (condition: string, name: string) => condition.startsWith(`${name}: `)

function conditionsMarkup(report: BenchReport, name: string): Markup {
  const own = report.conditions.filter((condition) => isAbout(condition, name))
  if (own.length === 0) return html``
  const items = own.map((condition) => html`<li>${prose(condition.slice(name.length + 2))}</li>\n`)
  return html`<ul class="conditions" aria-label="Conditions of ${name}">
${items}</ul>
`
}

function effort({ seconds, processes }: ExperimentReport): string {
  const took = Number.isFinite(seconds) ? `${Number(seconds).toFixed(1)} s` : 'an unknown time'
  if (!Number.isFinite(processes)) return `Took ${took}.`
  return `Took ${took}, in ${processes === 1 ? 'one process' : `${processes} processes, one after the other`}.`
}

export function sectionMarkup(section: Section, report: BenchReport): Markup {
  const { name, id, charts, tables } = section
  const found = report.experiments[name] as ExperimentReport
  const backend =
    report.latencyModel === null ? report.backend : `modelled by ${report.latencyModel}`
  const figures = charts.map((chart, i) => chartMarkup(chart, id, i))
  const drawn = figures.length === 0 ? undefined : html`<div class="charts">\n${figures}</div>\n`
  return html`<section id="${id}" aria-labelledby="${id}-head">
<h2 id="${id}-head">${name} <span class="tag">${backend}</span></h2>
<p>${prose(found.description)}</p>
<p class="note">${effort(found)}</p>
${conditionsMarkup(report, name)}${drawn}${tables.map((table, i) => tableMarkup(table, tables.length === 1 ? `The figures of ${name}` : `The figures of ${name}, table ${i + 1}`))}</section>
`
}
