// An allocator against a Map of byte arrays: random sizes on two nodes that have little room. After
// each call every object has its bytes and its size, no ref that ended lives, and the account is exact.

import { type Emucxl, EmucxlError, SlabAllocator } from 'emucxl'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'

const KiB = 1024
const CAPACITY = 160 * KiB

interface World {
  cxl: Emucxl
  allocator: SlabAllocator
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

type Step =
  | { call: 'alloc'; size: number; node: number; count: number }
  | { call: 'free'; at: number; count: number }
  | { call: 'migrate' | 'migrateSlab'; at: number; node: number }
  | { call: 'compact'; throwsAfter: number }

const bytesOf = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, i) => (seed * 31 + i * 7 + 1) & 0xff)

const pick = (model: Model, at: number): number | undefined =>
  [...model.objects.keys()][at % Math.max(1, model.objects.size)]

function check(model: Model, { cxl, allocator }: World): void {
  const requested = [...model.objects.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
  const isAsItWas = (ref: number, { bytes, node }: Held) =>
    allocator.has(ref) &&
    allocator.sizeOf(ref) === bytes.length &&
    allocator.nodeOf(ref) === node &&
    Buffer.compare(allocator.bytes(ref), bytes) === 0
  expect([...model.objects].find(([ref, object]) => !isAsItWas(ref, object))).toBeUndefined()
  expect(model.ended.find((ref) => allocator.has(ref))).toBeUndefined()
  const stats = allocator.stats()
  expect(stats.objects).toBe(model.objects.size)
  expect(stats.bytesRequested).toBe(requested)
  expect(stats.bytesUsed).toBeGreaterThanOrEqual(requested)
  expect(stats.bytesUsed).toBeLessThanOrEqual(requested * 1.125)
  for (const { node, objects, bytesMapped } of stats.nodes) {
    expect(objects).toBe([...model.objects.values()].filter((each) => each.node === node).length)
    expect(cxl.stats(node).mapped).toBe(bytesMapped)
  }
}

/** Whether the error is one that memory makes. */
function expectFull(error: unknown): void {
  expect(error).toBeInstanceOf(EmucxlError)
  expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
}

const steps = {
  alloc(model: Model, { allocator }: World, { size, node, count }: Step & { call: 'alloc' }) {
    for (let i = 0; i < count; i++) {
      let ref: number
      try {
        ref = allocator.alloc(size, node)
      } catch (error) {
        expectFull(error)
        return
      }
      expect(model.objects.has(ref) || model.ended.includes(ref)).toBe(false)
      const bytes = bytesOf(size, model.next++)
      allocator.bytes(ref).set(bytes)
      model.objects.set(ref, { bytes, node })
    }
  },

  free(model: Model, { allocator }: World, { at, count }: Step & { call: 'free' }) {
    for (let i = 0; i < count; i++) {
      const ref = pick(model, at)
      if (ref === undefined) return
      allocator.free(ref)
      model.objects.delete(ref)
      model.ended.push(ref)
    }
  },

  migrate(model: Model, { allocator }: World, { at, node }: Step & { call: 'migrate' }) {
    const ref = pick(model, at)
    const object = ref === undefined ? undefined : model.objects.get(ref)
    if (ref === undefined || object === undefined) return
    try {
      const fresh = allocator.migrate(ref, node)
      model.objects.delete(ref)
      if (fresh !== ref) model.ended.push(ref)
      model.objects.set(fresh, { ...object, node })
    } catch (error) {
      expectFull(error)
    }
  },

  migrateSlab(model: Model, { allocator }: World, { at, node }: Step & { call: 'migrateSlab' }) {
    const ref = pick(model, at)
    if (ref === undefined) return
    const buffer = allocator.buffer(ref)
    try {
      allocator.migrateSlab(ref, node)
      for (const [each, object] of model.objects) {
        if (allocator.buffer(each) === buffer) object.node = node
      }
    } catch (error) {
      expectFull(error)
    }
  },

  compact(model: Model, { allocator }: World, { throwsAfter }: Step & { call: 'compact' }) {
    let calls = 0
    try {
      allocator.compact((from, to) => {
        if (calls++ === throwsAfter) throw new Error('on purpose')
        const object = model.objects.get(from)
        if (object === undefined) return expect.unreachable(`${from} did not live`)
        expect(allocator.sizeOf(to)).toBe(object.bytes.length)
        expect(allocator.bytes(to)).toEqual(object.bytes)
        model.objects.delete(from)
        model.ended.push(from)
        model.objects.set(to, object)
      })
    } catch (error) {
      expect((error as Error).message).toBe('on purpose')
    }
  },
}

const node = fc.nat({ max: 1 })
const at = fc.nat()
const size = fc.oneof(
  fc.integer({ min: 1, max: 64 }),
  fc.integer({ min: 65, max: 4 * KiB }),
  fc.integer({ min: 4 * KiB, max: 40 * KiB }),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    call: fc.constant('alloc' as const),
    size,
    node,
    count: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ call: fc.constant('free' as const), at, count: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ call: fc.constantFrom('migrate', 'migrateSlab'), at, node }),
  fc.record({
    call: fc.constant('compact' as const),
    throwsAfter: fc.oneof(fc.constant(Infinity), fc.nat({ max: 20 })),
  }),
)

eachBackend(({ open }) => {
  test('random calls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (sequence) => {
        using cxl = open({ capacity: { local: CAPACITY, remote: CAPACITY } })
        const allocator = new SlabAllocator(cxl, { slabBytes: 16 * KiB })
        const model: Model = { objects: new Map(), ended: [], next: 0 }
        for (const each of sequence) {
          steps[each.call](model, { cxl, allocator }, each as never)
          check(model, { cxl, allocator })
        }
        allocator.destroy()
        expect(cxl.mappings()).toEqual([])
      }),
      { numRuns: Math.ceil(50 / SLOWNESS) },
    )
  })
})
