// resize, and its twin off the main thread: what stays, what is new, what the old buffer becomes.

import { REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { eachBackend } from './each-backend.js'
import { bytesOf, emucxlError, filled, pattern, rangeError, Untouched } from './refusal.js'

const PAGE = 4096

eachBackend(({ open }) => {
  describe.for(['resize', 'resizeAsync'] as const)('%s', (resize) => {
    test.for([
      [100, 50],
      [100, 100],
      [100, 101],
      [100, PAGE],
      [PAGE, PAGE + 1],
      [PAGE + 1, PAGE],
      [5000, 20_000],
      [20_000, 5000],
      [2 ** 20, 3 * 2 ** 20 + 5],
      [3 * 2 ** 20 + 5, 2 ** 20],
      [5 * 2 ** 20, 9 * 2 ** 20],
      [1, 2 ** 22],
    ])('from %i to %i bytes', async ([from = 0, to = 0]) => {
      using cxl = open()
      const old = filled(cxl, from, REMOTE_MEMORY)
      const block = await cxl[resize](old, to)
      expect(old.byteLength).toBe(0)
      expect(block.byteLength).toBe(to)
      const wanted = Buffer.alloc(to)
      wanted.set(pattern(from).subarray(0, Math.min(from, to)))
      expect(Buffer.from(block).equals(wanted)).toBe(true)
      const mapped = Math.ceil(to / PAGE) * PAGE
      expect(cxl.stats(REMOTE_MEMORY)).toMatchObject({ allocated: to, mapped, regions: 1 })
      expect(cxl.mappings()).toMatchObject([{ node: REMOTE_MEMORY, size: to, mapped }])
      expect(cxl.nodeOf(block)).toBe(REMOTE_MEMORY)
      expect(cxl.sizeOf(block)).toBe(to)
    })

    test('what comes back after shrinking is zeros, inside the last page too', async () => {
      using cxl = open()
      const full = filled(cxl, 2 * PAGE, 0)
      const small = await cxl[resize](full, 10)
      const big = await cxl[resize](small, 2 * PAGE)
      expect(bytesOf(big).subarray(0, 10)).toEqual(pattern(2 * PAGE).subarray(0, 10))
      expect(Buffer.from(big, 10).equals(Buffer.alloc(2 * PAGE - 10))).toBe(true)
    })

    test('takes a view of the start', async () => {
      using cxl = open()
      const old = filled(cxl, 100, 0)
      const block = await cxl[resize](new Uint8Array(old, 0, 4), 200)
      expect(old.byteLength).toBe(0)
      expect(bytesOf(block).subarray(0, 100)).toEqual(pattern(100))
    })

    test('takes no view of the middle', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const call = () => cxl[resize](new Uint8Array(block, 16), 200)
      const wanted = rangeError('address must be the start of its block, not byte 16')
      await new Untouched(cxl, block).refuses(call, wanted)
    })

    test('what does not fit leaves the old block whole', async () => {
      using cxl = open({ capacity: { local: 4 * PAGE } })
      const block = filled(cxl, 3 * PAGE, 0)
      const call = () => cxl[resize](block, 4 * PAGE + 1)
      await new Untouched(cxl, block).refuses(call, emucxlError('NO_MEMORY', 'node 0', 'capacity'))
      expect(new Uint8Array(block)[0]).toBe(pattern(1)[0])
    })

    test('needs no room for the old block and the new one together', async () => {
      using cxl = open({ capacity: { local: 4 * PAGE } })
      const block = await cxl[resize](filled(cxl, 3 * PAGE, 0), 4 * PAGE)
      expect(bytesOf(block).subarray(0, 3 * PAGE)).toEqual(pattern(3 * PAGE))
    })

    test('a block can shrink, though its node is over its capacity', async () => {
      using cxl = open({ capacity: { local: 4 * PAGE } })
      const block = filled(cxl, 4 * PAGE, 0)
      cxl.setCapacity(0, PAGE)
      const smaller = await cxl[resize](block, 3 * PAGE)
      expect(cxl.stats(0)).toMatchObject({ mapped: 3 * PAGE, available: 0 })
      const same = await cxl[resize](smaller, 3 * PAGE - 1)
      await new Untouched(cxl, same).refuses(
        () => cxl[resize](same, 3 * PAGE + 1),
        emucxlError('NO_MEMORY'),
      )
    })

    test('keeps the page options', async () => {
      using cxl = open({ lock: true })
      const block = await cxl[resize](filled(cxl, 100, 0), 9000)
      expect(cxl.mappings()).toMatchObject([{ size: 9000, locked: true }])
      expect(bytesOf(block).subarray(0, 100)).toEqual(pattern(100))
    })

    test('of a block from another context keeps it there', async () => {
      using one = open()
      using other = open()
      const block = await other[resize](filled(one, 100, 1), 300)
      expect(one.mappings()).toMatchObject([{ node: 1, size: 300 }])
      expect(other.mappings()).toEqual([])
      expect(bytesOf(block).subarray(0, 100)).toEqual(pattern(100))
    })
  })
})
