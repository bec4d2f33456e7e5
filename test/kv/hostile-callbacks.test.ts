// Codecs, clocks, subscribers and borrowers that throw, lie, or use the store from inside: nothing is lost
// but what they ask for, and in the end no memory is left.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { types } from 'node:util'
import { type Emucxl, KvStore } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'
import { filled } from './filled.js'

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  describe('a codec of one’s own', () => {
    const coded = (encode: (value: unknown) => unknown, decode: (bytes: Uint8Array) => unknown) =>
      new KvStore(cxl, {
        codec: { encode, decode } as never,
        local: { objects: 2 },
      }) as KvStore<never>

    test.each([
      ['destroys', (store: KvStore<never>) => store.destroy()],
      ['closes the context', () => cxl.close()],
    ])('%s while it encodes', async (_, end) => {
      const store = coded((value) => {
        if (value === 'end') end(store)
        return Buffer.of(1)
      }, String)
      store.put('a', 'first' as never)
      const error = await failureOf(() => store.put('b', 'end' as never))
      expectFailure(error, emucxlError('CLOSED', 'store'))
      expect([store.size, cxl.closed || cxl.mappings().length === 0]).toEqual([0, true])
    })

    test.each([
      ['destroys', (store: KvStore<never>) => store.destroy()],
      ['closes the context', () => cxl.close()],
      ['clears', (store: KvStore<never>) => store.clear()],
      ['deletes', (store: KvStore<never>) => store.delete('a')],
      ['puts', (store: KvStore<never>) => store.put('a', 'other' as never)],
    ])('%s while it decodes: the value is what it was', (_, harm) => {
      const store = coded(
        (value) => Buffer.from(value as string),
        (bytes) => {
          harm(store)
          return `${bytes}`
        },
      )
      for (const key of ['a', 'b', 'c']) store.put(key, key as never)
      expect(store.get('a')).toBe('a')
    })

    test('throws, or returns no bytes', async () => {
      let made: unknown
      const store = coded(
        () => {
          if (made instanceof Error) throw made
          return made
        },
        () => expect.unreachable(),
      )
      made = new Error('mine')
      expect(() => store.put('key', 0 as never)).toThrow('mine')
      for (made of [
        undefined,
        'text',
        [1],
        new Uint16Array(1),
        new ArrayBuffer(1),
        Promise.resolve(),
      ]) {
        const error = await failureOf(() => store.put('key', 0 as never))
        expectFailure(error, typeError('what options.codec.encode() returned must be a Uint8Array'))
      }
      expect([store.size, cxl.mappings()]).toEqual([0, []])
    })

    test('returns bytes on a buffer that it makes smaller meanwhile', () => {
      const buffer = new ArrayBuffer(100, { maxByteLength: 200 } as never)
      const resizable = buffer as unknown as { resize(length: number): void }
      const store = coded(
        () => new Uint8Array(buffer).fill(9),
        (bytes) => bytes.length,
      )
      store.put('key', {
        get length() {
          return resizable.resize(4)
        },
      } as never)
      expect(store.get('key')).toBe(100)
      resizable.resize(4)
      store.put('key', 0 as never)
      expect(store.get('key')).toBe(4)
    })
  })

  describe('a clock', () => {
    test.each([undefined, null, '5', 5n, Number.NaN, {}, Symbol('now')])(
      'that tells %s: refused by name',
      async (time) => {
        let tells: unknown = 1
        const { store, isWhole } = filled(cxl, { ttl: 100, clock: () => tells as number })
        tells = time
        const says = typeError('what options.clock() returned must be a number of milliseconds')
        for (const call of [
          () => store.put('key', Buffer.of(1)),
          () => store.get('there 1'),
          () => store.has('there 1'),
          () => store.delete('there 1'),
          () => [...store],
        ]) {
          expectFailure(await failureOf(call), says)
        }
        tells = 2
        expect(store.size).toBe(9)
        isWhole()
      },
    )

    test('that throws', () => {
      let broken = false
      const clock = () => {
        if (broken) throw new Error('no time')
        return 1
      }
      const { store, isWhole } = filled(cxl, { ttl: 100, clock })
      broken = true
      for (const call of [() => store.put('key', Buffer.of(1)), () => store.get('there 1')]) {
        expect(call).toThrow('no time')
      }
      broken = false
      expect(store.size).toBe(9)
      isWhole()
    })

    test('that goes back, or begins before 0', () => {
      let now = -10
      const { store, isWhole } = filled(cxl, { ttl: 10, clock: () => now })
      isWhole()
      now = -1e9
      isWhole()
      now = 0
      expect(store.get('there 1')).toBeUndefined()
      now = Infinity
      expect([...store]).toEqual([])
    })

    test.each([
      [0, rangeError('options.ttl must be more than 0')],
      [-1, rangeError('options.ttl')],
      [Number.NaN, rangeError('options.ttl')],
      ['5', typeError('options.ttl')],
      [5n, typeError('options.ttl')],
    ])('and a time to live of %s', async (ttl, wanted) => {
      const { store, isWhole } = filled(cxl)
      const put = () => store.put('there 1', Buffer.of(1), { ttl: ttl as number })
      expectFailure(await failureOf(put), wanted)
      isWhole()
    })

    test('and a time to live beyond all numbers', () => {
      const { isWhole } = filled(cxl, { ttl: 1e308, clock: () => 1.7e308 })
      isWhole()
    })
  })

  describe('a subscriber', () => {
    const NAMES = ['hit', 'miss', 'promote', 'demote', 'evict', 'expire']

    /** Runs a store through all events with a subscriber to all of them. */
    const through = (store: KvStore, hear: () => void, tick: () => void) => {
      const names = NAMES.map((name) => `emucxl:kv:${name}`)
      for (const name of names) subscribe(name, hear)
      const failures: unknown[] = []
      const calls = [
        ...Array.from(
          { length: 8 },
          (_, i) => () => store.put(`${i}`, Buffer.of(i), { ttl: 5 + i }),
        ),
        () => store.get('7'),
        () => store.get('4'),
        () => store.get('nothing'),
        () => store.view('6', (bytes) => bytes[0]),
        () => store.promote('5'),
        () => store.demote('5'),
        tick,
        () => [...store],
        () => store.tierOf('5'),
        () => store.has('6'),
        () => store.delete('7'),
      ]
      for (const call of calls) {
        try {
          call()
        } catch (error) {
          failures.push(error)
        }
      }
      for (const name of names) unsubscribe(name, hear)
      return failures
    }

    const eventful = () => {
      const time = { now: 0 }
      const clock = () => time.now
      const limits = { local: { objects: 3 }, remote: { objects: 4 } }
      return {
        store: new KvStore(cxl, { ...limits, clock }),
        tick: () => Object.assign(time, { now: 9 }),
      }
    }

    test('that throws is the process’s to hear of, and the store goes on', async () => {
      const { store, tick } = eventful()
      let heard = 0
      const uncaught: unknown[] = []
      // As node:diagnostics_channel does it: thrown anew when the call is done.
      const before = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.on('uncaughtException', (error) => uncaught.push(error))
      try {
        const failures = through(
          store,
          () => {
            heard++
            throw new Error('mine')
          },
          tick,
        )
        expect(failures).toEqual([])
        await new Promise((resolve) => setImmediate(resolve))
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const listener of before) process.on('uncaughtException', listener)
      }
      expect(heard).toBeGreaterThan(10)
      expect(uncaught).toHaveLength(heard)
      store.put('after', Uint8Array.of(1))
      expect(store.get('after')).toEqual(Uint8Array.of(1))
      store.destroy()
      expect(cxl.mappings()).toEqual([])
    })

    test.each([
      ['destroys', (store: KvStore) => store.destroy()],
      ['closes the context', () => cxl.close()],
    ])('that %s: what follows is refused', (_, end) => {
      const { store, tick } = eventful()
      const failures = through(store, () => end(store), tick)
      expect(failures.length).toBeGreaterThan(10)
      for (const error of failures) {
        expectFailure(error as Error, emucxlError('CLOSED', 'store'))
      }
      expect([store.size, cxl.closed || cxl.mappings().length === 0]).toEqual([0, true])
    })

    test('that changes the store', () => {
      const { store, tick } = eventful()
      let depth = 0
      const change = () => {
        if (depth > 3) return
        depth++
        store.put(`more ${depth}`, Buffer.alloc(100))
        store.delete('6')
        store.get('7')
        if (depth === 2) store.clear()
        depth--
      }
      expect(through(store, change, tick)).toEqual([])
      const { entries, local, remote } = store.stats()
      expect([entries, local.entries + remote.entries]).toEqual([store.size, store.size])
      expect([...store.keys()].every((key) => store.has(key))).toBe(true)
      store.clear()
      expect([store.size, cxl.mappings()]).toEqual([0, []])
    })
  })

  test('a subscriber that clears the store while tierOf() tells another what happened', () => {
    const store = new KvStore(cxl, { local: { objects: 2 }, remote: { objects: 2 } })
    for (let i = 0; i < 4; i++) store.put(`${i}`, Buffer.of(i))
    const tiers: unknown[] = []
    const hear: Record<string, () => void> = {
      'emucxl:kv:evict': () => tiers.push(store.tierOf('3')), // the demotion is told inside of it
      'emucxl:kv:demote': () => store.clear(),
    }
    for (const name in hear) subscribe(name, hear[name] as () => void)
    try {
      store.put('4', Buffer.of(4))
    } finally {
      for (const name in hear) unsubscribe(name, hear[name] as () => void)
    }
    expect([tiers, store.size]).toEqual([['local'], 0])
  })

  describe('memory that view() lends', () => {
    test('is no more when the store ends meanwhile', () => {
      for (const end of [(store: KvStore) => store.destroy(), () => cxl.close()]) {
        const { store } = filled(cxl)
        const kept = store.view('there 1', (bytes) => {
          end(store)
          expect(bytes.length).toBe(0)
          return bytes
        })
        expect([kept?.length, store.size]).toEqual([0, 0])
      }
    })

    test('may be lent twice, and is taken back when its function throws', () => {
      const { store, isWhole } = filled(cxl)
      const sum = store.view('there 1', (one) => {
        const throwing = () => store.view('there 2', () => expect.unreachable('mine'))
        expect(throwing).toThrow('mine')
        expect(() => store.delete('there 1')).toThrow('view() has lent memory')
        return store.view('there 2', (other) => one.length + other.length)
      })
      expect(sum).toBe(14)
      expect(() => store.view('there 3', () => expect.unreachable('mine'))).toThrow('mine')
      isWhole()
      expect(store.delete('there 1')).toBe(true)
    })

    test('may be transferred, which takes nothing from the store', () => {
      const { store, isWhole } = filled(cxl)
      store.view('there 1', ({ buffer }) => {
        try {
          structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
        } catch {
          // Node.js 20 makes a copy, later ones refuse it.
        }
      })
      isWhole()
      store.put('more', Buffer.of(1))
      expect(store.get('more')).toEqual(Uint8Array.of(1))
      store.destroy()
      expect(cxl.mappings()).toEqual([])
    })
  })

  test('iterators that outlive what they go through', async () => {
    const { store } = filled(cxl)
    const cleared = store.entries()
    const deleted = store.keys()
    cleared.next()
    deleted.next()
    store.clear()
    expect([cleared.next().done, deleted.next().done]).toEqual([true, true])
    for (let i = 0; i < 50; i++) store.put(`${i}`, Buffer.of(i))
    const rest = store.entries()
    const first = rest.next().value as [string, Buffer]
    for (let i = 0; i < 50; i += 2) store.delete(`${i}`)
    for (let i = 50; i < 90; i++) store.put(`${i}`, Buffer.of(i))
    for (const [key, value] of [first, ...rest])
      expect([`${value[0]}`, types.isUint8Array(value)]).toEqual([key, true])
    const ended = store.values()
    ended.next()
    store.destroy()
    expectFailure(await failureOf(() => ended.next()), emucxlError('CLOSED', 'destroyed'))
  })
})
