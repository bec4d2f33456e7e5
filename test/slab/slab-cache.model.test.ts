// A slab cache against a Map of byte arrays: random calls on two nodes that have room for a few slabs
// only. After each call every object has its bytes, no ref that ended lives, and the account is exact.
// It does not see what other threads or the kernel do.

import { type Emucxl, EmucxlError, SlabCache } from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'

const PAGE = 4096
/** Slabs that fit on a node. */
const ROOM = 4

interface World {
  cxl: Emucxl
  cache: SlabCache
  stranger: number
}

interface Held {
  bytes: Uint8Array
  node: number
}

interface Model {
  objects: Map<number, Held>
  ended: number[]
  next: number
}

type Command = fc.Command<Model, World>

const pick = <T>(items: Iterable<T>, at: number): T | undefined => {
  const all = [...items]
  return all[at % all.length]
}

const bytesOf = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, i) => (seed * 31 + i * 7 + 1) & 0xff)

function failure(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

/** Everything that must hold between two calls. */
function check(model: Model, { cxl, cache, stranger }: World): void {
  const isAsItWas = (ref: number, { bytes, node }: Held) =>
    cache.has(ref) && cache.nodeOf(ref) === node && Buffer.compare(cache.bytes(ref), bytes) === 0
  expect([...model.objects].find(([ref, object]) => !isAsItWas(ref, object))).toBeUndefined()
  expect(model.ended.find((ref) => cache.has(ref))).toBeUndefined()
  expect(cache.has(stranger)).toBe(false)
  const stats = cache.stats()
  expect(stats.objects).toBe(model.objects.size)
  expect(stats.bytesUsed).toBe(model.objects.size * cache.objectSize)
  for (const { node, objects, slabs, bytesMapped } of stats.nodes) {
    expect(objects).toBe([...model.objects.values()].filter((each) => each.node === node).length)
    expect(slabs).toBeLessThanOrEqual(ROOM)
    expect(cxl.stats(node).mapped).toBe(bytesMapped + (node === 0 ? PAGE : 0)) // the stranger's
  }
}

class Alloc implements Command {
  readonly node: number
  readonly count: number

  constructor(node: number, count: number) {
    this.node = node
    this.count = count
  }

  check = () => true

  run(model: Model, world: World): void {
    const { cache } = world
    for (let i = 0; i < this.count; i++) {
      const before = cache.stats()
      let ref: number
      try {
        ref = cache.alloc(this.node)
      } catch (error) {
        expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
        expect(cache.stats()).toEqual(before)
        break
      }
      expect(Number.isSafeInteger(ref) && ref > 0).toBe(true)
      expect(model.objects.has(ref) || model.ended.includes(ref)).toBe(false)
      const bytes = bytesOf(cache.objectSize, model.next++)
      cache.bytes(ref).set(bytes)
      model.objects.set(ref, { bytes, node: this.node })
    }
    check(model, world)
  }

  toString = () => `${this.count} × alloc(${this.node})`
}

class Free implements Command {
  readonly at: number
  readonly count: number

  constructor(at: number, count: number) {
    this.at = at
    this.count = count
  }

  check = (model: Readonly<Model>) => model.objects.size > 0

  run(model: Model, world: World): void {
    for (let i = 0; i < this.count && model.objects.size > 0; i++) {
      const ref = pick(model.objects.keys(), this.at) as number
      world.cache.free(ref)
      model.objects.delete(ref)
      model.ended.push(ref)
    }
    check(model, world)
  }

  toString = () => `${this.count} × free(${this.at})`
}

class Migrate implements Command {
  readonly at: number
  readonly node: number

  constructor(at: number, node: number) {
    this.at = at
    this.node = node
  }

  check = (model: Readonly<Model>) => model.objects.size > 0

  run(model: Model, world: World): void {
    const ref = pick(model.objects.keys(), this.at) as number
    const object = model.objects.get(ref)
    const error = failure(() => {
      const fresh = world.cache.migrate(ref, this.node)
      if (object === undefined || object.node === this.node) {
        expect(fresh).toBe(ref)
        return
      }
      model.objects.delete(ref)
      model.ended.push(ref)
      model.objects.set(fresh, { ...object, node: this.node })
    })
    if (error !== undefined) expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
    check(model, world)
  }

  toString = () => `migrate(${this.at}, ${this.node})`
}

class MigrateSlab implements Command {
  readonly at: number
  readonly node: number

  constructor(at: number, node: number) {
    this.at = at
    this.node = node
  }

  check = (model: Readonly<Model>) => model.objects.size > 0

  run(model: Model, world: World): void {
    const { cache } = world
    const ref = pick(model.objects.keys(), this.at) as number
    const buffer = cache.buffer(ref)
    const error = failure(() => cache.migrateSlab(ref, this.node))
    if (error === undefined) {
      for (const [each, object] of model.objects) {
        if (cache.buffer(each) === buffer) object.node = this.node
      }
    } else {
      expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
    }
    check(model, world)
  }

  toString = () => `migrateSlab(${this.at}, ${this.node})`
}

class Compact implements Command {
  readonly throwsAfter: number

  constructor(throwsAfter: number) {
    this.throwsAfter = throwsAfter
  }

  check = () => true

  run(model: Model, world: World): void {
    const { cache } = world
    let calls = 0
    const error = failure(() =>
      cache.compact((from, to) => {
        if (calls++ === this.throwsAfter) throw new Error('on purpose')
        const object = model.objects.get(from)
        expect(object).toBeDefined()
        if (object === undefined) return
        expect(Buffer.compare(cache.bytes(to), object.bytes)).toBe(0)
        expect(Buffer.compare(cache.bytes(from), object.bytes)).toBe(0)
        model.objects.delete(from)
        model.ended.push(from)
        model.objects.set(to, object)
      }),
    )
    if (error !== undefined) expect((error as Error).message).toBe('on purpose')
    check(model, world)
    if (error !== undefined) return
    // No node has two slabs whose objects fit into one.
    const perSlab = Math.floor(PAGE / (Math.ceil(cache.objectSize / 8) * 8))
    for (const { objects, slabs } of cache.stats().nodes) {
      expect(slabs).toBeLessThanOrEqual(Math.ceil(objects / perSlab) + 1) // and the spare
    }
  }

  toString = () => `compact(throws after ${this.throwsAfter})`
}

class BadRef implements Command {
  readonly at: number

  constructor(at: number) {
    this.at = at
  }

  check = () => true

  run(model: Model, world: World): void {
    const { cache, stranger } = world
    const stale = model.ended.length > 0 ? pick(model.ended, this.at) : undefined
    const bad = [stranger, 0, -1, 0.5, Number.NaN, 2 ** 53, Infinity, '1', null, {}, 5n, stale]
    for (const ref of bad) {
      for (const method of ['free', 'bytes', 'offset', 'view', 'buffer', 'nodeOf'] as const) {
        const error = failure(() => cache[method](ref as number)) as Error
        expect(error).toBeInstanceOf(typeof ref === 'number' ? EmucxlError : TypeError)
        expect(error.message).toMatch(/^ref\b/)
      }
    }
    // The negative of what the bookkeeping has for a free place.
    expect(model.ended.find((ref) => failure(() => cache.free(-ref)) === undefined)).toBeUndefined()
    check(model, world)
  }

  toString = () => `bad refs (${this.at})`
}

const node = fc.nat({ max: 1 })
const at = fc.nat()
const commands = [
  fc.tuple(node, fc.integer({ min: 1, max: 60 })).map(([n, count]) => new Alloc(n, count)),
  fc.tuple(at, fc.integer({ min: 1, max: 40 })).map(([a, count]) => new Free(a, count)),
  fc.tuple(at, node).map(([a, n]) => new Migrate(a, n)),
  fc.tuple(at, node).map(([a, n]) => new MigrateSlab(a, n)),
  fc.oneof(fc.constant(Infinity), fc.nat({ max: 20 })).map((after) => new Compact(after)),
  at.map((a) => new BadRef(a)),
]

eachBackend(({ open }) => {
  describe.each([8, 24, 100, 500, 3000])('objects of %i bytes', (objectSize) => {
    test('random calls', () => {
      fc.assert(
        fc.property(fc.commands(commands, { maxCommands: 60, size: 'max' }), (sequence) => {
          using cxl = open({ capacity: { local: (ROOM + 1) * PAGE, remote: ROOM * PAGE } })
          using other = new SlabCache(cxl, { objectSize: 8, slabBytes: PAGE })
          const cache = new SlabCache(cxl, { objectSize, slabBytes: PAGE })
          const world = { cxl, cache, stranger: other.alloc() }
          const model: Model = { objects: new Map(), ended: [], next: 0 }
          fc.modelRun(() => ({ model, real: world }), sequence)
          cache.destroy()
          expect(cxl.mappings()).toHaveLength(1)
        }),
        { numRuns: Math.ceil(20 / SLOWNESS) },
      )
    })
  })
})
