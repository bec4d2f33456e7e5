// Stores with codec 'msgpackr': what comes back, what is refused, and that a failure of one value is none of
// another. Where the package is missing is in test/package/install.test.ts.

import { Worker } from 'node:worker_threads'
import { type Emucxl, KvStore } from 'emucxl'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { expectFailure, failureOf, typeError } from '../memory/refusal.js'

const CYCLE: Record<string, unknown> = { name: 'cycle' }
CYCLE['self'] = CYCLE

const VALUES: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['numbers', [0, 1, -1, 127, 128, 2 ** 31, 2 ** 53, 0.1, 1e300, Number.NaN, -Infinity]],
  ['texts', ['', 'ü', '日本語', '😀'.repeat(5000), 'a\0b', 'x'.repeat(70_000)]],
  ['objects in objects', { a: [1, { b: null, c: undefined }], '': 0, 7: 'seven' }],
  [
    'an object of many properties',
    Object.fromEntries(Array.from({ length: 500 }, (_, i) => [i, i])),
  ],
  [
    'a Map',
    new Map<unknown, unknown>([
      ['a', 1],
      [2, [3]],
      [{ k: 1 }, new Map([[1, new Map()]])],
    ]),
  ],
  ['a Set', new Set<unknown>([1, 'a', null])],
  ['a Date', [new Date(5), new Date(1e12 + 0.5)]],
  ['bigints', [1n, -1n, 2n ** 63n, 2n ** 64n, 2n ** 200n, -(2n ** 100n)]],
  ['bytes', Buffer.from('bytes')],
  [
    'typed arrays',
    [Uint8Array.of(1, 2), Float64Array.of(0.1), Int32Array.of(-1), BigInt64Array.of(5n)],
  ],
  ['an ArrayBuffer', Uint8Array.of(1, 2, 3).buffer],
  ['a RegExp', /a/gi],
  ['a cycle', CYCLE],
]

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  const packed = (options = {}) => new KvStore(cxl, { ...options, codec: 'msgpackr' })

  test.each(VALUES)('%s comes back', (_, value) => {
    using store = packed({ local: { objects: 1 } })
    store.put('key', value)
    store.put('other', { a: 1 }) // the first one is remote then
    expect(store.get('key')).toEqual(value)
    expect(store.get('key')).toEqual(value)
    expect(new Map(store).get('key')).toEqual(value)
  })

  test('values are unknown to the compiler', () => {
    using store = packed()
    expectTypeOf(store.get('key')).toBeUnknown()
    expectTypeOf(store.put).parameter(1).toBeUnknown()
  })

  describe('a value that fails corrupts no other', () => {
    const refused: [string, unknown, RegExp][] = [
      ['a symbol', Symbol('mine'), /^value must be what msgpackr can pack \(.*symbol.*not Symbol/],
      ['a symbol in an object', { id: 1, deep: { symbol: Symbol('s') } }, /symbol/],
      [
        'a getter that throws',
        {
          id: 1,
          get name() {
            throw new Error('mine')
          },
        },
        /mine/,
      ],
      ['too deep', Array.from({ length: 1e5 }).reduce((inner) => ({ inner }), {}), /stack/],
    ]

    test.each(refused)('%s is refused, and all others stay whole', async (_, value, says) => {
      using store = packed()
      const others = Array.from({ length: 8 }, (_, i) => ({ [`only${i}`]: i, id: i, name: 'n' }))
      for (const [i, other] of others.entries()) {
        store.put(`key${i}`, other)
        const error = await failureOf(() => store.put(`key${i}`, value))
        expectFailure(error, typeError(says))
        expect(error.cause).toBeInstanceOf(Error)
      }
      expect(store.size).toBe(8)
      expect(others.map((_, i) => store.get(`key${i}`))).toEqual(others)
    })

    test('one that the store has no room for is refused', () => {
      using store = packed({ local: { objects: 50 }, remote: { objects: 0 }, whenFull: 'error' })
      const shape = (i: number) => ({ [`only${i}`]: i, [`and${i % 7}`]: { [`in${i}`]: i } })
      for (let i = 0; i < 50; i++) store.put(`key${i}`, shape(i))
      for (let i = 50; i < 200; i++) expect(() => store.put(`key${i}`, shape(i))).toThrow('no room')
      for (let i = 0; i < 50; i++) expect(store.get(`key${i}`)).toEqual(shape(i))
    })
  })

  test('a value whose getter puts another one', () => {
    using store = packed()
    const value = {
      before: 'x'.repeat(100),
      get inner() {
        store.put('inner', { other: 'y'.repeat(5000) })
        return store.get('inner')
      },
      after: ['z'],
    }
    store.put('outer', value)
    expect(store.get('inner')).toEqual({ other: 'y'.repeat(5000) })
    expect(store.get('outer')).toEqual({
      ...{ before: 'x'.repeat(100), inner: { other: 'y'.repeat(5000) }, after: ['z'] },
    })
  })

  test('two stores know nothing of each other', () => {
    using one = packed()
    using other = packed()
    for (let i = 0; i < 200; i++) {
      one.put(`key${i}`, { [`a${i}`]: i, same: 1 })
      other.put(`key${i}`, { [`b${i}`]: i, same: 2 })
    }
    for (let i = 0; i < 200; i++) {
      expect(one.get(`key${i}`)).toEqual({ [`a${i}`]: i, same: 1 })
      expect(other.get(`key${i}`)).toEqual({ [`b${i}`]: i, same: 2 })
    }
  })

  test('bytes that are no value throw, and the store is whole', () => {
    // As a subscriber could do it that writes into memory which view() lends.
    using store = packed()
    store.put('broken', { a: [1, 2, 3] })
    store.put('sound', { a: [1, 2, 3] })
    store.view('broken', (bytes) => bytes.fill(0xc1))
    for (let i = 0; i < 3; i++) {
      expect(() => store.get('broken')).toThrow()
      expect(store.get('sound')).toEqual({ a: [1, 2, 3] })
    }
    store.put('broken', 'whole')
    expect([store.get('broken'), store.delete('broken'), store.size]).toEqual(['whole', true, 1])
  })

  test('what was read is a copy', () => {
    using store = packed()
    store.put('key', { bytes: Buffer.alloc(5000, 1) })
    const { bytes } = store.get('key') as { bytes: Buffer }
    store.put('key', { bytes: Buffer.alloc(5000, 2) })
    expect(bytes.every((byte) => byte === 1)).toBe(true)
    bytes.fill(3)
    expect((store.get('key') as { bytes: Buffer }).bytes[0]).toBe(2)
  })
})

test('two threads pack at the same time', async () => {
  const program = `
    const { Emucxl, KvStore } = require('emucxl')
    const cxl = Emucxl.open({ backend: 'emulated' })
    const store = new KvStore(cxl, { codec: 'msgpackr' })
    for (let i = 0; i < 5000; i++) store.put('key' + i % 100, { ['k' + i % 300]: [i, new Map([[i, i]])] })
    let wrong = 0
    for (let i = 4900; i < 5000; i++) {
      const value = store.get('key' + i % 100)
      if (value['k' + i % 300][0] !== i || value['k' + i % 300][1].get(i) !== i) wrong++
    }
    cxl.close()
    require('node:worker_threads').parentPort.postMessage(wrong)`
  const run = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, { eval: true })
      worker.once('message', resolve).once('error', reject)
    })
  expect(await Promise.all([run(), run()])).toEqual([0, 0])
})
