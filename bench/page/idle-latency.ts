// What a report tells of idle latency, of the largest working set: what is written on the links between nodes.

import type { BenchReport } from '../harness/report.js'

export interface IdleLatency {
  role: 'local' | 'remote'
  /** The kernel's numbers: of the node whose CPU loads, and of the one whose memory it loads from. */
  cpuNode: number
  numaNode: number
  /** Nanoseconds of a load. */
  best: number
  median: number
  /** Of the working set; 0 where it is not told. */
  bytes: number
}

interface Row {
  node?: unknown
  cpuNode?: unknown
  numaNode?: unknown
  workingSetBytes?: unknown
  unit?: unknown
  best?: unknown
  median?: unknown
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)

/** Of each role, or pair of nodes, one. None where latency was not measured, or in another way. */
export function idleLatencies({ experiments, nodes }: BenchReport): IdleLatency[] {
  const home = nodes.find(({ role }) => role === 'local')?.numaNode
  const rows = experiments['latency']?.rows
  const found = new Map<string, IdleLatency>()
  for (const row of (Array.isArray(rows) ? rows : []) as (Row | null)[]) {
    const { node: role, numaNode, best, median, unit } = row ?? {}
    const cpuNode = row?.cpuNode ?? home
    if (unit !== 'ns' || (role !== 'local' && role !== 'remote')) continue
    if (!isNumber(cpuNode) || !isNumber(numaNode) || !isNumber(best) || !isNumber(median)) continue
    const bytes = isNumber(row?.workingSetBytes) ? row.workingSetBytes : 0
    const key = `${role} ${cpuNode} ${numaNode}`
    if ((found.get(key)?.bytes ?? -1) >= bytes) continue
    found.set(key, { role, cpuNode, numaNode, best, median, bytes })
  }
  return [...found.values()].filter(({ cpuNode }) => cpuNode === home)
}
