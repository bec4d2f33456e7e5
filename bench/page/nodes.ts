// A drawing of the machine's NUMA nodes: the local one above, and below it, on links, those that its CPUs
// reach. Narrow, so that it can be read on a phone; its colours are the style sheet's.

import { figure } from '../../lib/cli/table.js'
import { bytesText, listText } from '../../lib/cli/units.js'
import type { NumaNode } from '../../lib/memory/topology.js'
import type { BenchReport } from '../harness/report.js'
import { type IdleLatency, idleLatencies } from './idle-latency.js'
import { html, type Markup } from './markup.js'

const WIDTH = 340
const BOX = { top: 22, line: 19, bottom: 14, inset: 14 }
/** Between boxes: room for the text of a link, of two lines. */
const LINK = { height: 54, x: 28, line: 18 }
const INDENT = 56
/** The widest that a character is, on average. */
const CHARACTER = 7.4

/** What fits into a box that begins at `x`. */
function shortened(text: string, x: number): string {
  const most = Math.floor((WIDTH - x - 2 * BOX.inset) / CHARACTER)
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

function rolesOf({ id }: NumaNode, { nodes }: BenchReport): string[] {
  const roles = nodes.filter(({ numaNode }) => numaNode === id).map(({ role }) => role)
  return [...new Set(roles)]
}

function cpusText(cpus: readonly number[]): string {
  if (cpus.length === 0) return 'no CPUs'
  return `${cpus.length === 1 ? '1 CPU' : `${cpus.length} CPUs`}: ${listText(cpus)}`
}

const memoryText = ({ memoryTotal, memoryFree }: NumaNode) =>
  memoryTotal === 0 ? 'no memory' : `${bytesText(memoryTotal)}, ${bytesText(memoryFree)} free`

function loadText({ median, best }: IdleLatency): string {
  const digits = median < 100 ? 1 : 0
  return `median ${figure(median, digits)} ns, best ${figure(best, digits)} ns`
}

interface Place {
  node: NumaNode
  title: string
  lines: string[]
  /** What is written on the link that leads to it. */
  link: string[]
  x: number
  y: number
  height: number
}

/** Each node with what is to be said of it, where it lies; those without a role come last. */
function places(report: BenchReport): Place[] {
  const measured = idleLatencies(report)
  const rank = (node: NumaNode) => {
    const roles = rolesOf(node, report)
    return roles.includes('local') ? 0 : roles.length > 0 ? 1 : 2
  }
  const nodes = [...report.numaNodes].sort((a, b) => rank(a) - rank(b) || a.id - b.id)
  const home = nodes[0]
  let y = 1
  return nodes.map((node): Place => {
    const roles = rolesOf(node, report)
    const isHome = node === home
    const loads = measured.filter(({ numaNode }) => numaNode === node.id)
    const told = isHome
      ? loads.map((load) =>
          roles.length > 1 ? `${load.role} loads: ${loadText(load)}` : `loads: ${loadText(load)}`,
        )
      : []
    const x = isHome ? 1 : INDENT
    const lines = [cpusText(node.cpus), memoryText(node), ...told].map((line) => shortened(line, x))
    const distance = home?.distances[node.id]
    const link = [
      ...(distance === undefined ? [] : [`distance ${distance}`]),
      ...(isHome ? [] : loads.map((load) => `loads: ${loadText(load)}`)),
    ]
    if (!isHome) y += LINK.height
    const height = BOX.top + BOX.line * lines.length + BOX.bottom
    const place = { node, lines, link, x, y, height }
    y += height
    const role = roles.length > 0 ? roles.join(' and ') : node.allowed ? 'not used' : 'forbidden'
    return { ...place, title: `NUMA node ${node.id} · ${role}` }
  })
}

function boxMarkup({ node, title, lines, x, y, height }: Place, report: BenchReport): Markup {
  const role = rolesOf(node, report)[0] ?? 'unused'
  const left = x + BOX.inset
  const texts = lines.map(
    (line, i) => html`<text x="${left}" y="${y + BOX.top + BOX.line * (i + 1)}">${line}</text>`,
  )
  return html`<g class="node ${role}"><rect x="${x}" y="${y}" width="${WIDTH - x - 1}" height="${height}" rx="8"/>
<text class="name" x="${left}" y="${y + BOX.top}">${title}</text>${texts}</g>
`
}

/** From below the first box to the side of this one. */
function linkMarkup({ link, x, y, height }: Place, from: number): Markup {
  const middle = y + height / 2
  const first = y - LINK.height + (LINK.height - LINK.line * link.length) / 2 + 13
  const texts = link.map(
    (line, i) => html`<text class="link" x="${INDENT}" y="${first + LINK.line * i}">${line}</text>`,
  )
  return html`<path class="link" d="M${LINK.x} ${from}V${middle}H${x}"/>${texts}
`
}

/** The same in words. */
function description(all: readonly Place[]): string {
  return all
    .map(({ title, lines, link }, i) => {
      const reached = i === 0 || link.length === 0 ? [] : [`from the first: ${link.join(', ')}`]
      return `${title}: ${[...lines, ...reached].join('; ')}.`
    })
    .join(' ')
}

export function nodesDrawing(report: BenchReport): Markup {
  const all = places(report)
  const [first, ...others] = all
  if (first === undefined) return html``
  const height = Math.max(...all.map((place) => place.y + place.height)) + 1
  const links = others.map((place) => linkMarkup(place, first.y + first.height))
  const boxes = all.map((place) => boxMarkup(place, report))
  return html`<svg class="nodes" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="nodes-title nodes-text">
<title id="nodes-title">The NUMA nodes of the machine</title>
<desc id="nodes-text">${description(all)}</desc>
${links}${boxes}</svg>
`
}
