// The machine in the report: what it is, its nodes as a drawing and as a table.

import { bytesText, listText } from '../../lib/cli/units.js'
import type { Table } from '../harness/experiment.js'
import type { BenchReport } from '../harness/report.js'
import { html, type Markup } from './markup.js'
import { nodesDrawing } from './nodes.js'
import { tableMarkup } from './table.js'

function facts(report: BenchReport): [string, string][] {
  const { machine, backend, latencyModel, nodes } = report
  const roles = nodes.map(
    ({ node, role, numaNode }) => `${node} (${role}) on NUMA node ${numaNode}`,
  )
  const cache = machine.lastLevelCache
  return [
    [
      'CPU',
      `${machine.cpu}, ${machine.cpus} ${machine.cpus === 1 ? 'CPU' : 'CPUs'}, ${machine.arch}`,
    ],
    ['Last-level cache', cache > 0 ? bytesText(cache) : 'unknown'],
    ['Virtual machine', machine.virtualMachine ?? 'none seen'],
    ['System', `Linux ${machine.kernel}, ${machine.libc}`],
    ['Node.js', machine.node],
    ['Backend', backend],
    ...(latencyModel === null ? [] : ([['Latency model', latencyModel]] as [string, string][])),
    ['Nodes of emucxl', roles.join('; ')],
  ]
}

/** Every node with its CPUs, memory, and distance to each. */
function nodesTable({ numaNodes }: BenchReport): Table {
  return {
    title: 'NUMA nodes: CPUs, memory and distances, as the kernel tells them.',
    columns: [
      { head: 'node' },
      { head: 'memory' },
      { head: 'free' },
      ...numaNodes.map(({ id }) => ({ head: `to ${id}`, digits: 0 })),
      { head: 'CPUs' },
    ],
    rows: numaNodes.map((node) => [
      String(node.id),
      node.memoryTotal === 0 ? 'none' : bytesText(node.memoryTotal),
      node.memoryTotal === 0 ? undefined : bytesText(node.memoryFree),
      ...numaNodes.map(({ id }) => node.distances[id]),
      node.cpus.length === 0 ? 'none' : listText(node.cpus),
    ]),
    notes: ['A distance of 10 is the node itself; firmware writes them, nobody measures them.'],
  }
}

export function machineSection(report: BenchReport): Markup {
  const list = facts(report).map(
    ([name, text]) => html`<div><dt>${name}</dt><dd>${text}</dd></div>\n`,
  )
  return html`<section id="machine" aria-labelledby="machine-head">
<h2 id="machine-head">The machine</h2>
<div class="machine">
<dl>
${list}</dl>
${nodesDrawing(report)}</div>
${tableMarkup(nodesTable(report), '')}</section>
`
}
