// clear(): all entries go, and all memory with them, that of the bookkeeping too; the store begins anew, and so
// does its policy.

import {
  type Emucxl,
  EmucxlError,
  type EntryList,
  KvStore,
  type KvStoreOptions,
  type PolicyFactory,
  policies,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { failureOf } from '../memory/refusal.js'
import { withLedger } from './ledger.js'

const value = (i: number) => Buffer.from(`value ${i}`)

function fill(store: KvStore, count: number): void {
  for (let i = 0; i < count; i++) store.put(`key ${i}`, value(i))
}

function expectFilled(store: KvStore, count: number): void {
  expect(store.size).toBe(count)
  for (let i = 0; i < count; i++) {
    if (!value(i).equals(store.get(`key ${i}`) as Uint8Array)) expect(`key ${i}`).toBe('there')
  }
}

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  describe('gives the memory of the bookkeeping back', () => {
    const COUNT = 150_000

    /** Fills a store twice, and clears it each time. */
    const through = (options: KvStoreOptions, count: number) => {
      const store = new KvStore(cxl, options)
      const { bookkeepingBytes } = store.stats()
      for (let round = 0; round < 2; round++) {
        fill(store, count)
        for (let i = 0; i < count; i += 7) store.get(`key ${i}`)
        expect(store.stats().bookkeepingBytes).toBeGreaterThan(bookkeepingBytes + 16 * count)
        store.clear()
        expect(store.stats()).toMatchObject({ entries: 0, bookkeepingBytes, movesWaiting: 0 })
        expect([store.size, cxl.mappings()]).toEqual([0, []])
      }
      fill(store, 100)
      expectFilled(store, 100)
    }

    test('of a million entries', () => through({}, 1e6))

    test.each(Object.keys(policies) as (keyof typeof policies)[])('%s', (policy) => {
      through({ policy, local: { objects: COUNT / 3 } }, COUNT)
    })

    test('with times to live, and moves that wait', () => {
      through({ ttl: 1e9, mover: true, local: { objects: COUNT / 3 } }, COUNT)
    })
  })

  test('a policy of one’s own is told of each entry', () => {
    for (const policy of Object.values(policies)) {
      const { policy: told, ledger } = withLedger(policy)
      const store = new KvStore(cxl, { policy: told, local: { objects: 10 } })
      for (const count of [30, 40]) {
        fill(store, count)
        expect(ledger().count('local') + ledger().count('remote')).toBe(count)
        store.clear()
        expect(ledger().count('local') + ledger().count('remote')).toBe(0)
      }
    }
  })

  test('also when it throws, and makes its lists late', async () => {
    const gone: number[] = []
    let throwing = false
    const policy: PolicyFactory = (host) => {
      const lists: Partial<Record<'local' | 'remote', EntryList>> = {}
      let local = host.list()
      const remote = () => (lists.remote ??= host.list())
      let added = 0
      return {
        added(entry) {
          if (++added === 100) {
            const other = host.list() // its number lies between those of entries
            while (local.size > 0) {
              const first = local.front
              local.remove(first)
              other.pushBack(first)
            }
            local = other
          }
          local.pushFront(entry)
        },
        hit: () => true,
        promoted(entry) {
          remote().remove(entry)
          local.pushFront(entry)
        },
        demoted(entry) {
          local.remove(entry)
          remote().pushFront(entry)
        },
        removed(entry, tier) {
          gone.push(entry)
          ;(tier === 'local' ? local : remote()).remove(entry)
          if (throwing) throw new Error(`mine ${gone.length}`)
        },
        localVictim: () => local.back,
        remoteVictim: () => remote().back,
      }
    }
    const store = new KvStore(cxl, { policy, local: { objects: 200 } })
    for (throwing of [true, false]) {
      fill(store, 300)
      gone.length = 0
      if (throwing) expect((await failureOf(() => store.clear())).message).toBe('mine 1')
      else store.clear()
      expect(new Set(gone).size).toBe(300)
      expect(store.stats()).toMatchObject({ entries: 0, local: { bytes: 0 }, remote: { bytes: 0 } })
      expect(cxl.mappings()).toEqual([])
    }
    fill(store, 300)
    expectFilled(store, 300)
  })

  test('what waited for its promotion does not move, and another entry takes its number', async () => {
    const store = new KvStore(cxl, { mover: true, local: { objects: 2 } })
    fill(store, 6)
    for (let i = 0; i < 6; i++) store.get(`key ${i}`)
    expect(store.stats().movesWaiting).toBe(4)
    store.clear()
    fill(store, 6)
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(store.stats()).toMatchObject({ promotions: 0, movesWaiting: 0, entries: 6 })
    store.get('key 0')
    expect(store.settle()).toBe(1)
    expectFilled(store, 6)
  })

  test('an entry that takes the number of one with a time to live has none', () => {
    let now = 0
    const store = new KvStore(cxl, { clock: () => now })
    store.put('old', value(0), { ttl: 5 })
    store.clear()
    fill(store, 3)
    now = 10
    expectFilled(store, 3)
    store.put('new', value(4), { ttl: 5 })
    now = 20
    expect([store.has('new'), store.has('key 1')]).toEqual([false, true])
  })

  test('iterators that are under way end, or go on with what is new', () => {
    const store = new KvStore(cxl)
    fill(store, 70_000)
    const [first, second] = [store.entries(), store.keys()]
    for (let i = 0; i < 66_000; i++) first.next()
    second.next()
    store.clear()
    expect(first.next().done).toBe(true)
    fill(store, 10)
    const rest = [...second]
    expect(rest.length).toBeGreaterThan(0)
    expect(rest.every((key) => store.has(key))).toBe(true)
  })

  test('large values, and those of many sizes, go too', () => {
    const store = new KvStore(cxl, { local: { bytes: 2 ** 22 } })
    for (const count of [3, 5]) {
      for (let i = 0; i < count; i++) store.put(`large ${i}`, Buffer.alloc(2 ** 20 * (i + 1), i))
      for (let i = 0; i < 500; i++) store.put(`small ${i}`, Buffer.alloc(20 * i, i))
      store.clear()
      expect(cxl.mappings()).toEqual([])
      expect(store.stats()).toMatchObject({ local: { bytesMapped: 0 }, remote: { bytesMapped: 0 } })
    }
  })

  test('it is refused while view() lends memory out, and changes nothing then', () => {
    const store = new KvStore(cxl)
    fill(store, 3)
    store.view('key 1', () => expect(() => store.clear()).toThrow(EmucxlError))
    expectFilled(store, 3)
  })
})
