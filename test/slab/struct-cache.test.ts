// Structs in slabs: what their accessors promise, and what they say of wrong refs and values.

import {
  array,
  bigint64,
  type Emucxl,
  float64,
  LOCAL_MEMORY,
  NULL_REF,
  REMOTE_MEMORY,
  ref,
  StructCache,
  struct,
  uint32,
  utf8,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'
import { forbidCompiling } from './forbid-compiling.js'

const Point = struct({
  id: uint32,
  x: float64,
  name: utf8(12),
  pos: struct({ left: float64, tags: array(uint32, 3) }),
  big: bigint64,
  next: ref,
})

const value = (id: number) => ({
  id,
  x: id / 2,
  name: `point ${id % 1000}`,
  pos: { left: -id, tags: [id, id + 1, id + 2] },
  big: BigInt(id) ** 3n,
  next: NULL_REF,
})

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => {
    vi.unstubAllGlobals()
    cxl.close()
  })

  test.each([true, false])('keeps thousands apart (compiled: %s)', (compiled) => {
    if (!compiled) forbidCompiling()
    using points = new StructCache(cxl, Point, { node: REMOTE_MEMORY })
    const refs = Array.from({ length: 3000 }, (_, i) => points.create(value(i)))
    for (let i = 0; i < refs.length; i += 3) points.free(refs[i] as number)
    for (let i = 0; i < refs.length; i += 3) refs[i] = points.create(value(i))
    for (const [i, each] of refs.entries()) {
      expect(points.nodeOf(each)).toBe(REMOTE_MEMORY)
      expect(points.load(each)).toEqual(value(i))
      expect(points.get.id(each)).toBe(i)
      expect(points.get.pos.tags.at(each, 1)).toBe(i + 1)
      points.set.pos.tags.at(each, 1, 7)
      points.set.next(each, refs[0] as number)
    }
    expect(points.load(refs[5] as number)).toEqual({
      ...value(5),
      pos: { left: -5, tags: [5, 7, 7] },
      next: refs[0],
    })
    expect(cxl.stats(LOCAL_MEMORY).mapped).toBe(0)
  })

  test('gives out zeros: a null ref, not what the last struct had', () => {
    using points = new StructCache(cxl, Point)
    const first = points.create({ ...value(9), next: 5 })
    points.free(first)
    const second = points.alloc()
    expect(points.load(second)).toEqual({
      ...{ id: 0, x: 0, name: '', pos: { left: 0, tags: [0, 0, 0] }, big: 0n, next: NULL_REF },
    })
    using same = new StructCache(cxl, Point, { zero: undefined } as never)
    same.free(same.create(value(9)))
    expect(same.get.id(same.alloc())).toBe(0)
    using raw = new StructCache(cxl, Point, { zero: false })
    const old = raw.create(value(9))
    raw.free(old)
    expect(raw.get.id(raw.alloc())).toBe(9)
  })

  test('what it reads is what the bytes of the object are', () => {
    using points = new StructCache(cxl, Point)
    points.alloc()
    const each = points.create(value(77))
    const view = points.view(each)
    expect(Point.load(view, points.offset(each))).toEqual(value(77))
    expect(points.bytes(each)).toHaveLength(Point.size)
    expect(points.offset(each) % Point.align).toBe(0)
  })

  test('fields are read after a struct, or its slab, has moved', () => {
    using points = new StructCache(cxl, Point)
    const [one, two] = [points.create(value(1)), points.create(value(2))]
    const moved = points.migrate(one, REMOTE_MEMORY)
    points.migrateSlab(two, REMOTE_MEMORY)
    expect([points.load(moved), points.load(two)]).toEqual([value(1), value(2)])
  })

  describe('what is wrong is named', () => {
    test('refs', async () => {
      using points = new StructCache(cxl, Point)
      using others = new StructCache(cxl, Point)
      const freed = points.create(value(1))
      points.free(freed)
      const live = points.create(value(2))
      const calls = [
        (r: never) => points.get.x(r),
        (r: never) => points.set.x(r, 1),
        (r: never) => points.get.pos.tags.at(r, 1),
        (r: never) => points.load(r),
        (r: never) => points.store(r, value(3)),
        (r: never) => points.free(r),
      ]
      for (const call of calls) {
        const failure = (r: unknown) => failureOf(() => call(r as never))
        expectFailure(await failure(freed), emucxlError('FREED', 'ref'))
        for (const strange of [others.create(value(1)), NULL_REF, -1, 0.5, -live, 2 ** 53]) {
          expectFailure(await failure(strange), emucxlError('NOT_ALLOCATED', 'ref'))
        }
        for (const bad of ['1', String(live), null, undefined, 5n, {}, Symbol('x')]) {
          expectFailure(await failure(bad), typeError('ref'))
        }
      }
      expect(points.load(live)).toEqual(value(2))
    })

    test('values', async () => {
      using points = new StructCache(cxl, Point)
      const each = points.create(value(1))
      const failure = (call: () => unknown) => failureOf(call)
      expectFailure(await failure(() => points.set.id(each, -1)), rangeError('value'))
      expectFailure(await failure(() => points.set.big(each, 1 as never)), typeError('value'))
      expectFailure(await failure(() => points.set.name(each, 'x'.repeat(13))), rangeError('value'))
      expectFailure(
        await failure(() => points.set.pos(each, { left: 1, tags: [1] })),
        rangeError('value.tags.length'),
      )
      const wrong = { ...value(2), pos: { left: 0, tags: [1, 2, -3] } }
      const said = rangeError('value.pos.tags[2]')
      expectFailure(await failure(() => points.store(each, wrong)), said)
      const before = points.stats()
      expectFailure(await failure(() => points.create(wrong)), said)
      expect(points.stats()).toEqual(before)
      expect(points.load(each)).toEqual(value(1))
    })

    test('arguments', async () => {
      const failure = (...args: unknown[]) =>
        failureOf(() => Reflect.construct(StructCache, [cxl, ...args]))
      expectFailure(await failure({ id: uint32 }), typeError('type', 'struct()'))
      expectFailure(await failure(Point, null), typeError('options'))
      expectFailure(await failure(Point, { node: 9 }), emucxlError('BAD_NODE'))
      expectFailure(await failure(Point, { align: 3 }), rangeError('options.align'))
    })
  })

  test('a value whose getter frees the struct is written nowhere', async () => {
    using points = new StructCache(cxl, Point)
    const [one, two] = [points.create(value(1)), points.create(value(2))]
    const meddling = {
      ...value(3),
      get name() {
        if (points.has(one)) points.free(one)
        return 'meddling'
      },
    }
    expectFailure(await failureOf(() => points.store(one, meddling)), emucxlError('FREED', 'ref'))
    expect(points.load(two)).toEqual(value(2))
    expect(points.get.id(points.create(value(4)))).toBe(4)
  })

  test('after the context is closed, refs name nothing', async () => {
    const other = open()
    const points = new StructCache(other, Point)
    const each = points.create(value(1))
    other.close()
    const calls = [
      () => points.get.x(each),
      () => points.set.x(each, 1),
      () => points.load(each),
      () => points.create(value(1)),
    ]
    for (const call of calls) expectFailure(await failureOf(call), emucxlError('CLOSED', 'context'))
  })

  test('after destroy, refs name nothing', async () => {
    const points = new StructCache(cxl, Point)
    const each = points.create(value(1))
    points.destroy()
    expectFailure(await failureOf(() => points.get.x(each)), emucxlError('CLOSED', 'destroyed'))
    expectFailure(await failureOf(() => points.create(value(1))), emucxlError('CLOSED'))
  })
})
