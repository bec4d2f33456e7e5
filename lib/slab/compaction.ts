// Compaction: objects move out of slabs that have few of them into others of the same node.

import type { Slabs } from './slabs.js'

/** What is told of each object: both refs are valid meanwhile. */
export type Moved = (from: number, to: number) => void

/**
 * Empties the sparsest slabs of a node into the fullest, as long as that gives slabs back. `moved` may
 * use the cache, and even destroy it. Returns how many objects were moved.
 */
export function compactNode(slabs: Slabs, node: number, moved: Moved): number {
  slabs.retireEmpty(node)
  const order = slabs.lists.withRoom(node)
  let room = order.reduce((sum, slab) => sum + slabs.lists.roomOf(slab), 0)
  const targets = [...order]
  let objects = 0
  for (const source of order) {
    room -= slabs.perSlab // its own, and what its objects take of the others'
    if (room < 0) break
    if (!slabs.lists.hasRoom(source, node)) continue // `moved` has changed it
    slabs.startEmptying(source)
    try {
      objects += empty(slabs, source, () => nextTarget(slabs, targets, source, node), moved)
    } finally {
      slabs.endEmptying(source)
    }
  }
  return objects
}

/** The last of the targets that has room; those after the source only. */
function nextTarget(
  slabs: Slabs,
  targets: number[],
  source: number,
  node: number,
): number | undefined {
  for (;;) {
    const target = targets.at(-1)
    if (target === undefined || target === source) return undefined
    if (slabs.lists.hasRoom(target, node)) return target
    targets.pop()
  }
}

/** Moves the objects of a slab, as long as there is a target. */
function empty(
  slabs: Slabs,
  source: number,
  target: () => number | undefined,
  moved: Moved,
): number {
  let objects = 0
  for (const from of slabs.objectsOf(source)) {
    const slab = target()
    if (slab === undefined) break
    const to = slabs.takeFrom(slab)
    try {
      slabs.bytesOf(to, slabs.stride).set(slabs.bytesOf(from, slabs.stride))
      moved(from, to)
    } catch (error) {
      if (slabs.has(to)) slabs.free(to)
      throw error
    }
    objects++
    if (slabs.has(from)) slabs.free(from)
  }
  return objects
}
