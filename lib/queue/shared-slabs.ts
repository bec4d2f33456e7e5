// The slabs that all queues of a context share.

import type { Emucxl } from '../memory/emucxl.js'
import { SlabAllocator } from '../slab/slab-allocator.js'

interface Shared {
  slabs: SlabAllocator
  users: number
}

const shared = new WeakMap<Emucxl, Shared>()

/** The allocator of a context, for one user more. */
export function takeSlabs(cxl: Emucxl): SlabAllocator {
  let entry = shared.get(cxl)
  if (entry === undefined) {
    entry = { slabs: new SlabAllocator(cxl), users: 0 }
    shared.set(cxl, entry)
  }
  entry.users++
  return entry.slabs
}

/** A user less; the last one gives the memory back. */
export function giveBackSlabs(cxl: Emucxl): void {
  const entry = shared.get(cxl)
  if (entry === undefined) return
  entry.users--
  if (entry.users > 0) return
  shared.delete(cxl)
  entry.slabs.destroy()
}
