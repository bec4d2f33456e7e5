// The report as one HTML file that needs nothing else: what `emucxl bench --html` and `emucxl report` write.
//
// The policy in its head lets no script run but the one that the build bundled, and nothing be fetched.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { EXPERIMENTS } from '../experiments.js'
import type { Experiment } from '../harness/experiment.js'
import type { BenchReport } from '../harness/report.js'
import { machineSection } from './machine.js'
import { html, Markup, prose, scriptJson } from './markup.js'
import { resultText } from './result.js'
import { isAbout, type Section, sectionMarkup, sectionsOf } from './section.js'

/** What the build bundled. */
const bundled = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

/** Bytes of a page at most: attached to a mail, it arrives. */
const MOST_BYTES = 1e6
/** What is left out of the report in a page that would be larger: a summary of them stays. */
const SAMPLES = ['trials', 'trialsMs']

/** The report, packed: most of it repeats itself. It is laid out when it is saved. */
function packed(report: BenchReport, leftOut: readonly string[]): string {
  const text = JSON.stringify(report, (name, value) => (leftOut.includes(name) ? [] : value))
  return gzipSync(text, { level: 9 }).toString('base64')
}

function policy(script: string): string {
  const hash = createHash('sha256').update(script).digest('base64')
  return (
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; ` +
    "base-uri 'none'; form-action 'none'"
  )
}

function banner(conditions: readonly string[]): Markup {
  if (conditions.length === 0) return html``
  const items = conditions.map((condition) => html`<li>${prose(condition)}</li>\n`)
  return html`<aside class="banner" aria-label="Conditions of all figures">
<ul>
${items}</ul>
</aside>
`
}

function contents(sections: readonly Section[]): Markup {
  const items = sections.map(({ name, id }) => html`<li><a href="#${id}">${name}</a></li>\n`)
  return html`<nav aria-label="Contents">
<ul class="contents">
<li><a href="#machine">The machine</a></li>
${items}</ul>
</nav>
`
}

function head(report: BenchReport, title: string, script: string): Markup {
  return html`<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="emucxl ${report.version}">
<title>${title}</title>
<style>${new Markup(bundled('page.css'))}</style>
`
}

/** The page of a report, of which it lays out the experiments that it knows. */
export function pageOf(report: BenchReport, known: readonly Experiment[] = EXPERIMENTS): string {
  const whole = layOut(report, known, [])
  return Buffer.byteLength(whole) < MOST_BYTES ? whole : layOut(report, known, SAMPLES)
}

function layOut(
  report: BenchReport,
  known: readonly Experiment[],
  leftOut: readonly string[],
): string {
  const { machine, conditions, experiments, quick } = report
  const script = bundled('../browser/main.js')
  const sections = sectionsOf(report, known)
  const charts = Object.fromEntries(sections.map(({ id, charts }) => [id, charts]))
  const title = `Local against remote memory: ${machine.cpu}`
  const date = report.date.slice(0, 16).replace('T', ' ')
  const names = Object.keys(experiments)
  const about = conditions.filter((line) => !names.some((name) => isAbout(line, name)))
  const page = html`<!DOCTYPE html>
<html lang="en">
<head>
${head(report, title, script)}</head>
<body>
<header>
<h1>${title}</h1>
<p class="result">${resultText(report)}</p>
<p class="note">emucxl ${report.version}, ${date} UTC, backend ${report.backend}${quick ? ', a quick run' : ''}.
<a id="download" hidden>Download the JSON</a></p>
${banner(about)}</header>
${contents(sections)}<main>
${machineSection(report)}${sections.map((section) => sectionMarkup(section, report))}</main>
<script type="application/json" id="charts">${scriptJson(charts)}</script>
<script type="application/gzip" id="report">${packed(report, leftOut)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`
  return page.text
}
