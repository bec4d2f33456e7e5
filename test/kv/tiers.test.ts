// Room in the tiers: what goes for what, where limits, nodes and slabs are full, and moves that wait.

import { setImmediate as turn } from 'node:timers/promises'
import {
  type Emucxl,
  EmucxlError,
  KvStore,
  type KvStoreOptions,
  LOCAL_MEMORY,
  type Policy,
  policies,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { glibcRand } from '../../bench/harness/glibc-rand.js'
import { keep } from '../memory/collect.js'
import { eachBackend } from '../memory/each-backend.js'
import { failureOf } from '../memory/refusal.js'

const KiB = 1024
const NAMES = Object.keys(policies) as (keyof typeof policies)[]

eachBackend(({ open }) => {
  let cxl: Emucxl
  const stores: KvStore[] = []
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => {
    for (const store of stores.splice(0)) store.destroy()
    if (!cxl.closed) expect(cxl.mappings()).toEqual([])
    cxl.close()
  })
  const make = (options: KvStoreOptions, context = cxl): KvStore => {
    const store = new KvStore(context, options)
    stores.push(store)
    return store
  }

  describe('entries of different sizes in tiers of few bytes', () => {
    test.each(NAMES)('%s: a put that fits succeeds, and keeps its own entry', (policy) => {
      for (let seed = 1; seed <= 40; seed++) {
        const rand = glibcRand(seed)
        using store = new KvStore(cxl, { local: { bytes: 200 }, remote: { bytes: 200 }, policy })
        for (let i = 0; i < 30; i++) {
          const key = `key${rand() % 6}`
          const value = new Uint8Array(rand() % 120).fill(i)
          store.put(key, value)
          expect(store.get(key)).toEqual(value)
          const { local, remote } = store.stats()
          expect(local.bytes).toBeLessThanOrEqual(200)
          expect(remote.bytes).toBeLessThanOrEqual(200)
        }
      }
    })
  })

  describe('a node that is full of objects of one size', () => {
    const SMALL = 60
    const LARGE = 900

    /** A store whose nodes are full of small entries, of which some were deleted, all over the slabs. */
    const full = () => {
      const context = open({ capacity: { local: 512 * KiB, remote: 512 * KiB } })
      const store = new KvStore(context)
      for (let i = 0; store.stats().evictions === 0; i++)
        store.put(`${i}`, new Uint8Array(SMALL).fill(i))
      return { context, store }
    }

    test('gives way to another size for not much more than that takes', () => {
      const { context, store } = full()
      const wanted = 100
      const before = store.stats()
      for (let i = 0; i < wanted; i++) store.put(`large ${i}`, new Uint8Array(LARGE).fill(i))
      const after = store.stats()
      const gone = (after.evictions - before.evictions) * (SMALL + 8)
      expect(gone).toBeGreaterThan(0)
      expect(gone).toBeLessThan(2 * wanted * (LARGE + 12))
      for (const [key, value] of store) {
        const i = Number(`${key}`.replace('large ', ''))
        const isRight = value.every((byte) => byte === (i & 0xff))
        const length = `${key}`.startsWith('large') ? LARGE : SMALL
        if (!isRight || value.length !== length) expect(key).toBe('as it was put')
      }
      expect(store.size).toBe([...store.keys()].length)
      store.destroy()
      expect(context.mappings()).toEqual([])
      context.close()
    })

    test('gives way to an object of its own region', () => {
      const { context, store } = full()
      for (let i = 0; i < 5; i++) {
        store.put(`region ${i}`, new Uint8Array(100 * KiB).fill(i))
        expect(store.get(`region ${i}`)).toEqual(new Uint8Array(100 * KiB).fill(i))
      }
      expect(store.size).toBeGreaterThan(3000)
      context.close()
    })

    test('takes what was deleted for its own size', () => {
      const { context, store } = full()
      const { size } = store
      const some = [...store.keys()].filter((_, i) => i % 3 === 0)
      for (const key of some) store.delete(key)
      const { evictions } = store.stats()
      for (const key of some) store.put(key, new Uint8Array(SMALL))
      expect(store.stats().evictions).toBe(evictions)
      expect(store.size).toBe(size)
      context.close()
    })
  })

  test('a promotion that needs too much room leaves both tiers within their limits', () => {
    const store = make({
      ...{ policy: 'policy2', whenFull: 'error' },
      ...{ local: { bytes: 240 }, remote: { objects: 1 } },
    })
    store.put('large', new Uint8Array(200))
    store.demote('large')
    store.put('a', new Uint8Array(90))
    store.put('b', new Uint8Array(90))
    expect(store.promote('large')).toBe(false)
    expect(store.stats()).toMatchObject({ local: { entries: 2 }, remote: { entries: 1 } })
  })

  test('a local entry that remote memory cannot hold is evicted for another one', () => {
    const store = make({ local: { objects: 2 }, remote: { bytes: 50 } })
    store.put('large', new Uint8Array(90))
    store.put('small', Uint8Array.of(1))
    store.put('new', Uint8Array.of(2))
    expect([...store.keys()].sort()).toEqual(['new', 'small'])
    expect(store.stats()).toMatchObject({ local: { entries: 2 }, evictions: 1, demotions: 0 })
  })

  test('without remote memory the store is a cache in local memory', () => {
    const store = make({ local: { objects: 2 }, remote: { objects: 0 } })
    for (const key of ['a', 'b', 'c']) store.put(key, Uint8Array.of(1))
    expect([...store.keys()].sort()).toEqual(['b', 'c'])
  })

  test('where nothing may be evicted, an entry that remote memory cannot hold stays', async () => {
    const store = make({ local: { objects: 1 }, remote: { bytes: 50 }, whenFull: 'error' })
    store.put('large', new Uint8Array(90))
    store.put('small', Uint8Array.of(1))
    expect([store.tierOf('large'), store.tierOf('small')]).toEqual(['local', 'remote'])
    const failure = await failureOf(() => store.put('also large', new Uint8Array(60)))
    expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
    expect(store.size).toBe(2)
  })

  describe('entries of two sizes change places within the limits', () => {
    // Objects of 97 and of 104 bytes have the same room, so that their entries can change places.
    const [SMALL, LARGE] = [new Uint8Array(92), new Uint8Array(99)]

    test.each([
      [103, false],
      [104, true],
    ])('of %d bytes in remote memory, to which the larger one goes: %s', (bytes, isPromoted) => {
      const limits = { local: { bytes: 104 }, remote: { bytes } }
      const store = make({ ...limits, policy: 'policy2', whenFull: 'error' })
      store.put('a', SMALL)
      store.demote('a')
      store.put('b', LARGE)
      expect(store.promote('a')).toBe(isPromoted)
      const { local, remote } = store.stats()
      expect([local.bytes, remote.bytes]).toEqual(isPromoted ? [97, 104] : [104, 97])
    })

    test.each([
      [200, false],
      [201, true],
    ])('of %d bytes in local memory, to which the larger one goes: %s', (bytes, isPromoted) => {
      const limits = { local: { bytes }, remote: { bytes: 104 } }
      const store = make({ ...limits, policy: 'policy2', whenFull: 'error' })
      store.put('a', LARGE)
      store.demote('a')
      for (const key of ['b', 'c']) store.put(key, SMALL)
      expect(store.promote('a')).toBe(isPromoted)
      const { local, remote } = store.stats()
      expect([local.bytes, remote.bytes]).toEqual(isPromoted ? [201, 97] : [194, 104])
    })
  })

  test('a value stays where it is until it has less than half of its room', () => {
    const context = open({ capacity: { local: 1024 * KiB, remote: 1024 * KiB } })
    const store = make({}, context)
    const put = (bytes: number) => {
      store.put('key', new Uint8Array(bytes - 'key'.length - 4))
      return store.stats().local
    }
    expect(put(100 * KiB)).toMatchObject({ bytes: 100 * KiB, bytesMapped: 100 * KiB })
    expect(put(50 * KiB)).toMatchObject({ bytes: 50 * KiB, bytesMapped: 100 * KiB })
    expect(put(50 * KiB - 8)).toMatchObject({ bytes: 50 * KiB - 8, bytesMapped: 52 * KiB })
    store.destroy()
    context.close()
  })

  test('what no node can hold is refused before anything goes for it', async () => {
    const context = open({ capacity: { local: 1024 * KiB, remote: 1024 * KiB } })
    const store = make({}, context)
    for (let i = 0; i < 1000; i++) store.put(`${i}`, Uint8Array.of(i))
    for (const key of ['new', '5']) {
      const failure = await failureOf(() => store.put(key, new Uint8Array(2048 * KiB)))
      expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
    }
    expect([store.size, store.get('5')]).toEqual([1000, Uint8Array.of(5)])
    store.destroy()
    context.close()
  })

  test('memory that somebody else gives back is used at once', () => {
    const context = open({ capacity: { local: 64 * KiB, remote: 64 * KiB } })
    const others = [context.alloc(32 * KiB, 0), context.alloc(32 * KiB, 1)] as const
    const store = make({ whenFull: 'error' }, context)
    let count = 0
    const fill = () => {
      for (;;) {
        try {
          store.put(`${count}`, new Uint8Array(500))
          count++
        } catch {
          return count
        }
      }
    }
    const before = fill()
    for (const block of others) context.free(block)
    expect(fill()).toBeGreaterThan(1.8 * before)
    store.destroy()
    context.close()
  })

  test.each([
    ['an object of its own region', 20 * KiB],
    ['a larger slab', 2000],
  ])('a node that has refused %s gives a small one', async (_, length) => {
    const context = open({ capacity: { local: 64 * KiB } })
    keep(context.alloc(56 * KiB, LOCAL_MEMORY))
    const store = make({ remote: { objects: 0 }, whenFull: 'error' }, context)
    const failure = await failureOf(() => store.put('refused', new Uint8Array(length)))
    expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
    store.put('small', Uint8Array.of(1))
    expect(store.get('small')).toEqual(Uint8Array.of(1))
    store.destroy()
    context.close()
  })

  test('a node that has refused a slab is asked again once the store has given memory back', async () => {
    const store = make({ remote: { objects: 0 }, whenFull: 'error' })
    const large = new Uint8Array(2048 * KiB)
    store.put('large', large)
    const { available } = cxl.stats(LOCAL_MEMORY)
    // Of a kernel without memory the account of the node knows nothing.
    const alloc = vi.spyOn(cxl, 'alloc').mockImplementation(() => {
      throw new EmucxlError('ERR_EMUCXL_NO_MEMORY', 'the kernel has none')
    })
    const failure = await failureOf(() => store.put('small', Uint8Array.of(1)))
    expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
    alloc.mockRestore()
    store.delete('large')
    store.put('large', large)
    expect(cxl.stats(LOCAL_MEMORY).available).toBe(available)
    store.put('small', Uint8Array.of(1))
    expect(store.get('small')).toEqual(Uint8Array.of(1))
  })

  test('a node that has refused a slab is not asked again before it has more memory', async () => {
    const context = open({ capacity: { local: 4 * KiB } })
    const store = make({ remote: { objects: 0 }, whenFull: 'error' }, context)
    store.put('there', Uint8Array.of(1))
    const alloc = vi.spyOn(context, 'alloc')
    for (const length of [100, 100, 200, 300]) {
      const failure = await failureOf(() => store.put('new', new Uint8Array(length)))
      expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
    }
    expect(alloc).toHaveBeenCalledTimes(1)
    context.setCapacity(LOCAL_MEMORY, 8 * KiB)
    store.put('new', new Uint8Array(300))
    expect(alloc).toHaveBeenCalledTimes(2)
    store.destroy()
    context.close()
  })

  test.each(['error', 'evict'] as const)('expired entries go first: %s', (whenFull) => {
    let now = 0
    const limits = { local: { objects: 5 }, remote: { objects: 5 } }
    const store = make({ ...limits, whenFull, clock: () => now })
    for (let i = 0; i < 10; i++) store.put(`${i}`, Uint8Array.of(i), { ttl: i < 5 ? 10 : 1000 })
    now = 100
    for (let i = 10; i < 15; i++) store.put(`${i}`, Uint8Array.of(i))
    expect([...store.keys()].sort()).toEqual([
      '10',
      '11',
      '12',
      '13',
      '14',
      '5',
      '6',
      '7',
      '8',
      '9',
    ])
    expect(store.stats()).toMatchObject({ evictions: 0, expirations: 5, entries: 10 })
  })

  describe('moves that wait', () => {
    const limits = { local: { objects: 2 }, remote: { objects: 8 } }
    const filled = (options: KvStoreOptions = {}) => {
      const store = make({ ...limits, mover: true, ...options })
      for (let i = 0; i < 8; i++) store.put(`${i}`, Uint8Array.of(i))
      return store
    }

    test('are done when the call is over, in the order of the reads', async () => {
      const store = filled()
      expect(store.get('0')).toEqual(Uint8Array.of(0))
      store.get('1')
      store.get('0')
      expect(store.tierOf('0')).toBe('remote')
      expect(store.stats()).toMatchObject({ promotions: 0, movesWaiting: 2, remoteHits: 3 })
      await turn()
      await turn()
      expect([store.tierOf('0'), store.tierOf('1')]).toEqual(['local', 'local'])
      expect(store.stats()).toMatchObject({ promotions: 2, movesWaiting: 0, entries: 8 })
    })

    test('settle does them at once', () => {
      const store = filled()
      expect(store.settle()).toBe(0)
      for (const key of ['0', '1', '2']) store.get(key)
      expect(store.settle()).toBe(3)
      expect([store.tierOf('1'), store.tierOf('2')]).toEqual(['local', 'local'])
      expect(make(limits).settle()).toBe(0)
    })

    test('what is deleted meanwhile, or local by then, does not move', () => {
      const store = filled()
      for (const key of ['0', '1', '2']) store.get(key)
      store.delete('0')
      expect(store.stats().movesWaiting).toBe(2)
      store.put('new', Uint8Array.of(9)) // which has the number of the one that is gone
      store.demote('new')
      store.promote('1')
      expect(store.settle()).toBe(1)
      expect([store.tierOf('new'), store.tierOf('2')]).toEqual(['remote', 'local'])
    })

    test('of more entries than can move in one turn go on in the next ones', async () => {
      const store = make({ local: { objects: 500 }, mover: { budgetMs: 1e-6 } })
      for (let i = 0; i < 1000; i++) store.put(`${i}`, new Uint8Array(100))
      for (let i = 0; i < 500; i++) store.get(`${i}`)
      const waiting = [store.stats().movesWaiting]
      while (waiting.at(-1) !== 0) {
        await turn()
        waiting.push(store.stats().movesWaiting)
      }
      expect(waiting.length).toBeGreaterThan(10)
      expect(store.stats()).toMatchObject({ promotions: 500, local: { entries: 500 } })
    })

    test('are 65,536 at most; of more, those that are read again ask again', async () => {
      const most = 1 << 16
      const count = most + 1000
      const store = make({ local: { objects: 100 }, mover: { budgetMs: 1e-6 } })
      for (let i = 0; i < count; i++) store.put(`${i}`, Uint8Array.of(i))
      const readAll = () => {
        for (let i = 0; i < count; i++) store.get(`${i}`)
        return store.stats().movesWaiting
      }
      expect(readAll()).toBe(most)
      await turn()
      expect(store.stats().movesWaiting).toBeLessThan(most)
      expect(readAll()).toBe(most)
    })

    test('of a policy that fails are told by the next call that changes the store', async () => {
      let fails = false
      const store = filled({
        policy: (host) => {
          const real: Policy = policies.lru(host)
          return {
            ...Object.fromEntries(
              ['added', 'hit', 'demoted', 'removed', 'localVictim', 'remoteVictim'].map((name) => [
                name,
                (real[name as keyof Policy] as (...args: unknown[]) => unknown).bind(real),
              ]),
            ),
            promoted(entry: number) {
              real.promoted(entry)
              if (fails) throw new Error('mine')
            },
          } as Policy
        },
      })
      fails = true
      store.get('0')
      await turn()
      await turn()
      fails = false
      expect(store.get('1')).toEqual(Uint8Array.of(1))
      expect((await failureOf(() => store.put('2', Uint8Array.of(2)))).message).toBe('mine')
      store.put('2', Uint8Array.of(2))
      expect(store.size).toBe(8)
    })

    test('are forgotten with the store', async () => {
      for (const end of [(store: KvStore) => store.destroy(), () => cxl.close()]) {
        const store = filled()
        store.get('0')
        end(store)
        await turn()
        await turn()
      }
    })

    test.each([
      [0, 'options.mover.budgetMs must be more than 0'],
      [-1, 'options.mover.budgetMs must be more than 0'],
      [Number.NaN, 'options.mover.budgetMs must be more than 0'],
      ['1', 'options.mover.budgetMs must be a number of milliseconds'],
    ])('a budget of %s is refused', async (budgetMs, says) => {
      const mover = { budgetMs: budgetMs as number }
      expect((await failureOf(() => new KvStore(cxl, { mover }))).message).toContain(says)
    })

    test.each([5, 'yes', null])('a mover %s is refused', async (mover) => {
      const failure = await failureOf(() => new KvStore(cxl, { mover: mover as never }))
      expect(failure.message).toContain('options.mover')
    })
  })
})
