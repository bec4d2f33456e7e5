// alloc and free, and their twins off the main thread: sizes, contents, capacities, accounts, and the
// buffers afterwards.

import { setImmediate as turn } from 'node:timers/promises'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { collector, keep } from './collect.js'
import { eachBackend } from './each-backend.js'
import {
  accounts,
  emucxlError,
  expectBytes,
  expectFailure,
  failureOf,
  filled,
  pattern,
  rangeError,
  Untouched,
} from './refusal.js'

const PAGE = 4096

eachBackend(({ open }) => {
  describe.for([
    ['alloc', (cxl: Emucxl, size: number, node: number) => cxl.alloc(size, node)],
    ['allocAsync', (cxl: Emucxl, size: number, node: number) => cxl.allocAsync(size, node)],
  ] as const)('%s', ([, alloc]) => {
    test.for([1, 7, PAGE - 1, PAGE, PAGE + 1, 100_000, 2 ** 22, 2 ** 22 + 1, 5 * 2 ** 20])(
      '%i bytes are zeros, and can be written',
      async (size) => {
        using cxl = open()
        const block = await alloc(cxl, size, REMOTE_MEMORY)
        expect(block).toBeInstanceOf(ArrayBuffer)
        expect(block.byteLength).toBe(size)
        expectBytes(block, new Uint8Array(size))
        const bytes = pattern(size)
        new Uint8Array(block).set(bytes)
        expectBytes(block, bytes)
      },
    )

    test('books the size and whole pages on the node', async () => {
      using cxl = open({ capacity: { local: 10 * PAGE, remote: 20 * PAGE } })
      keep(await alloc(cxl, PAGE + 1, LOCAL_MEMORY))
      keep(await alloc(cxl, 3, REMOTE_MEMORY))
      keep(await alloc(cxl, 5, REMOTE_MEMORY))
      const { stats, mappings } = accounts(cxl)
      expect(stats).toEqual([
        {
          allocated: PAGE + 1,
          mapped: 2 * PAGE,
          capacity: 10 * PAGE,
          available: 8 * PAGE,
          regions: 1,
        },
        {
          allocated: 8,
          mapped: 2 * PAGE,
          capacity: 20 * PAGE,
          available: 18 * PAGE,
          regions: 2,
        },
      ])
      expect(mappings.map(({ node, size, mapped }) => [node, size, mapped])).toEqual([
        [0, PAGE + 1, 2 * PAGE],
        [1, 3, PAGE],
        [1, 5, PAGE],
      ])
    })

    test('fills a node to its last page, and not beyond', async () => {
      using cxl = open({ capacity: { local: 3 * PAGE, remote: 0 } })
      const blocks = [await alloc(cxl, 2 * PAGE, 0), await alloc(cxl, 1, 0)]
      const untouched = new Untouched(cxl, ...blocks)
      const wanted = emucxlError('NO_MEMORY', 'node 0 has 0 of 12288 bytes', 'raise its capacity')
      await untouched.refuses(() => alloc(cxl, 1, 0), wanted)
      await untouched.refuses(() => alloc(cxl, 1, 1), emucxlError('NO_MEMORY', 'node 1'))
      cxl.free(blocks[1] as ArrayBuffer)
      expect((await alloc(cxl, PAGE, 0)).byteLength).toBe(PAGE)
    })

    test('a size past every range of addresses is refused', async () => {
      using cxl = open({ capacity: { local: 2 ** 53 - 1 } })
      const untouched = new Untouched(cxl, filled(cxl, 100, 0))
      const short = Number(process.versions.node.split('.')[0]) < 22
      for (const size of [2 ** 48, 2 ** 53 - 1]) {
        const wanted = short ? rangeError('size', '4294967296') : emucxlError('NO_MEMORY')
        await untouched.refuses(() => alloc(cxl, size, 0), wanted)
      }
    })
  })

  test('memory that was used before is zeros again', async () => {
    using cxl = open()
    for (let round = 0; round < 20; round++) {
      const blocks = [1, 2, 3].map((pages) => cxl.alloc(pages * PAGE, round % 2))
      for (const block of blocks) {
        expect(Buffer.from(block).equals(Buffer.alloc(block.byteLength))).toBe(true)
        new Uint8Array(block).fill(round + 1)
      }
      for (const block of blocks) cxl.free(block)
      if (round % 3 === 0) await turn()
    }
  })

  describe('free', () => {
    test('detaches the buffer, and every view of it', () => {
      using cxl = open()
      const block = filled(cxl, 5000, 1)
      const bytes = new Uint8Array(block, 8, 100)
      const data = new DataView(block)
      cxl.free(block)
      expect(block.byteLength).toBe(0)
      expect(bytes.length).toBe(0)
      expect(bytes[0]).toBeUndefined()
      expect(() => data.getInt8(0)).toThrow(TypeError)
      bytes[0] = 1 // nothing happens
      expect(accounts(cxl)).toMatchObject({ stats: [{ regions: 0 }, { regions: 0 }], mappings: [] })
      expect(cxl.stats(1)).toMatchObject({ allocated: 0, mapped: 0 })
    })

    test('twice says that there is no memory any more', async () => {
      using cxl = open()
      const block = cxl.alloc(10, 0)
      const view = new Uint8Array(block)
      cxl.free(block)
      for (const call of [
        () => cxl.free(block),
        () => cxl.freeAsync(block),
        () => cxl.free(view),
        () => cxl.freeAsync(view),
      ]) {
        expectFailure(await failureOf(call), emucxlError('DETACHED', 'address', 'freed'))
      }
    })

    test.for([
      ['the buffer', (block: ArrayBuffer) => block],
      ['a whole view', (block: ArrayBuffer) => new Float64Array(block)],
      ['a short view of its start', (block: ArrayBuffer) => new Uint8Array(block, 0, 3)],
      ['an empty view of its start', (block: ArrayBuffer) => new Uint8Array(block, 0, 0)],
      ['a DataView', (block: ArrayBuffer) => new DataView(block)],
      ['a Buffer', (block: ArrayBuffer) => Buffer.from(block)],
    ] as const)('takes %s', async ([, address]) => {
      using cxl = open()
      const blocks = [cxl.alloc(64, 0), cxl.alloc(64, 0)] as const
      cxl.free(address(blocks[0]))
      await cxl.freeAsync(address(blocks[1]))
      expect(blocks.map(({ byteLength }) => byteLength)).toEqual([0, 0])
      expect(cxl.stats(0).regions).toBe(0)
    })

    test('takes no view that starts inside the block', async () => {
      using cxl = open()
      const block = filled(cxl, 64, 0)
      const untouched = new Untouched(cxl, block)
      const wanted = rangeError('address must be the start of its block, not byte 8')
      await untouched.refuses(() => cxl.free(new Uint8Array(block, 8)), wanted)
      await untouched.refuses(() => cxl.freeAsync(new DataView(block, 8, 0)), wanted)
    })

    test('gives memory back at once, also off the main thread', async () => {
      using cxl = open({ capacity: { local: 2 ** 26 } })
      for (const free of ['free', 'freeAsync'] as const) {
        const block = cxl.alloc(2 ** 26, 0)
        const freed = cxl[free](block)
        expect(block.byteLength).toBe(0)
        expect(cxl.stats(0)).toMatchObject({ allocated: 0, available: 2 ** 26 })
        await freed
      }
    })

    test('of a block from another open context books it where it belongs', () => {
      using one = open()
      using other = open()
      const block = one.alloc(100, 1)
      other.free(block)
      expect(block.byteLength).toBe(0)
      expect(one.stats(1).allocated).toBe(0)
    })
  })

  test('a block dropped without free leaves the accounts when it is collected', async ({
    skip,
  }) => {
    const collect = collector()
    if (collect === undefined) return skip('this engine cannot be told to collect')
    using cxl = open()
    ;(() => {
      for (let i = 0; i < 50; i++) filled(cxl, 100, 1)
    })()
    await collect(() => cxl.stats(1).regions === 0)
    expect(cxl.stats(1)).toMatchObject({ allocated: 0, mapped: 0, regions: 0 })
  })

  test('setCapacity acts at once, and leaves what is mapped', async () => {
    using cxl = open({ capacity: { local: 4 * PAGE } })
    const block = filled(cxl, 3 * PAGE, 0)
    cxl.setCapacity(0, PAGE)
    expect(cxl.stats(0)).toMatchObject({ capacity: PAGE, mapped: 3 * PAGE, available: 0 })
    await new Untouched(cxl, block).refuses(() => cxl.alloc(1, 0), emucxlError('NO_MEMORY'))
    cxl.setCapacity(0, 5 * PAGE)
    expect(cxl.stats(0).available).toBe(2 * PAGE)
    expect(cxl.alloc(2 * PAGE, 0).byteLength).toBe(2 * PAGE)
  })
})

test('a terabyte of addresses, where the Node.js has such buffers', ({ skip }) => {
  if (Number(process.versions.node.split('.')[0]) < 22) return skip('Node.js 20 ends at 4 GiB')
  using cxl = Emucxl.open({ backend: 'emulated', capacity: { remote: 2 ** 42 } })
  const block = cxl.alloc(2 ** 40, REMOTE_MEMORY)
  const last = new Uint8Array(block, 2 ** 40 - 1)
  last[0] = 5
  expect(last[0]).toBe(5)
  expect(cxl.sizeOf(last)).toBe(2 ** 40)
  cxl.free(block)
  expect(cxl.stats(REMOTE_MEMORY).available).toBe(2 ** 42)
})
