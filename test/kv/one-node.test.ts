// Both tiers on one node: they have the same memory, so that room in one is room in the other.

import { type Emucxl, KvStore, type KvStoreOptions, LOCAL_MEMORY, type PolicyFactory } from 'emucxl'
import { afterEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { failureOf } from '../memory/refusal.js'

const KiB = 1024

/** First in, first out; nothing is promoted but by promote(). */
const fifo: PolicyFactory = (host) => {
  const local = host.list()
  const remote = host.list()
  return {
    added: (entry) => local.pushFront(entry),
    hit: () => false,
    promoted(entry) {
      remote.remove(entry)
      local.pushFront(entry)
    },
    demoted(entry) {
      local.remove(entry)
      remote.pushFront(entry)
    },
    removed: (entry, tier) => (tier === 'local' ? local : remote).remove(entry),
    localVictim: () => local.back,
    remoteVictim: () => remote.back,
  }
}

eachBackend(({ open }) => {
  describe('both tiers on one node', () => {
    let cxl: Emucxl
    let store: KvStore
    /** A store on a node of so many pages. */
    const make = (pages: number, { remote, ...options }: KvStoreOptions) => {
      cxl = open({ capacity: { local: 4 * KiB * pages } })
      store = new KvStore(cxl, {
        ...options,
        remote: { ...remote, node: LOCAL_MEMORY },
        policy: fifo,
      })
    }
    const put = (key: string, length: number) => {
      store.put(key, new Uint8Array(length).fill(key.charCodeAt(0)))
    }
    afterEach(() => {
      for (const [key, value] of store) {
        if (!value.every((byte) => byte === `${key}`.charCodeAt(0)))
          expect(key).toBe('as it was put')
      }
      store.destroy()
      expect(cxl.mappings()).toEqual([])
      cxl.close()
    })

    test('entries change places while the slabs of the one that is to be local are put together', () => {
      make(64, { local: { objects: 12 }, remote: { objects: 1 } })
      put('Entry', 496)
      store.demote('Entry')
      put('Victim', 300)
      // Two slabs of eight: one entry stays in the first, which gives out objects, and three in the second.
      for (let i = 0; i < 11; i++) put(`${i}`, 496)
      for (let i = 1; i < 8; i++) store.delete(`${i}`)
      for (let i = 0; i < 7; i++) put(`small ${i}`, 100)
      cxl.setCapacity(LOCAL_MEMORY, cxl.stats(LOCAL_MEMORY).mapped)
      expect(store.promote('Entry')).toBe(true)
      expect([store.tierOf('Entry'), store.tierOf('Victim')]).toEqual(['local', 'remote'])
      for (let i = 0; i < 7; i++) store.delete(`small ${i}`)
      for (let i = 0; i < 4; i++) put(`new ${i}`, 496)
      for (const key of [...store.keys()]) store.delete(key)
      expect(store.stats()).toMatchObject({ local: { entries: 0 }, remote: { entries: 0 } })
    })

    test.each([false, true])(
      'local entries go for one that only remote memory may have; an update: %s',
      async (isUpdate) => {
        make(8, { local: { bytes: 10 * KiB }, remote: { bytes: 30 * KiB } })
        for (const length of [300, 500, 700, 900, 1000]) put(`${length}`, length)
        if (isUpdate) put('large', 10)
        expect(store.stats().remote.entries).toBe(0)
        put('large', 20 * KiB)
        expect(store.tierOf('large')).toBe('remote')
        const { evictions } = store.stats()
        expect(evictions).toBeGreaterThan(0)
        const before = store.stats()
        const failure = await failureOf(() => put('larger', 29 * KiB + 4 * KiB))
        expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
        expect(store.stats()).toEqual(before)
      },
    )

    test('nothing moves for a promotion that the node cannot hold beside the entry itself', () => {
      make(16, {})
      put('large', 18 * KiB)
      store.demote('large')
      cxl.setCapacity(LOCAL_MEMORY, 36 * KiB)
      for (const length of [30, 40, 50]) put(`${length}`, length)
      const before = store.stats()
      expect(store.promote('large')).toBe(false)
      expect(store.stats()).toEqual(before)
    })

    test('where nothing may be evicted, no local entry goes for one that only remote memory may have', async () => {
      make(8, { local: { bytes: 10 * KiB }, whenFull: 'error' })
      for (const length of [300, 500, 700, 900, 1000]) put(`${length}`, length)
      const before = store.stats()
      const failure = await failureOf(() => put('large', 20 * KiB))
      expect(failure.code).toBe('ERR_EMUCXL_NO_MEMORY')
      expect(store.stats()).toEqual(before)
    })
  })
})
