// Slabs: which one gives out the next object, which one goes, and what is given back when a node is full.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from '../../lib/index.js'
import { Heap, NOWHERE } from '../../lib/kv/heap.js'
import type { Memory } from '../../lib/kv/memory.js'
import { Pool } from '../../lib/kv/pool.js'

const KiB = 1024
const PAGE = 4 * KiB

let cxl: Emucxl
beforeEach(() => {
  cxl = Emucxl.open({ backend: 'emulated', capacity: { local: 2 * PAGE, remote: 2 * PAGE } })
})
afterEach(() => cxl.close())

describe('a pool', () => {
  let pool: Pool
  let slabs: Memory[]
  beforeEach(() => {
    cxl.setCapacity(LOCAL_MEMORY, 3 * PAGE)
    pool = new Pool(cxl, 'local', LOCAL_MEMORY, 64, PAGE)
    slabs = []
  })

  /** Maps a slab for each number, all of whose objects live but so many. */
  const fill = (...rooms: number[]) => {
    for (const _ of rooms) {
      const slab = pool.add()
      while (slab.room > 0) pool.take(slab)
      slabs.push(slab)
    }
    for (const [i, room] of rooms.entries()) free(i, room)
  }
  /** Gives objects of a slab back; returns whether it is to go then. */
  const free = (i: number, count = 1) => {
    const slab = slabs[i] as Memory
    let isToGo = false
    for (const object of pool.liveIn(slab).slice(0, count)) isToGo = pool.free(slab, object)
    return isToGo
  }
  /** Takes objects until none is free; returns the slabs that gave them, in order. */
  const drain = () => {
    const from: number[] = []
    for (let slab = pool.current; slab !== undefined; slab = pool.current) {
      const i = slabs.indexOf(slab)
      if (from.at(-1) !== i) from.push(i)
      pool.take(slab)
    }
    return from
  }

  test.each([
    [[50, 20, 30], 0],
    [[20, 50, 30], 1],
    [[20, 30, 50], 2],
  ])('of slabs with room for %j objects, the one with most is to be emptied', (rooms, most) => {
    fill(...rooms)
    expect(pool.sparsest).toBe(slabs[most])
  })

  test('a slab is to be emptied just when the others have room for its objects', () => {
    fill(20, 33, 10)
    expect([pool.perSlab, pool.room, pool.sparsest]).toEqual([64, 63, undefined])
    free(0)
    expect(pool.sparsest).toBe(slabs[1])
  })

  test.each([
    [[64, 5, 7], 0],
    [[5, 64, 7], 1],
    [[5, 7, 64], 2],
  ])('of slabs with room for %j objects, the empty one gives out objects last', (rooms, last) => {
    fill(...rooms)
    expect(drain().at(-1)).toBe(last)
    expect(pool.room).toBe(0)
  })

  test('the slab to which an object was given back gives out the next one', () => {
    fill(0, 0, 0)
    for (const i of [1, 0, 2]) free(i)
    expect(drain()).toEqual([2, 0, 1])
  })

  test('one empty slab is kept, and another one is to go', () => {
    fill(63, 63)
    expect([free(1), free(0)]).toEqual([false, true])
    expect(pool.empty).toBe(slabs[1])
    pool.remove(slabs[0] as Memory)
    expect([pool.slabs, pool.room, drain()]).toEqual([1, 64, [1]])
  })
})

describe('a heap', () => {
  const nodes = { local: LOCAL_MEMORY, remote: REMOTE_MEMORY }
  const noLimits = { local: Number.POSITIVE_INFINITY, remote: Number.POSITIVE_INFINITY }

  test('empty slabs of a full node give way to objects of other sizes', () => {
    const heap = new Heap(cxl, nodes, noLimits)
    for (const size of [100, 200]) heap.free(heap.alloc('local', size))
    expect(heap.mapped.local).toBe(2 * PAGE)
    expect(heap.alloc('local', 2 * PAGE)).not.toBe(NOWHERE)
    expect([heap.mapped.local, cxl.mappings().length]).toEqual([2 * PAGE, 1])
  })

  test('trim tells whether it has given slabs back', () => {
    const heap = new Heap(cxl, nodes, noLimits)
    const lives = heap.alloc('remote', 100)
    heap.free(heap.alloc('local', 100))
    expect([heap.trim(), heap.mapped, heap.trim()]).toEqual([
      true,
      { local: 0, remote: PAGE },
      false,
    ])
    heap.free(lives)
    expect([heap.trim(), heap.mapped, cxl.mappings()]).toEqual([true, { local: 0, remote: 0 }, []])
  })

  test('compaction moves the objects of the sparsest slab, each with its bytes', () => {
    const heap = new Heap(cxl, nodes, noLimits)
    const places = Array.from({ length: 2 * (PAGE / 64) }, (_, i) => {
      const place = heap.alloc('local', 64)
      heap.find(place)
      heap.memory.words[heap.at] = i
      return place
    })
    const moved: [number, number][] = []
    const compact = () =>
      heap.compact('local', (from, to) => moved.push([places.indexOf(from), to]))
    expect(compact()).toBe(false)
    for (const place of [...places.slice(0, 4), ...places.slice(64, 124)]) heap.free(place)
    expect(compact()).toBe(true)
    expect(moved.map(([i]) => i).sort((a, b) => a - b)).toEqual([124, 125, 126, 127])
    for (const [i, to] of moved) {
      heap.find(to)
      expect(heap.memory.words[heap.at]).toBe(i)
    }
    expect(heap.mapped.local).toBe(PAGE)
  })
})
