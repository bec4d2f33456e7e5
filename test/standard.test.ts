// The fifteen functions of the first paper's Table II, on the default context.

import {
  type Address,
  type Bytes,
  Emucxl,
  emucxl_alloc,
  emucxl_exit,
  emucxl_free,
  emucxl_get_numa_node,
  emucxl_get_size,
  emucxl_init,
  emucxl_is_local,
  emucxl_memcpy,
  emucxl_memmove,
  emucxl_memset,
  emucxl_migrate,
  emucxl_read,
  emucxl_resize,
  emucxl_stats,
  emucxl_write,
  LOCAL_MEMORY,
  REMOTE_MEMORY,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from './memory/each-backend.js'
import {
  emucxlError,
  expectBytes,
  expectFailure,
  failureOf,
  pattern,
  rangeError,
  typeError,
  type Wanted,
} from './memory/refusal.js'

/** Each function, over a block that may be bad. */
const FUNCTIONS: Record<string, (address: Address) => unknown> = {
  emucxl_free: (address) => emucxl_free(address),
  'emucxl_free of a size': (address) => emucxl_free(address, 100),
  emucxl_resize: (address) => emucxl_resize(address, 10),
  emucxl_migrate: (address) => emucxl_migrate(address, LOCAL_MEMORY),
  emucxl_is_local: (address) => emucxl_is_local(address),
  emucxl_get_numa_node: (address) => emucxl_get_numa_node(address),
  emucxl_get_size: (address) => emucxl_get_size(address),
  emucxl_read: (address) => emucxl_read(address, 0, new Uint8Array(1), 1),
  emucxl_write: (address) => emucxl_write(new Uint8Array(1), 0, address, 1),
  emucxl_memset: (address) => emucxl_memset(address, 0, 1),
  'emucxl_memcpy to': (address) => emucxl_memcpy(address, emucxl_alloc(1, 0), 1),
  'emucxl_memcpy from': (address) => emucxl_memcpy(emucxl_alloc(1, 0), address, 1),
  'emucxl_memmove to': (address) => emucxl_memmove(address, emucxl_alloc(1, 0), 1),
  'emucxl_memmove from': (address) => emucxl_memmove(emucxl_alloc(1, 0), address, 1),
}

afterEach(() => emucxl_exit())

describe('before emucxl_init, and after emucxl_exit', () => {
  const calls: Record<string, (address: Address) => unknown> = {
    ...FUNCTIONS,
    emucxl_alloc: () => emucxl_alloc(1, 0),
    emucxl_stats: () => emucxl_stats(0),
  }
  const wanted = emucxlError('CLOSED', 'not initialized', 'call emucxl_init first')

  test.for(Object.entries(calls))('%s is refused', async ([, call]) => {
    const block = new ArrayBuffer(100)
    expectFailure(await failureOf(() => call(block)), wanted)
    emucxl_init({ backend: 'emulated' })
    emucxl_exit()
    expectFailure(await failureOf(() => call(block)), wanted)
  })

  test('emucxl_exit does nothing', () => {
    emucxl_exit()
    emucxl_exit()
  })
})

describe('emucxl_init', () => {
  test('twice is refused; after emucxl_exit it opens anew', async () => {
    emucxl_init({ backend: 'emulated' })
    const block = emucxl_alloc(10, 0)
    expectFailure(
      await failureOf(() => emucxl_init({ backend: 'emulated' })),
      emucxlError('OPEN', 'call emucxl_exit first'),
    )
    expect(emucxl_get_size(block)).toBe(10)
    emucxl_exit()
    expect(block.byteLength).toBe(0)
    emucxl_init({ backend: 'emulated' })
    expect(emucxl_stats(0)).toBe(0)
  })

  test('that fails leaves nothing open', async () => {
    const call = () => emucxl_init({ backend: 'device', devicePath: '/nowhere' })
    expectFailure(await failureOf(call), emucxlError('BACKEND_UNAVAILABLE', '/nowhere'))
    expectFailure(await failureOf(() => emucxl_alloc(1, 0)), emucxlError('CLOSED'))
    emucxl_init({ backend: 'emulated' })
  })

  test('with options that are wrong is refused as open is', async () => {
    const call = () => emucxl_init(5 as never)
    expectFailure(await failureOf(call), typeError('options must be an object, not 5'))
  })
})

eachBackend(({ options, open }) => {
  beforeEach(() => emucxl_init({ ...options, capacity: { local: 2 ** 20, remote: 2 ** 20 } }))

  const filled = (size: number, node: number): ArrayBuffer => {
    const block = emucxl_alloc(size, node)
    new Uint8Array(block).set(pattern(size))
    return block
  }

  test('emucxl_alloc, emucxl_get_size, emucxl_is_local, emucxl_get_numa_node, emucxl_stats', () => {
    const [near, far] = [emucxl_alloc(100, LOCAL_MEMORY), emucxl_alloc(5000, REMOTE_MEMORY)]
    expectBytes(near, new Uint8Array(100))
    expectBytes(far, new Uint8Array(5000))
    expect([near, far].map(emucxl_get_size)).toEqual([100, 5000])
    expect([near, far].map(emucxl_is_local)).toEqual([true, false])
    expect([near, far].map(emucxl_get_numa_node)).toEqual([0, 1])
    expect([0, 1].map(emucxl_stats)).toEqual([100, 5000])
  })

  test('emucxl_free, with the size and without', async () => {
    const [one, two, three] = [filled(100, 0), filled(200, 0), filled(300, 0)]
    emucxl_free(one)
    emucxl_free(two, 200)
    const wrong = rangeError('size must be the size of the block, 300, not 299')
    expectFailure(await failureOf(() => emucxl_free(three, 299)), wrong)
    expectFailure(await failureOf(() => emucxl_free(three, 'all' as never)), typeError('size'))
    expectFailure(await failureOf(() => emucxl_free(three, null as never)), typeError('size'))
    expectBytes(three, pattern(300))
    expect([one, two, three].map(({ byteLength }) => byteLength)).toEqual([0, 0, 300])
    expect(emucxl_stats(0)).toBe(300)
    expectFailure(await failureOf(() => emucxl_free(one)), emucxlError('DETACHED'))
  })

  test('emucxl_resize returns the address to go on with', () => {
    const block = filled(100, REMOTE_MEMORY)
    const longer = emucxl_resize(block, 5000)
    expect(block.byteLength).toBe(0)
    expectBytes(new Uint8Array(longer, 0, 100), pattern(100))
    expectBytes(new Uint8Array(longer, 100), new Uint8Array(4900))
    expect([emucxl_get_size(longer), emucxl_get_numa_node(longer)]).toEqual([5000, 1])
    const shorter = emucxl_resize(longer, 7)
    expectBytes(shorter, pattern(7))
    expect(emucxl_stats(1)).toBe(7)
  })

  test('emucxl_migrate returns the same address', () => {
    const block = filled(5000, LOCAL_MEMORY)
    expect(emucxl_migrate(block, REMOTE_MEMORY)).toBe(block)
    expect([emucxl_is_local(block), emucxl_get_numa_node(block)]).toEqual([false, 1])
    expect([0, 1].map(emucxl_stats)).toEqual([0, 5000])
    const view = new Uint8Array(block, 0, 5)
    expect(emucxl_migrate(view, LOCAL_MEMORY)).toBe(view)
    expectBytes(block, pattern(5000))
  })

  test('emucxl_read and emucxl_write: the offset counts in the block, for both', () => {
    const block = filled(100, REMOTE_MEMORY)
    const buffer = new Uint8Array(10)
    expect(emucxl_read(block, 50, buffer, 5)).toBe(true)
    expectBytes(buffer, Uint8Array.from([...pattern(55).subarray(50), 0, 0, 0, 0, 0]))
    expect(emucxl_write(Uint8Array.of(1, 2, 3, 4), 96, block, 4)).toBe(true)
    expect(emucxl_write(Uint8Array.of(9, 9), 0, new Uint8Array(block, 10), 1)).toBe(true)
    const wanted = pattern(100)
    wanted.set([1, 2, 3, 4], 96)
    wanted[10] = 9
    expectBytes(block, wanted)
  })

  test('emucxl_memset takes any byte, and -1, and returns the address', () => {
    const block = filled(100, 0)
    expect(emucxl_memset(block, 0, 10)).toBe(block)
    const view = new Uint8Array(block, 20)
    expect(emucxl_memset(view, -1, 10)).toBe(view)
    emucxl_memset(new DataView(block, 40), 171, 1)
    const wanted = pattern(100).fill(0, 0, 10).fill(255, 20, 30).fill(171, 40, 41)
    expectBytes(block, wanted)
  })

  test('emucxl_memcpy and emucxl_memmove return where they copied to', async () => {
    const [from, to] = [filled(1000, 0), emucxl_alloc(2000, 1)]
    expect(emucxl_memcpy(to, from, 500)).toBe(to)
    const part = new Uint8Array(to, 1000)
    expect(emucxl_memmove(part, new Uint8Array(from, 100), 900)).toBe(part)
    const wanted = new Uint8Array(2000)
    wanted.set(pattern(1000).subarray(0, 500))
    wanted.set(pattern(1000).subarray(100), 1000)
    expectBytes(to, wanted)
    const overlap = () => emucxl_memcpy(new Uint8Array(from, 1), from, 10)
    expectFailure(await failureOf(overlap), rangeError('overlap: use move'))
    emucxl_memmove(new Uint8Array(from, 1), from, 999)
    expectBytes(from, pattern(1000).copyWithin(1, 0))
  })

  test('they take blocks of other contexts', () => {
    using cxl = open()
    const block = cxl.alloc(100, 1)
    emucxl_memset(block, 7, 100)
    expect(emucxl_get_size(block)).toBe(100)
    emucxl_free(block)
    expect(cxl.stats(1).regions).toBe(0)
  })

  test('beyond the capacity is refused, and changes nothing', async () => {
    const block = filled(2 ** 20, 0)
    expectFailure(await failureOf(() => emucxl_alloc(1, 0)), emucxlError('NO_MEMORY', 'node 0'))
    const grow = () => emucxl_resize(block, 2 ** 20 + 1)
    expectFailure(await failureOf(grow), emucxlError('NO_MEMORY', 'node 0'))
    expect(emucxl_stats(0)).toBe(2 ** 20)
    expectBytes(block, pattern(2 ** 20))
  })

  const WRONG: [string, (block: ArrayBuffer) => unknown, Wanted][] = [
    ['emucxl_alloc of 0', () => emucxl_alloc(0, 0), rangeError('size')],
    ['emucxl_alloc of a string', () => emucxl_alloc('1' as never, 0), typeError('size')],
    ['emucxl_alloc on node 2', () => emucxl_alloc(1, 2), emucxlError('BAD_NODE', 'node')],
    ['emucxl_alloc on no node', () => emucxl_alloc(1, undefined as never), typeError('node')],
    ['emucxl_resize to -1', (block) => emucxl_resize(block, -1), rangeError('size')],
    ['emucxl_migrate to 7', (block) => emucxl_migrate(block, 7), emucxlError('BAD_NODE')],
    ['emucxl_stats of -1', () => emucxl_stats(-1), emucxlError('BAD_NODE')],
    ['emucxl_stats of null', () => emucxl_stats(null as never), typeError('node')],
    [
      'emucxl_read from 101',
      (block) => emucxl_read(block, 101, new Uint8Array(1), 0),
      rangeError('address has 100 bytes'),
    ],
    [
      'emucxl_read of more than the buffer has',
      (block) => emucxl_read(block, 0, new Uint8Array(1), 2),
      rangeError('buffer has 1 bytes'),
    ],
    [
      'emucxl_read into nothing',
      (block) => emucxl_read(block, 0, null as unknown as Bytes, 1),
      typeError('buffer'),
    ],
    [
      'emucxl_write past the end',
      (block) => emucxl_write(new Uint8Array(2), 99, block, 2),
      rangeError('address has 100 bytes'),
    ],
    [
      'emucxl_write at 1.5',
      (block) => emucxl_write(new Uint8Array(2), 1.5, block, 2),
      rangeError('offset'),
    ],
    ['emucxl_memset to 256', (block) => emucxl_memset(block, 256, 1), rangeError('value')],
    ['emucxl_memset of 101', (block) => emucxl_memset(block, 1, 101), rangeError('address')],
    [
      'emucxl_memcpy of 101',
      (block) => emucxl_memcpy(block, emucxl_alloc(200, 0), 101),
      rangeError('to has 100 bytes'),
    ],
    [
      'emucxl_memmove of NaN',
      (block) => emucxl_memmove(block, block, Number.NaN),
      rangeError('size'),
    ],
    [
      'emucxl_memmove of no size',
      (block) => emucxl_memmove(block, block, undefined as never),
      typeError('size'),
    ],
  ]

  test.for(WRONG)('%s is refused', async ([, call, wanted]) => {
    const block = filled(100, 0)
    expectFailure(await failureOf(() => call(block)), wanted)
    expectBytes(block, pattern(100))
    emucxl_free(block, 100)
  })

  describe.for(Object.entries(FUNCTIONS))('%s', ([, call]) => {
    test.for([
      ['null', () => null, typeError('must be an ArrayBuffer')],
      ['a number', () => 4096, typeError('must be an ArrayBuffer')],
      ['memory of JavaScript', () => new ArrayBuffer(100), emucxlError('NOT_ALLOCATED')],
      ['a view of such', () => new Uint8Array(100), emucxlError('NOT_ALLOCATED')],
      [
        'a freed block',
        () => {
          const block = emucxl_alloc(100, 0)
          emucxl_free(block)
          return block
        },
        emucxlError('DETACHED', 'freed'),
      ],
    ] as [string, () => unknown, Wanted][])('of %s', async ([, make, wanted]) => {
      const address = make() as Address
      expectFailure(await failureOf(() => call(address)), wanted)
    })
  })
})

test('the default context is one among others', () => {
  emucxl_init({ backend: 'emulated', capacity: { local: 4096 } })
  using cxl = Emucxl.open({ backend: 'emulated', capacity: { local: 4096 } })
  emucxl_alloc(4096, 0)
  cxl.alloc(1, 0)
  emucxl_exit()
  expect(cxl.stats(0).regions).toBe(1)
})
