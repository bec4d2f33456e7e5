// Memory of a store that is taken away by who had it from view(): what was in it is lost, and every call that
// needs it says so. No other entry is lost, and clear() and destroy() work.

import { type Emucxl, KvStore, type KvStoreOptions, policies } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, type Failure } from '../memory/refusal.js'

const LOST = emucxlError('DETACHED', 'had it from view()', 'clear() or destroy() the store')

/** The result of a call, which may fail only in that it needs what is lost. */
function unlessLost<R>(call: () => R): R | undefined {
  try {
    return call()
  } catch (error) {
    expectFailure(error as Failure, LOST)
    return undefined
  }
}

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  type Buffers = ArrayBuffer & { transfer?: () => ArrayBuffer }
  const TAKES: [string, (buffer: Buffers) => unknown][] = [
    ['freed', (buffer) => cxl.free(buffer)],
    ['resized', (buffer) => cxl.resize(buffer, 2 * buffer.byteLength)],
    // Node.js 20 has no such call, and makes a copy where others transfer.
    ['transferred', (buffer) => (buffer.transfer ? buffer.transfer() : cxl.free(buffer))],
  ]

  const ALL = Array.from({ length: 20 }, (_, i) => i + 10)

  /** A store with 20 entries of one size in each tier, of which those in the tier of `key` are lost. */
  const lossy = (key: string, take: (buffer: Buffers) => unknown, options: KvStoreOptions = {}) => {
    const store = new KvStore(cxl, options)
    for (const i of ALL) {
      store.put(`remote${i}`, Buffer.from(`value ${i}`))
      store.demote(`remote${i}`)
    }
    for (const i of ALL) store.put(`local ${i}`, Buffer.from(`value ${i}`))
    unlessLost(() => store.view(key, ({ buffer }) => take(buffer as Buffers))) // then it would be promoted
    const tier = key.startsWith('local') ? 'remote' : 'local'
    const there = tier === 'local' ? 'local ' : 'remote'
    const isWhole = () => {
      expect(store.size).toBe(40)
      expect(store.stats()).toMatchObject({ evictions: 0, local: { entries: 20 } })
      for (const i of ALL) {
        expect(store.tierOf(`${there}${i}`)).toBe(tier)
        let value: Uint8Array | undefined
        // It is read before it turns out that it cannot move.
        unlessLost(() => store.view(`${there}${i}`, (bytes) => (value = bytes.slice())))
        expect(`${Buffer.from(value ?? [])}`).toBe(`value ${i}`)
      }
    }
    return { store, there, isWhole }
  }

  describe.each(TAKES)('%s', (_, take) => {
    test.each(Object.keys(policies) as (keyof typeof policies)[])('%s', (policy) => {
      for (const key of ['local 17', 'remote17']) {
        const { store, there, isWhole } = lossy(key, take, { policy })
        const isLocalLost = there === 'remote'
        const needing = [
          () => store.get(key),
          () => store.put(key, Buffer.of(1)),
          () => store.has(key),
          () => store.delete(key),
          () => store.tierOf(key),
          () => store.promote(key),
          () => store.demote(key),
          () => store.view(key, () => expect.unreachable()),
          () => [...store.entries()],
          () => [...store.keys()],
          () => (isLocalLost ? store.promote('remote13') : store.demote('local 13')),
        ]
        for (const call of needing) {
          let failure: unknown
          try {
            call()
          } catch (error) {
            failure = error
          }
          expectFailure(failure as Failure, LOST)
        }
        isWhole()
        // What needs nothing of it, or may.
        for (const i of ALL) unlessLost(() => store.get(`${there}${i}`))
        isWhole()
        expect(store.get('nothing')).toBeUndefined()
        unlessLost(() => store.put('local 40', Buffer.from('value 40'))) // new ones are local
        expect([store.size, store.has('local 40')]).toEqual(isLocalLost ? [40, false] : [41, true])
        expect(store.delete(`${there}10`)).toBe(true)
        store.clear()
        expect([store.size, store.has('local 10'), store.has('remote10')]).toEqual([
          0,
          false,
          false,
        ])
        store.put('after', Buffer.of(1))
        expect([store.get('after'), store.tierOf('after')]).toEqual([Uint8Array.of(1), 'local'])
        store.destroy()
      }
    })

    test('while both tiers are full, with times to live and moves that wait', async () => {
      let now = 0
      for (const key of ['local 17', 'remote17']) {
        const limits = { local: { objects: 20 }, remote: { objects: 20 } }
        const options = { ...limits, ttl: 100, clock: () => now, mover: true }
        const { store, isWhole } = lossy(key, take, options)
        for (const i of ALL) unlessLost(() => store.get(`remote${i}`))
        await new Promise((resolve) => setImmediate(resolve))
        unlessLost(() => store.settle())
        isWhole()
        now += 200
        let added = 0
        for (let i = 40; i < 50; i++) {
          unlessLost(() => store.put(`local ${i}`, Buffer.from(`value ${i}`)))
          if (unlessLost(() => store.has(`local ${i}`))) added++
        }
        const { expirations, entries } = store.stats()
        expect(entries).toBe(40 + added - expirations)
        for (const i of ALL) {
          for (const tier of ['local ', 'remote']) unlessLost(() => store.get(`${tier}${i}`))
        }
        expect(store.size).toBe(20 + added)
        unlessLost(() => store.clear())
        store.clear() // the first one may have told what the mover met
        expect(store.size).toBe(0)
        store.destroy()
      }
    })

    test('a large value: the others are as they were', () => {
      const store = new KvStore(cxl, { local: { bytes: 8 << 20 } })
      for (const key of ['a', 'b']) store.put(key, Buffer.alloc(2 << 20, key))
      take(store.view('a', (bytes) => bytes.buffer) as Buffers)
      expect(unlessLost(() => store.get('a'))).toBeUndefined()
      expect(unlessLost(() => store.delete('a'))).toBeUndefined()
      expect(Buffer.alloc(2 << 20, 'b').equals(store.get('b') as Uint8Array)).toBe(true)
      store.put('c', Buffer.of(1))
      expect([store.size, store.delete('b'), store.get('c')]).toEqual([3, true, Uint8Array.of(1)])
      store.destroy()
    })

    test('destroy() gives the rest back', () => {
      const before = cxl.mappings().length
      const { store } = lossy('local 17', (buffer) => take(buffer))
      store.destroy()
      const kept = cxl.mappings().length - before
      expect(kept).toBeLessThanOrEqual(1) // what was resized is its owner's
    })
  })
})
