// What caches tell of their slabs.

import type { Emucxl } from '../memory/emucxl.js'
import { refuseClosed } from './refusal.js'

/** What there is on one node. */
export interface SlabNodeStats {
  node: number
  /** Objects that live. */
  objects: number
  /** Slabs, each a region of the context. */
  slabs: number
  /** Bytes of the objects that live. */
  bytesUsed: number
  /** Bytes of the slabs. */
  bytesMapped: number
  /** The part of the mapped bytes that no object uses: from 0 to 1. */
  fragmentation: number
}

/** The account of a cache, on all nodes together and on each. */
export interface SlabStats extends Omit<SlabNodeStats, 'node'> {
  nodes: SlabNodeStats[]
}

const SUMS = ['objects', 'slabs', 'bytesUsed', 'bytesMapped'] as const
/** What is counted on a node. */
export type Sums = Record<(typeof SUMS)[number], number>

function sum(rows: readonly Sums[]): Omit<SlabNodeStats, 'node'> {
  const total: Sums = { objects: 0, slabs: 0, bytesUsed: 0, bytesMapped: 0 }
  for (const row of rows) for (const key of SUMS) total[key] += row[key]
  const { bytesUsed, bytesMapped } = total
  return { ...total, fragmentation: bytesMapped === 0 ? 0 : 1 - bytesUsed / bytesMapped }
}

/** The account of what `count` counts on each node of a context. */
export function accountOf(cxl: Emucxl, count: (node: number) => Sums): SlabStats {
  if (cxl.closed) refuseClosed('slabs')
  const nodes = cxl.nodes.map(({ node }) => ({ node, ...sum([count(node)]) }))
  return { ...sum(nodes), nodes }
}

/** The account of several together. */
export function together(cxl: Emucxl, all: readonly SlabStats[]): SlabStats {
  const rows = all.flatMap(({ nodes }) => nodes)
  return accountOf(cxl, (node) => sum(rows.filter((row) => row.node === node)))
}
