// migrate, and its twin off the main thread: the same buffer, the same contents, another node.

import { LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { readTopology } from '../../dist/lib/memory/topology.js'
import { eachBackend } from './each-backend.js'
import {
  accounts,
  emucxlError,
  expectBytes,
  filled,
  pattern,
  rangeError,
  Untouched,
} from './refusal.js'

const PAGE = 4096
const first = readTopology()[0]?.id ?? 0

eachBackend(({ name, open }) => {
  describe.for(['migrate', 'migrateAsync'] as const)('%s', (migrate) => {
    test('there and back: buffer, views and contents stay', async () => {
      using cxl = open()
      const block = filled(cxl, 50_000, LOCAL_MEMORY)
      const view = new Uint8Array(block, 100, 50)
      for (const node of [REMOTE_MEMORY, LOCAL_MEMORY, REMOTE_MEMORY]) {
        const { moved, failed, untouched } = await cxl[migrate](block, node)
        expect(moved + failed + untouched).toBe(13)
        expect(failed).toBe(0)
        expect(block.byteLength).toBe(50_000)
        expectBytes(block, pattern(50_000))
        expect(view[0]).toBe(pattern(101)[100])
        expect(cxl.nodeOf(block)).toBe(node)
        expect(cxl.nodeOf(view)).toBe(node)
        expect(cxl.isLocal(block)).toBe(node === LOCAL_MEMORY)
        expect(cxl.mappings()).toMatchObject([{ node, size: 50_000 }])
      }
    })

    test('pages that were never written are counted apart', async () => {
      using cxl = open()
      const block = cxl.alloc(4 * PAGE, LOCAL_MEMORY)
      new Uint8Array(block).fill(1, 0, PAGE)
      const result = await cxl[migrate](block, REMOTE_MEMORY)
      expect(result).toEqual(
        name === 'numa'
          ? { moved: 1, failed: 0, untouched: 3 }
          : { moved: 4, failed: 0, untouched: 0 },
      )
    })

    test('the accounts move with it', async () => {
      using cxl = open({ capacity: { local: 8 * PAGE, remote: 8 * PAGE } })
      const block = filled(cxl, PAGE + 5, LOCAL_MEMORY)
      await cxl[migrate](block, REMOTE_MEMORY)
      expect(accounts(cxl).stats).toMatchObject([
        { allocated: 0, mapped: 0, available: 8 * PAGE, regions: 0 },
        { allocated: PAGE + 5, mapped: 2 * PAGE, available: 6 * PAGE, regions: 1 },
      ])
    })

    test('to the node where it is needs no room', async () => {
      using cxl = open({ capacity: { remote: PAGE } })
      const block = filled(cxl, PAGE, REMOTE_MEMORY)
      cxl.setCapacity(REMOTE_MEMORY, 0)
      const { moved, failed } = await cxl[migrate](block, REMOTE_MEMORY)
      expect([moved, failed]).toEqual([name === 'emulated' ? 0 : 1, 0])
      expectBytes(block, pattern(PAGE))
    })

    test('to a node without room: all stays where it is', async () => {
      using cxl = open({ capacity: { remote: PAGE } })
      const block = filled(cxl, PAGE + 1, LOCAL_MEMORY)
      const wanted = emucxlError('NO_MEMORY', 'node 1 has 4096 of 4096', '8192 are needed')
      await new Untouched(cxl, block).refuses(() => cxl[migrate](block, REMOTE_MEMORY), wanted)
      expect(cxl.nodeOf(block)).toBe(LOCAL_MEMORY)
    })

    test('among several remote nodes', async () => {
      using cxl = open({ local: first, remote: [first, first, first] })
      const block = filled(cxl, 100, 0)
      for (const node of [3, 1, 2, 0]) {
        await cxl[migrate](block, node)
        expect(cxl.nodeOf(block)).toBe(node)
        expect(accounts(cxl).stats.map(({ regions }) => regions)).toEqual(
          [0, 1, 2, 3].map((n) => (n === node ? 1 : 0)),
        )
      }
    })

    test('takes a view of the start, whatever the view says of itself', async () => {
      using cxl = open()
      const block = filled(cxl, 100, LOCAL_MEMORY)
      const other = filled(cxl, 100, LOCAL_MEMORY)
      const view = new Uint8Array(block, 0, 10)
      Object.defineProperty(view, 'buffer', { value: other })
      await cxl[migrate](view, REMOTE_MEMORY)
      expect([cxl.nodeOf(block), cxl.nodeOf(other)]).toEqual([REMOTE_MEMORY, LOCAL_MEMORY])
      await cxl[migrate](new DataView(other), REMOTE_MEMORY)
      expect([cxl.nodeOf(block), cxl.nodeOf(other)]).toEqual([REMOTE_MEMORY, REMOTE_MEMORY])
    })

    test('takes no view of the middle', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const call = () => cxl[migrate](new Uint8Array(block, 1), REMOTE_MEMORY)
      await new Untouched(cxl, block).refuses(call, rangeError('address must be the start'))
    })

    test('a block of another context goes to the node of its own', async () => {
      using one = open({ local: first, remote: [first] })
      using other = open({ local: first, remote: [first, first] })
      const block = filled(one, 100, 0)
      await other[migrate](block, 1)
      expect(one.mappings()).toMatchObject([{ node: 1 }])
      const untouched = new Untouched(one, block)
      await untouched.refuses(() => other[migrate](block, 2), emucxlError('BAD_NODE', 'node 2'))
    })
  })

  test('a freed range keeps no node of its former block', async () => {
    using cxl = open()
    for (let round = 0; round < 100; round++) {
      const block = filled(cxl, PAGE, round % 2)
      cxl.migrate(block, (round + 1) % 2)
      if (round % 3 === 0) cxl.free(cxl.resize(block, 2 * PAGE))
      else cxl.free(block)
      const next = cxl.alloc(PAGE, round % 2)
      expect(cxl.nodeOf(next)).toBe(round % 2)
      new Uint8Array(next)[0] = 1
      const { numaNode } = cxl.nodes[round % 2] ?? { numaNode: -1 }
      if (name === 'numa') expect(cxl.where(next).nodes).toEqual({ [numaNode]: 1 })
      cxl.free(next)
      if (round % 10 === 0) await new Promise(setImmediate)
    }
  })
})
