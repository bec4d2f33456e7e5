// The slabs that all queues of a context share.

import type { Emucxl } from '../memory/emucxl.js'
import { SlabAllocator } from '../slab/slab-allocator.js'

/** Slabs are large, so that a long queue maps few, but not where memory is scarce. */
const LEAST_BYTES = 64 << 10
const MOST_BYTES = 2 << 20
const SHARE = 1 / 256

function slabBytesFor(cxl: Emucxl): number {
  const capacity = Math.min(...cxl.nodes.map(({ node }) => cxl.stats(node).capacity))
  return Math.max(LEAST_BYTES, Math.min(MOST_BYTES, Math.floor(capacity * SHARE)))
}

interface Shared {
  slabs: SlabAllocator
  slabBytes: number
  users: number
}

const shared = new WeakMap<Emucxl, Shared>()

/** The allocator of a context, for one user more. Before the first, capacities may have changed. */
export function takeSlabs(cxl: Emucxl): SlabAllocator {
  let entry = shared.get(cxl)
  if (entry === undefined || entry.users === 0) {
    const slabBytes = slabBytesFor(cxl)
    if (entry?.slabBytes !== slabBytes) {
      entry?.slabs.destroy()
      entry = { slabs: new SlabAllocator(cxl, { slabBytes }), slabBytes, users: 0 }
      shared.set(cxl, entry)
    }
  }
  entry.users++
  return entry.slabs
}

/** A user less; the last one gives the memory back, and leaves the bookkeeping to the next one. */
export function giveBackSlabs(cxl: Emucxl): void {
  const entry = shared.get(cxl)
  if (entry === undefined) return
  entry.users--
  if (entry.users === 0) entry.slabs.trim()
}
