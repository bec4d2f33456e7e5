// What caches tell of their slabs.

import type { Emucxl } from '../memory/emucxl.js'
import { EmucxlError } from '../memory/errors.js'
import type { Slabs } from './slabs.js'

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

interface Counted {
  slabs: Slabs
  objectSize: number
}

const SUMS = ['objects', 'slabs', 'bytesUsed', 'bytesMapped'] as const
type Sums = Record<(typeof SUMS)[number], number>

function sum(rows: readonly Sums[]): Omit<SlabNodeStats, 'node'> {
  const total: Sums = { objects: 0, slabs: 0, bytesUsed: 0, bytesMapped: 0 }
  for (const row of rows) for (const key of SUMS) total[key] += row[key]
  const { bytesUsed, bytesMapped } = total
  return { ...total, fragmentation: bytesMapped === 0 ? 0 : 1 - bytesUsed / bytesMapped }
}

function rowOf({ slabs, objectSize }: Counted, node: number): Sums {
  const { objects, slabs: count, bytes } = slabs.count(node)
  return { objects, slabs: count, bytesUsed: objects * objectSize, bytesMapped: bytes }
}

/** The account of several caches together. */
export function accountOf(cxl: Emucxl, caches: readonly Counted[]): SlabStats {
  if (cxl.closed) throw new EmucxlError('ERR_EMUCXL_CLOSED', 'the context of the slabs is closed')
  const nodes = cxl.nodes.map(({ node }) => ({
    node,
    ...sum(caches.map((counted) => rowOf(counted, node))),
  }))
  return { ...sum(nodes), nodes }
}
