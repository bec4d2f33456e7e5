// What a store promises, call by call, and what it says of wrong arguments.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type Emucxl,
  type KvEvent,
  KvStore,
  type KvStoreOptions,
  LOCAL_MEMORY,
  type PolicyFactory,
  REMOTE_MEMORY,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collector } from '../memory/collect.js'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'

const MiB = 1 << 20

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  const textStore = (options: Omit<KvStoreOptions, 'codec'> = {}) =>
    new KvStore(cxl, { ...options, codec: 'utf8' })

  test('puts, gets, and deletes', () => {
    using store = textStore()
    store.put('answer', '42')
    expect([store.get('answer'), store.get('question')]).toEqual(['42', undefined])
    expect([store.has('answer'), store.has('question'), store.size]).toEqual([true, false, 1])
    store.put('answer', 'forty-two, and then some more text that does not fit')
    expect(store.get('answer')).toMatch(/^forty-two/)
    expect(store.getMany(['answer', 'question'])).toEqual([store.get('answer'), undefined])
    expect([store.delete('answer'), store.delete('answer'), store.size]).toEqual([true, false, 0])
  })

  test('has many entries, and finds each', () => {
    using store = textStore({ local: { objects: 1000 } })
    const count = 50_000
    for (let i = 0; i < count; i++) store.put(`key ${i}`, `value ${i}`)
    for (let i = 0; i < count; i += 7) store.delete(`key ${i}`)
    for (let i = 0; i < count; i++) {
      const value = store.get(`key ${i}`)
      if (value !== (i % 7 === 0 ? undefined : `value ${i}`)) expect.unreachable(`${i}: ${value}`)
    }
    expect(new Set(store.keys()).size).toBe(store.size)
    expect(store.stats()).toMatchObject({ local: { entries: 1000 }, entries: store.size })
    store.clear()
    expect([store.size, cxl.mappings()]).toEqual([0, []])
  })

  test('lies in local and in remote memory', () => {
    using store = textStore({ local: { objects: 2 }, policy: 'policy2' })
    for (const key of ['a', 'b', 'c']) store.put(key, key.repeat(3))
    expect(['a', 'b', 'c', 'd'].map((key) => store.tierOf(key))).toEqual([
      ...['remote', 'local', 'local', undefined],
    ])
    const mapped = store.stats()
    expect(mapped.local.bytesMapped).toBe(cxl.stats(LOCAL_MEMORY).mapped)
    expect(mapped.remote.bytesMapped).toBe(cxl.stats(REMOTE_MEMORY).mapped)
    expect(store.promote('a')).toBe(true)
    expect(['a', 'b', 'c'].map((key) => store.tierOf(key))).toEqual(['local', 'remote', 'local'])
    expect(store.demote('c')).toBe(true)
    expect([store.tierOf('c'), store.promote('d'), store.demote('d')]).toEqual([
      ...['remote', false, false],
    ])
    expect([...store].sort()).toEqual([
      ['a', 'aaa'],
      ['b', 'bbb'],
      ['c', 'ccc'],
    ])
  })

  describe('values', () => {
    test('are bytes by default, and copies', () => {
      using store = new KvStore(cxl)
      const value = Uint8Array.of(1, 2, 3)
      store.put('key', value)
      value.fill(9)
      const copy = store.get('key') as Uint8Array
      expect([...copy]).toEqual([1, 2, 3])
      copy.fill(9)
      expect([...(store.get('key') as Uint8Array)]).toEqual([1, 2, 3])
    })

    test.each(['', 'plain', 'Grüße', '日本語', '😀'.repeat(2000), 'a\0b'])(
      'are texts: %s',
      (text) => {
        using store = textStore()
        store.put(text, text)
        expect(store.get(text)).toBe(text)
        expect([...store]).toEqual([[text, text]])
      },
    )

    test('are what JSON can hold', () => {
      using store = new KvStore(cxl, { codec: 'json' })
      for (const value of [null, 1.5, 'ü', [1, { a: [] }], { toJSON: () => 'other' }]) {
        store.put('key', value)
        expect(store.get('key')).toEqual(JSON.parse(JSON.stringify(value)))
      }
    })

    test('are what a codec of one’s own makes of them, which may use the store', () => {
      const codec = {
        encode: (value: number) => {
          if (value > 0) store.put('less', value - 1)
          return new Uint8Array(Float64Array.of(value).buffer)
        },
        decode: (bytes: Uint8Array) => {
          store.delete('key')
          return new Float64Array(Uint8Array.from(bytes).buffer)[0] as number
        },
      }
      using store = new KvStore(cxl, { codec, local: { objects: 1 } })
      store.put('key', 3)
      expect([store.size, store.get('key'), store.has('key')]).toEqual([2, 3, false])
      expect(store.get('less')).toBe(2)
    })

    test('are lent out without a copy, while nothing may change', () => {
      using store = new KvStore(cxl, { local: { objects: 1 } })
      store.put('other', Uint8Array.of(1))
      store.put('key', Uint8Array.of(1, 2, 3))
      const changes = [
        () => store.put('a', new Uint8Array(1)),
        () => store.delete('key'),
        () => store.clear(),
        () => store.promote('other'),
        () => store.demote('key'),
      ]
      const sum = store.view('key', (bytes) => {
        for (const change of changes) expect(change).toThrow('view() has lent memory')
        expect(store.get('other')).toEqual(Uint8Array.of(1)) // which would promote it
        return bytes.reduce((a, b) => a + b)
      })
      expect(sum).toBe(6)
      expect(store.view('nothing', () => 1)).toBeUndefined()
      expect(() => store.view('key', () => expect.unreachable('mine'))).toThrow('mine')
      store.delete('key')
    })

    test('have a size that is set', () => {
      using store = new KvStore(cxl, { maxValueBytes: 100 })
      store.put('key', new Uint8Array(100))
      expect(() => store.put('key', new Uint8Array(101))).toThrow(
        /^value must be at most 100 bytes/,
      )
      expect(store.get('key')).toHaveLength(100)
    })

    test('can be large', () => {
      using store = new KvStore(cxl, { local: { bytes: 4 * MiB } })
      for (let i = 0; i < 4; i++) store.put(`key${i}`, Buffer.alloc(2 * MiB - 50, i))
      for (let i = 0; i < 4; i++)
        expect(store.get(`key${i}`)?.every((byte) => byte === i)).toBe(true)
      expect(store.stats().local.entries).toBe(2)
    })
  })

  describe('when both tiers are full', () => {
    test('an entry is evicted', () => {
      using store = textStore({ local: { objects: 2 }, remote: { objects: 3 } })
      for (let i = 0; i < 10; i++) store.put(`key${i}`, `${i}`)
      expect([...store.keys()].sort()).toEqual(['key5', 'key6', 'key7', 'key8', 'key9'])
      expect(store.stats()).toMatchObject({ evictions: 5, demotions: 8, entries: 5 })
    })

    test('or the new one is refused, and nothing is lost', () => {
      using store = textStore({
        ...{ local: { objects: 2 }, remote: { objects: 3 }, whenFull: 'error', policy: 'policy2' },
      })
      for (let i = 0; i < 5; i++) store.put(`key${i}`, `${i}`)
      const before = [...store]
      expect(() => store.put('key5', '5')).toThrow("or take whenFull 'evict'")
      expect(() => store.demote('key4')).toThrow("or take whenFull 'evict'")
      expect([...store]).toEqual(before)
      store.put('key0', 'other')
      expect(store.promote('key0')).toBe(true) // it changes places with another one
      store.delete('key3')
      store.put('key5', '5')
      expect(store.size).toBe(5)
    })
  })

  describe('entries expire', () => {
    test('when their time has come, by the clock', () => {
      let now = 1000
      using store = textStore({ ttl: 100, clock: () => now })
      store.put('a', '1')
      store.put('b', '2', { ttl: 200 })
      store.put('c', '3', { ttl: Infinity })
      now += 99
      expect(store.getMany(['a', 'b', 'c'])).toEqual(['1', '2', '3'])
      now += 1
      expect([...store.keys()].sort()).toEqual(['b', 'c'])
      expect([store.get('a'), store.has('a'), store.size]).toEqual([undefined, false, 2])
      store.put('b', 'new')
      now += 99
      expect(store.get('b')).toBe('new')
      now += 1
      expect([store.delete('b'), store.tierOf('b'), store.get('c')]).toEqual([
        ...[false, undefined, '3'],
      ])
      expect(store.stats()).toMatchObject({ expirations: 2, entries: 1 })
    })

    test('and what takes their number does not', () => {
      let now = 0
      using store = textStore({ clock: () => now })
      store.put('a', '1', { ttl: 10 })
      store.delete('a')
      store.put('b', '2')
      now = 20
      expect(store.get('b')).toBe('2')
    })
  })

  test('what happens is told', () => {
    const events: string[] = []
    const hear = (message: unknown, name: string | symbol) => {
      const { store, key, tier } = message as KvEvent
      events.push(`${String(name).slice(10)} ${key} ${tier}`)
      if (key === 'b') store.delete('a') // who hears it may use the store
    }
    const names = ['hit', 'miss', 'promote', 'demote', 'evict', 'expire'].map(
      (n) => `emucxl:kv:${n}`,
    )
    for (const name of names) subscribe(name, hear)
    try {
      let now = 0
      using store = textStore({ local: { objects: 1 }, remote: { objects: 1 }, clock: () => now })
      store.put('x', '1', { ttl: 5 })
      store.put('y', '2')
      store.put('z', '3')
      store.get('y')
      store.get('x')
      store.put('a', '4', { ttl: 5 })
      now = 10
      store.get('a')
      store.put('b', '5')
      expect(store.get('b')).toBe('5')
    } finally {
      for (const name of names) unsubscribe(name, hear)
    }
    expect(events).toEqual([
      'demote x remote',
      'evict x remote',
      'demote y remote',
      'hit y remote',
      'demote z remote',
      'promote y local',
      'miss x undefined',
      'evict z remote',
      'demote y remote',
      'expire a local',
      'miss a undefined',
      'hit b local',
    ])
  })

  test('a policy of one’s own decides', () => {
    /** What came first stays local. */
    const first: PolicyFactory = (host) => {
      const [local, remote] = [host.list(), host.list()]
      return {
        added: (entry) => local.pushFront(entry),
        hit: () => false,
        promoted(entry) {
          remote.remove(entry)
          local.pushBack(entry)
        },
        demoted(entry) {
          local.remove(entry)
          remote.pushFront(entry)
        },
        removed: (entry, tier) => (tier === 'local' ? local : remote).remove(entry),
        localVictim: () => local.front,
        remoteVictim: () => remote.back,
      }
    }
    using store = textStore({ local: { objects: 2 }, policy: first })
    for (const key of ['a', 'b', 'c', 'd']) store.put(key, '')
    expect(['a', 'b', 'c', 'd'].map((key) => store.tierOf(key))).toEqual([
      ...['local', 'remote', 'remote', 'local'],
    ])
  })

  describe('keys', () => {
    test.each([
      ['', ' '],
      ['a', Uint8Array.of(97)],
      ['\0', '\0\0'],
      ['__proto__', 'constructor'],
      ['\ud800', '\udfff'],
      ['é', 'e\u0301'],
      [new Uint8Array(3), new Uint8Array(4)],
      ['x'.repeat(65535), 'x'.repeat(65534)],
      ['日'.repeat(32767), '日'.repeat(32766)],
      [new Uint8Array(65535), new Uint8Array(65534)],
    ])('%#: are told apart, and given back', (one, other) => {
      using store = textStore({ local: { objects: 1 } })
      store.put(one, 'one')
      store.put(other, 'other')
      expect([store.get(one), store.get(other)]).toEqual(['one', 'other'])
      const found = new Map([...store].map(([key, value]) => [value, key]))
      const same = (a: unknown, b: string | Uint8Array) =>
        typeof b === 'string' ? a === b : Buffer.from(a as Uint8Array).equals(b)
      expect([same(found.get('one'), one), same(found.get('other'), other)]).toEqual([true, true])
      expect([store.delete(one), store.delete(other), store.size]).toEqual([true, true, 0])
    })
  })

  describe('what is wrong is named', () => {
    test.each([
      ['cxl', () => new KvStore({} as Emucxl), typeError('cxl')],
      ['options', () => new KvStore(cxl, 5 as never), typeError('options')],
      ['local', () => new KvStore(cxl, { local: 5 as never }), typeError('options.local')],
      ...([-1, 0.5, Number.NaN, 2 ** 53] as const).map((objects) => [
        `local.objects ${objects}`,
        () => new KvStore(cxl, { local: { objects } }),
        rangeError('options.local.objects'),
      ]),
      [
        'remote.bytes',
        () => new KvStore(cxl, { remote: { bytes: '1' as never } }),
        typeError('options.remote.bytes'),
      ],
      ['node', () => new KvStore(cxl, { remote: { node: 7 } }), emucxlError('BAD_NODE', 'node')],
      ['policy', () => new KvStore(cxl, { policy: 'mru' as never }), rangeError('options.policy')],
      ['whenFull', () => new KvStore(cxl, { whenFull: 1 as never }), typeError('options.whenFull')],
      ['codec', () => new KvStore(cxl, { codec: {} as never }), typeError('options.codec')],
      ['codec', () => new KvStore(cxl, { codec: 'toString' as never }), typeError('options.codec')],
      ['ttl', () => new KvStore(cxl, { ttl: 0 }), rangeError('options.ttl')],
      ['ttl', () => new KvStore(cxl, { ttl: '1' as never }), typeError('options.ttl')],
      ['clock', () => new KvStore(cxl, { clock: 5 as never }), typeError('options.clock')],
      [
        'maxValueBytes',
        () => new KvStore(cxl, { maxValueBytes: 2 ** 30 }),
        rangeError('options.maxValueBytes'),
      ],
    ] as [string, () => unknown, object][])('new: %s', async (_, call, wanted) => {
      expectFailure(await failureOf(call), wanted as never)
      expect(cxl.mappings()).toEqual([])
    })

    test.each([
      ...[undefined, null, 5, {}, [], new ArrayBuffer(4), new Uint16Array(2)].map((key) => [
        key,
        typeError('key'),
      ]),
      ['x'.repeat(65536), rangeError('key')],
      ['日'.repeat(32768), rangeError('key')],
      [new Uint8Array(65536), rangeError('key')],
    ] as [never, object][])('key %#', async (key, wanted) => {
      using store = textStore()
      store.put('there', 'still')
      const calls = [
        () => store.put(key, ''),
        () => store.get(key),
        () => store.has(key),
        () => store.delete(key),
        () => store.tierOf(key),
        () => store.promote(key),
        () => store.demote(key),
        () => store.view(key, () => 0),
        () => store.getMany([key]),
      ]
      for (const call of calls) expectFailure(await failureOf(call), wanted as never)
      expect([...store]).toEqual([['there', 'still']])
    })

    test.each([
      ['bytes', 'text', typeError('value')],
      ['bytes', new Uint16Array(2), typeError('value')],
      ['utf8', 5, typeError('value')],
      ['utf8', 'lone \ud800', rangeError('value')],
      ['json', undefined, typeError('value')],
      ['json', () => 0, typeError('value')],
      [
        { encode: () => 'text', decode: () => 0 },
        0,
        typeError('what options.codec.encode() returned'),
      ],
    ] as [never, never, object][])('value: %j, %j', async (codec, value, wanted) => {
      using store = new KvStore(cxl, { codec })
      expectFailure(await failureOf(() => store.put('key', value)), wanted as never)
      expect(store.size).toBe(0)
    })

    test('after destroy and close', async () => {
      const destroyed = textStore()
      destroyed.put('key', 'value')
      destroyed.destroy()
      destroyed.destroy()
      expect(cxl.mappings()).toEqual([])
      const closed = textStore()
      closed.put('key', 'value')
      const keys = closed.keys()
      keys.next()
      const inside = closed.view('key', () => cxl.close())
      expect(inside).toBeUndefined()
      for (const store of [destroyed, closed]) {
        const calls = [
          () => store.put('key', ''),
          () => store.get('key'),
          () => store.has('key'),
          () => store.delete('key'),
          () => store.clear(),
          () => store.tierOf('key'),
          () => store.promote('key'),
          () => store.demote('key'),
          () => store.view('key', () => 0),
          () => store.stats(),
          () => [...store],
        ]
        for (const call of calls)
          expectFailure(await failureOf(call), emucxlError('CLOSED', 'store'))
        expect(store.size).toBe(0)
      }
      expectFailure(await failureOf(() => keys.next()), emucxlError('CLOSED', 'store'))
      closed.destroy()
    })
  })

  test('a store that is dropped gives its memory back', async ({ skip }) => {
    const collect = collector()
    if (collect === undefined) return skip('this engine cannot be told to collect')
    ;(() => {
      const store = textStore()
      for (let i = 0; i < 100_000; i++) store.put(`key${i}`, 'value')
    })()
    expect(cxl.mappings().length).toBeGreaterThan(0)
    await collect(() => cxl.mappings().length === 0)
    expect(cxl.mappings()).toEqual([])
  })
})
