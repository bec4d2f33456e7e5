// isLocal, nodeOf, sizeOf, where, stats and mappings, for every kind of address.

import { LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { keep } from './collect.js'
import { eachBackend } from './each-backend.js'
import { emucxlError, expectFailure, failureOf, typeError } from './refusal.js'

const PAGE = 4096
const SIZE = 5000

const Float16 = (globalThis as { Float16Array?: Uint16ArrayConstructor }).Float16Array

const VIEWS: [string, (block: ArrayBuffer) => ArrayBufferLike | ArrayBufferView][] = [
  ['the buffer', (block) => block],
  ['a Uint8Array', (block) => new Uint8Array(block)],
  ['a Uint8Array of its end', (block) => new Uint8Array(block, SIZE - 1)],
  ['an empty view of its middle', (block) => new Uint8Array(block, 100, 0)],
  ['an empty view of its end', (block) => new Uint8Array(block, SIZE)],
  ['a Float64Array', (block) => new Float64Array(block, 8, 3)],
  ['a BigInt64Array', (block) => new BigInt64Array(block, 16)],
  ['a Uint8ClampedArray', (block) => new Uint8ClampedArray(block, 3)],
  ['a DataView', (block) => new DataView(block, 7)],
  ['a Buffer', (block) => Buffer.from(block, 9, 10)],
  ['a view of a view', (block) => new Uint8Array(block).subarray(10).subarray(10, 20)],
  ['a frozen DataView', (block) => Object.freeze(new DataView(block))],
  ['a view of another prototype', (block) => Object.setPrototypeOf(new Uint8Array(block), null)],
  ['a buffer of another prototype', (block) => Object.setPrototypeOf(block, null)],
  [
    'a view of a subclass',
    (block) => new (class Sub extends Uint8Array<ArrayBuffer> {})(block, 5, 5),
  ],
  [
    'a buffer with a length of its own',
    (block) => {
      Object.defineProperty(block, 'byteLength', { value: 0 })
      return block
    },
  ],
]
if (Float16 !== undefined) VIEWS.push(['a Float16Array', (block) => new Float16(block, 2, 7)])

eachBackend(({ name, open, eager }) => {
  test.for(VIEWS)('by %s', async ([, address]) => {
    using cxl = open()
    cxl.alloc(SIZE, LOCAL_MEMORY)
    const block = cxl.alloc(SIZE, REMOTE_MEMORY)
    const view = address(block)
    expect(cxl.sizeOf(view)).toBe(SIZE)
    expect(cxl.nodeOf(view)).toBe(REMOTE_MEMORY)
    expect(cxl.isLocal(view)).toBe(false)
    const { numaNode } = cxl.nodes[REMOTE_MEMORY] ?? { numaNode: -1 }
    const found = eager ? { nodes: { [numaNode]: 2 }, untouched: 0 } : { nodes: {}, untouched: 2 }
    expect(cxl.where(view)).toEqual({ pageSize: PAGE, ...found })
    expect(await cxl.whereAsync(view)).toEqual(cxl.where(view))
  })

  test('where follows what is written', async () => {
    using cxl = open()
    const block = cxl.alloc(3 * PAGE, REMOTE_MEMORY)
    const { numaNode } = cxl.nodes[REMOTE_MEMORY] ?? { numaNode: -1 }
    for (const pages of [1, 2, 3]) {
      new Uint8Array(block)[(pages - 1) * PAGE] = 1
      const found = cxl.where(block)
      const there = eager ? 3 : pages
      expect(Object.values(found.nodes).reduce((sum, n) => sum + n, 0)).toBe(there)
      expect(found.untouched).toBe(3 - there)
      if (name === 'numa' || eager) expect(Object.keys(found.nodes)).toEqual([String(numaNode)])
      expect(await cxl.whereAsync(block)).toEqual(found)
    }
  })

  test('where of more pages than one call of the kernel tells', async () => {
    using cxl = open()
    const block = cxl.alloc(5000 * PAGE, REMOTE_MEMORY)
    const bytes = new Uint8Array(block)
    for (let page = 0; page < 5000; page += 2) bytes[page * PAGE] = 1
    const { nodes, untouched } = cxl.where(block)
    const there = eager ? 5000 : 2500
    expect(Object.values(nodes).reduce((sum, n) => sum + n, 0)).toBe(there)
    expect(untouched).toBe(5000 - there)
    expect(await cxl.whereAsync(block)).toEqual(cxl.where(block))
  })

  test('stats count what waits and what is reserved apart from what lives', async () => {
    using cxl = open()
    const { numaNode } = cxl.nodes[1] ?? { numaNode: -1 }
    expect(cxl.stats(1)).toMatchObject({ node: 1, numaNode, allocated: 0, regions: 0 })
    for (let i = 0; i < 10; i++) cxl.free(cxl.alloc(PAGE, 1))
    const { pending, reserved, idle } = cxl.stats(1)
    expect(pending.ranges + idle.ranges).toBe(10)
    expect(pending.bytes + idle.bytes).toBe(10 * PAGE)
    expect(reserved).toEqual({ ranges: 0, bytes: 0 })
  })

  test('mappings are rows of all nodes', () => {
    using cxl = open()
    expect(cxl.mappings()).toEqual([])
    keep(cxl.alloc(1, 0))
    keep(cxl.alloc(PAGE + 1, 1, { shared: true }))
    const rows = cxl.mappings().sort((a, b) => a.node - b.node)
    const common = { pageSize: PAGE, hugePages: 'off', locked: false }
    expect(rows).toEqual([
      {
        ...common,
        node: 0,
        numaNode: cxl.nodes[0]?.numaNode,
        size: 1,
        mapped: PAGE,
        shared: false,
      },
      {
        ...common,
        node: 1,
        numaNode: cxl.nodes[1]?.numaNode,
        size: PAGE + 1,
        mapped: 2 * PAGE,
        shared: true,
      },
    ])
  })

  test('stats of many blocks are sums', () => {
    using cxl = open()
    let sum = 0
    for (let size = 1; size <= 1000; size++) {
      keep(cxl.alloc(size, size % 2))
      sum += size
    }
    expect(cxl.stats(0).allocated + cxl.stats(1).allocated).toBe(sum)
    expect(cxl.mappings()).toHaveLength(1000)
  })

  describe('refused', () => {
    test.for([
      [2, emucxlError('BAD_NODE', 'node: this context has the nodes 0 (local', 'not 2')],
      [-1, emucxlError('BAD_NODE', 'not -1')],
      [0.5, emucxlError('BAD_NODE', 'not 0.5')],
      [Number.NaN, emucxlError('BAD_NODE', 'not NaN')],
      ['0', typeError("node must be the number of a node, not '0'")],
      [null, typeError('node must be the number of a node, not null')],
      [undefined, typeError('node must be the number of a node, not undefined')],
      [0n, typeError('node')],
    ] as const)('node %s', async ([node, wanted]) => {
      using cxl = open()
      const n = node as number
      const block = cxl.alloc(1, 0)
      for (const call of [
        () => cxl.stats(n),
        () => cxl.setCapacity(n, 1),
        () => cxl.alloc(1, n),
        () => cxl.allocAsync(1, n),
        () => cxl.migrate(block, n),
        () => cxl.migrateAsync(block, n),
      ]) {
        expectFailure(await failureOf(call), wanted)
      }
    })
  })
})
