// What an allocator of any sizes promises, and what it says of wrong arguments.

import {
  type Emucxl,
  LOCAL_MEMORY,
  NULL_REF,
  REMOTE_MEMORY,
  SlabAllocator,
  SlabCache,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'

const PAGE = 4096
const KiB = 1024

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  test('objects have the size and the node that were asked for', () => {
    using allocator = new SlabAllocator(cxl, { node: REMOTE_MEMORY })
    for (const size of [1, 7, 24, 100, 4096, 32 * KiB, 32 * KiB + 1, 1 << 20]) {
      const ref = allocator.alloc(size)
      expect(allocator.sizeOf(ref)).toBe(size)
      expect(allocator.bytes(ref)).toHaveLength(size)
      expect(allocator.nodeOf(ref)).toBe(REMOTE_MEMORY)
      expect(cxl.nodeOf(allocator.buffer(ref))).toBe(REMOTE_MEMORY)
      expect(allocator.nodeOf(allocator.alloc(size, LOCAL_MEMORY))).toBe(LOCAL_MEMORY)
    }
  })

  test('objects are aligned as C wants it for their size, or as asked for', () => {
    for (const align of [undefined, 64]) {
      using allocator = new SlabAllocator(cxl, align === undefined ? {} : { align })
      for (let size = 1; size < 3000; size++) {
        const ref = allocator.alloc(size)
        const wanted = Math.max(align ?? 1, size & -size)
        if (allocator.offset(ref) % wanted !== 0) expect.unreachable(`${size} bytes`)
      }
    }
  })

  test('what is larger than half a slab has a region of its own, which goes at once', () => {
    using allocator = new SlabAllocator(cxl, { slabBytes: 16 * KiB })
    const small = allocator.alloc(8 * KiB)
    const large = allocator.alloc(8 * KiB + 1)
    expect(cxl.mappings().map(({ size }) => size)).toContain(8 * KiB + 1)
    expect(allocator.offset(large)).toBe(0)
    allocator.free(large)
    expect(cxl.mappings()).toHaveLength(1)
    allocator.free(small)
  })

  test('trim() gives back empty slabs of all sizes', () => {
    using allocator = new SlabAllocator(cxl)
    const refs = [10, 100, 1000, 10_000].map((size) => allocator.alloc(size))
    for (const ref of refs) allocator.free(ref)
    expect(allocator.stats().slabs).toBe(4)
    allocator.trim()
    expect(allocator.stats().slabs).toBe(0)
    expect(cxl.mappings()).toEqual([])
  })

  test('a large object moves in place, a small one to a new ref', () => {
    using allocator = new SlabAllocator(cxl)
    const large = allocator.alloc(100 * KiB)
    const { buffer } = allocator.bytes(large).fill(3)
    expect(allocator.migrate(large, REMOTE_MEMORY)).toBe(large)
    expect(allocator.buffer(large)).toBe(buffer)
    expect(cxl.nodeOf(buffer)).toBe(REMOTE_MEMORY)
    const small = allocator.alloc(100)
    const moved = allocator.migrate(small, REMOTE_MEMORY)
    expect([allocator.has(small), allocator.sizeOf(moved)]).toEqual([false, 100])
  })

  test('zero gives out zeros', () => {
    using allocator = new SlabAllocator(cxl, { zero: true })
    for (const size of [100, 100 * KiB]) {
      const ref = allocator.alloc(size)
      allocator.bytes(ref).fill(7)
      allocator.free(ref)
      expect(allocator.bytes(allocator.alloc(size)).every((byte) => byte === 0)).toBe(true)
    }
  })

  test('stats tell each class of sizes', () => {
    using allocator = new SlabAllocator(cxl)
    for (const size of [100, 98, 8, 40 * KiB]) allocator.alloc(size)
    const { classes, ...all } = allocator.stats()
    expect(all).toMatchObject({ objects: 4, slabs: 4 - 1, bytesRequested: 206 + 40 * KiB })
    expect(
      classes.map(({ objectSize, objects, bytesUsed, bytesRequested }) => [
        ...[objectSize, objects, bytesUsed, bytesRequested],
      ]),
    ).toEqual([
      [8, 1, 8, 8],
      [104, 2, 208, 198],
      [undefined, 1, 40 * KiB, 40 * KiB],
    ])
  })

  test('refs are told apart from stale ones and those of others', async () => {
    using allocator = new SlabAllocator(cxl)
    using other = new SlabAllocator(cxl)
    using cache = new SlabCache(cxl, { objectSize: 8 })
    for (const size of [8, 100 * KiB]) {
      const freed = allocator.alloc(size)
      allocator.free(freed)
      allocator.alloc(size)
      for (const call of [
        'free',
        'bytes',
        'sizeOf',
        'view',
        'buffer',
        'offset',
        'nodeOf',
      ] as const) {
        expectFailure(await failureOf(() => allocator[call](freed)), emucxlError('FREED', 'ref'))
        for (const strange of [other.alloc(size), cache.alloc(), NULL_REF, -1, 0.5, 2 ** 53]) {
          const error = await failureOf(() => allocator[call](strange))
          expectFailure(error, emucxlError('NOT_ALLOCATED', 'ref'))
        }
        for (const bad of ['1', null, undefined, 5n, {}, Symbol('x')]) {
          expectFailure(await failureOf(() => allocator[call](bad as never)), typeError('ref'))
          expect(allocator.has(bad as never)).toBe(false)
        }
      }
    }
    expect(allocator.stats().objects).toBe(2)
  })

  test('no room is an error, and takes nothing', async () => {
    cxl.setCapacity(LOCAL_MEMORY, 64 * KiB)
    using allocator = new SlabAllocator(cxl)
    const failed = async (size: number) =>
      expectFailure(await failureOf(() => allocator.alloc(size)), emucxlError('NO_MEMORY'))
    await failed(65 * KiB)
    await failed(32 * KiB)
    allocator.alloc(8)
    const before = allocator.stats()
    for (const size of [9, 40 * KiB]) await failed(size)
    expect(allocator.stats()).toEqual(before)
  })

  test('empty slabs of one size make room for another', () => {
    cxl.setCapacity(LOCAL_MEMORY, 128 * KiB)
    using allocator = new SlabAllocator(cxl)
    const refs = Array.from({ length: 2048 }, () => allocator.alloc(64))
    for (const ref of refs) allocator.free(ref)
    expect(cxl.stats(LOCAL_MEMORY).mapped).toBe(128 * KiB)
    const other = allocator.alloc(128)
    allocator.free(other)
    expect(allocator.sizeOf(allocator.alloc(100 * KiB))).toBe(100 * KiB)
    expect(allocator.stats()).toMatchObject({ objects: 1, bytesRequested: 100 * KiB })
  })

  test('what was asked for is counted right when compact() frees', () => {
    using allocator = new SlabAllocator(cxl, { slabBytes: 4096 })
    const refs = Array.from({ length: 64 }, () => allocator.alloc(500))
    for (const [i, ref] of refs.entries()) if (i % 4 > 0) allocator.free(ref)
    allocator.compact((from, to) => allocator.free(to % 2 === 0 ? from : to))
    const { objects, bytesRequested } = allocator.stats()
    expect(bytesRequested).toBe(500 * objects)
  })

  describe('what is wrong is named', () => {
    test.for([
      [0, rangeError('size')],
      [-1, rangeError('size')],
      [0.5, rangeError('size')],
      [Number.NaN, rangeError('size')],
      [2 ** 53, rangeError('size')],
      ['8', typeError('size')],
      [8n, typeError('size')],
      [undefined, typeError('size')],
    ] as const)('alloc(%s)', async ([size, wanted]) => {
      using allocator = new SlabAllocator(cxl)
      expectFailure(await failureOf(() => allocator.alloc(size as never)), wanted)
      expect(cxl.mappings()).toEqual([])
    })

    test('alloc(2^53 - 1), which Node.js 22 and later could name', async () => {
      using allocator = new SlabAllocator(cxl)
      const { code } = await failureOf(() => allocator.alloc(2 ** 53 - 1))
      expect(['ERR_OUT_OF_RANGE', 'ERR_EMUCXL_NO_MEMORY']).toContain(code)
      expect(cxl.mappings()).toEqual([])
    })

    test.for([
      [7, emucxlError('BAD_NODE')],
      [-1, emucxlError('BAD_NODE')],
      [Number.NaN, emucxlError('BAD_NODE')],
      ['0', typeError('node')],
      [null, typeError('node')],
    ] as const)('alloc(…, %s)', async ([node, wanted]) => {
      using allocator = new SlabAllocator(cxl)
      for (const size of [8, 100 * KiB]) {
        expectFailure(await failureOf(() => allocator.alloc(size, node as never)), wanted)
      }
      expect(cxl.mappings()).toEqual([])
    })

    test.for([
      [{ slabBytes: 0 }, rangeError('options.slabBytes')],
      [{ slabBytes: 2 ** 31 }, rangeError('options.slabBytes')],
      [{ slabBytes: '1' }, typeError('options.slabBytes')],
      [{ align: 3 }, rangeError('options.align')],
      [{ align: null }, typeError('options.align')],
      [{ zero: 1 }, typeError('options.zero')],
      [{ node: 9 }, emucxlError('BAD_NODE')],
      [null, typeError('options')],
    ] as const)('%j', async ([options, wanted]) => {
      expectFailure(await failureOf(() => new SlabAllocator(cxl, options as never)), wanted)
    })
  })

  test('destroy gives everything back, once', async () => {
    const allocator = new SlabAllocator(cxl)
    const refs = [8, 100, 100 * KiB].map((size) => allocator.alloc(size))
    allocator.destroy()
    allocator.destroy()
    expect(cxl.mappings()).toEqual([])
    for (const ref of refs) {
      expect(allocator.has(ref)).toBe(false)
      expectFailure(await failureOf(() => allocator.free(ref)), emucxlError('CLOSED', 'destroyed'))
    }
    for (const size of [8, 100 * KiB]) {
      expectFailure(await failureOf(() => allocator.alloc(size)), emucxlError('CLOSED'))
    }
  })

  test('after the context is closed, refs name nothing', async () => {
    const other = open()
    const allocator = new SlabAllocator(other)
    for (const size of [8, 100 * KiB]) allocator.alloc(size)
    const refs = [8, 100 * KiB].map((size) => allocator.alloc(size))
    other.close()
    for (const ref of refs) {
      expect(allocator.has(ref)).toBe(false)
      for (const call of ['free', 'bytes', 'sizeOf', 'view', 'nodeOf'] as const) {
        const error = await failureOf(() => allocator[call](ref))
        expectFailure(error, emucxlError('CLOSED', 'context'))
      }
    }
    for (const size of [8, 9, 100 * KiB]) {
      expectFailure(await failureOf(() => allocator.alloc(size)), emucxlError('CLOSED', 'context'))
    }
    allocator.destroy()
  })

  test('a region that the user freed harms nobody', () => {
    using allocator = new SlabAllocator(cxl)
    const ref = allocator.alloc(100 * KiB)
    cxl.free(allocator.buffer(ref))
    allocator.free(ref)
    expect(allocator.stats().objects).toBe(0)
    expect(allocator.has(allocator.alloc(PAGE))).toBe(true)
  })
})
