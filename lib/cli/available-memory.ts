// How much memory the nodes of a context can give without harm to the machine.

import { freemem } from 'node:os'
import type { Node } from '../memory/options.js'
import { readTopology } from '../memory/topology.js'
import { readText } from './machine.js'

function kib(text: string | undefined, field: string): number | undefined {
  // Of the whole machine `MemFree: 1 kB`, of a node `Node 0 MemFree: 1 kB`.
  const escaped = field.replace(/[()]/g, '\\$&')
  const match = new RegExp(`^(?:Node \\d+ )?${escaped}:\\s+(\\d+) kB`, 'm').exec(text ?? '')
  return match === null ? undefined : Number(match[1]) * 1024
}

/** Bytes that one of several NUMA nodes can give: what is free, and files not used lately. */
function ofNode(root: string, id: number): number {
  const info = readText(root, `sys/devices/system/node/node${id}/meminfo`)
  const free = kib(info, 'MemFree')
  return free === undefined ? Infinity : free + (kib(info, 'Inactive(file)') ?? 0)
}

/** Bytes that the control group, a container's for one, lets this process have besides what it has. */
function limitOfGroup(): number {
  const limit = process.constrainedMemory?.() // of no limit it is nothing, 0, or more than there is
  return limit ? Math.max(0, limit - process.memoryUsage.rss()) : Infinity
}

/** Bytes that each node of a context can give when all give the same. */
export function memoryOfEach(
  nodes: readonly Node[],
  root = '/',
  limit: number = limitOfGroup(),
): number {
  const available = kib(readText(root, 'proc/meminfo'), 'MemAvailable') ?? freemem()
  const machine = Math.min(available, limit)
  // A single node's own account can lack memory that was plugged in later.
  if (readTopology(root).length === 1) return machine / nodes.length
  const sharers = (id: number) => nodes.filter(({ numaNode }) => numaNode === id).length
  const shares = nodes.map(({ numaNode }) => ofNode(root, numaNode) / sharers(numaNode))
  return Math.min(machine / nodes.length, ...shares)
}
