// The section of an experiment: what was measured and under which conditions, its charts and its tables.

import type { Chart } from '../harness/chart.js'
import type { Experiment, Table } from '../harness/experiment.js'
import { labelOf } from '../harness/label.js'
import type { BenchReport, ExperimentReport } from '../harness/report.js'
import { chartMarkup } from './chart.js'
import { html, type Markup, prose } from './markup.js'
import { tableMarkup } from './table.js'
import { rowsTable } from './unknown.js'

/** An experiment of the report, laid out. */
export interface Section {
  name: string
  /** Fit for an id and an address: names come from the file. */
  id: string
  charts: readonly Chart[]
  /** Charts and tables. */
  content: Markup
}

const UNKNOWN =
  'This version of emucxl does not know this experiment: its rows are shown as they came.'
const DIFFERENT = 'This version of emucxl expects other rows here: they are shown as they came.'

function contentOf(name: string, id: string, charts: readonly Chart[], tables: readonly Table[]) {
  const figures = charts.map((chart, i) => chartMarkup(chart, id, i))
  const drawn = figures.length === 0 ? undefined : html`<div class="charts">\n${figures}</div>\n`
  const caption = (i: number) =>
    `The figures of ${name}${tables.length === 1 ? '' : `, table ${i + 1}`}`
  return html`${drawn}${tables.map((table, i) => tableMarkup(table, caption(i)))}`
}

/** Whether a saved run has nothing to lay out. */
function isEmpty(found: ExperimentReport): boolean {
  const lists: unknown[][] = Object.values(found).filter(Array.isArray)
  return lists.every(({ length }) => length === 0)
}

/** As its experiment lays it out; else, where nobody knows it, or its rows are other ones, as they are. */
function layOut(
  name: string,
  id: string,
  known: Experiment | undefined,
  found: ExperimentReport,
): Section {
  const asItCame = (note: string) => contentOf(name, id, [], [rowsTable(found, note)])
  if (known === undefined) return { name, id, charts: [], content: asItCame(UNKNOWN) }
  if (isEmpty(found)) {
    return { name, id, charts: [], content: html`<p class="note">No figures.</p>\n` }
  }
  try {
    const charts = known.charts?.(found) ?? []
    return { name, id, charts, content: contentOf(name, id, charts, known.tables(found)) }
  } catch {
    return { name, id, charts: [], content: asItCame(DIFFERENT) }
  }
}

export function sectionsOf({ experiments }: BenchReport, known: readonly Experiment[]): Section[] {
  return Object.entries(experiments).map(([name, found], i) => {
    const experiment = known.find((one) => one.name === name)
    const id = experiment === undefined ? `experiment-${i + 1}` : name
    return layOut(name, id, experiment, found)
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
  const { name, id, content } = section
  const found = report.experiments[name] as ExperimentReport
  return html`<section id="${id}" aria-labelledby="${id}-head">
<h2 id="${id}-head">${name} <span class="tag">${labelOf(report)}</span></h2>
<p>${prose(found.description)}</p>
<p class="note">${effort(found)}</p>
${conditionsMarkup(report, name)}${content}</section>
`
}
