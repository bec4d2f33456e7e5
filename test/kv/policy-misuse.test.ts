// Policies of a user's that are wrong: they name entries that are not there, throw, or use the store from
// inside. The call fails with an error that says so, nothing is lost, and the store can be used and ended.

import {
  type Emucxl,
  type EntryList,
  KvStore,
  type Policy,
  type PolicyFactory,
  type PolicyHost,
  policies,
} from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { type Failure, failureOf } from '../memory/refusal.js'

type Call = keyof Policy

/** LRU, one of whose functions can be replaced at any time. */
function replaceable(): { policy: PolicyFactory; replace: (call: Call, by?: unknown) => void } {
  const replaced = new Map<Call, unknown>()
  const policy: PolicyFactory = (host) => {
    const real = policies.lru(host)
    const around =
      (call: Call) =>
      (...args: unknown[]) => {
        const by = replaced.get(call)
        const result = (real[call] as (...args: unknown[]) => unknown)(...args)
        return typeof by === 'function' ? by(result) : result
      }
    const calls = ['added', 'hit', 'promoted', 'demoted', 'removed', 'localVictim', 'remoteVictim']
    return Object.fromEntries(
      calls.map((call) => [call, around(call as Call)]),
    ) as unknown as Policy
  }
  return {
    policy,
    replace: (call, by) => (by === undefined ? replaced.delete(call) : replaced.set(call, by)),
  }
}

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  const LOCAL = 3
  const REMOTE = 4

  /** A full store, with its policy, and a check that it is whole. */
  const full = () => {
    const { policy, replace } = replaceable()
    const limits = { local: { objects: LOCAL }, remote: { objects: REMOTE } }
    const store = new KvStore(cxl, { ...limits, policy, codec: 'utf8' })
    for (let i = 0; i < LOCAL + REMOTE; i++) store.put(`key${i}`, `value of key${i}`)
    const isWhole = (least = LOCAL + REMOTE) => {
      const found = [...store]
      expect(found.filter(([key, value]) => value !== `value of ${key}`)).toEqual([])
      const { entries, local, remote } = store.stats()
      const tiers = found.map(([key]) => store.tierOf(key))
      const count = (tier: string) => tiers.filter((each) => each === tier).length
      expect([entries, local.entries, remote.entries]).toEqual([
        ...[found.length, count('local'), count('remote')],
      ])
      expect(found.length).toBeGreaterThanOrEqual(least)
      expect(local.bytes).toBe(local.entries * (4 + 'key0value of key0'.length))
      expect(remote.bytes).toBe(remote.entries * (4 + 'key0value of key0'.length))
      expect(local.entries).toBeLessThanOrEqual(LOCAL)
      expect(remote.entries).toBeLessThanOrEqual(REMOTE)
    }
    const ends = () => {
      store.destroy()
      expect(cxl.mappings()).toEqual([])
    }
    return { store, replace, isWhole, ends }
  }

  const expectNamed = (error: Failure, call: string) => {
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toContain(`options.policy`)
    expect(error.message).toContain(call)
    expect(error.code).toMatch(/^ERR_/)
  }

  const BAD: [string, unknown][] = [
    ['NaN', Number.NaN],
    ['-1', -1],
    ['0.5', 0.5],
    ['2 ** 40', 2 ** 40],
    ['2 ** 31', 2 ** 31],
    ['Infinity', Infinity],
    ['a number that no entry has', 100_000],
    ['the end of a list', 0],
    ['a text', '5'],
    ['a bigint', 5n],
    ['undefined', undefined],
    ['an object', {}],
    ['a promise', Promise.resolve(5)],
  ]

  test.each(BAD)('%s as the next entry to leave', async (_, entry) => {
    const { store, replace, isWhole, ends } = full()
    replace('localVictim', () => entry)
    expectNamed(await failureOf(() => store.put('key7', 'value of key7')), 'localVictim()')
    expectNamed(await failureOf(() => store.get('key0')), 'localVictim()')
    expectNamed(await failureOf(() => store.promote('key0')), 'localVictim()')
    replace('localVictim')
    isWhole()
    replace('remoteVictim', () => entry)
    expectNamed(await failureOf(() => store.put('key8', 'value of key8')), 'remoteVictim()')
    replace('remoteVictim')
    isWhole()
    store.put('key9', 'value of key9')
    isWhole()
    ends()
  })

  test('an entry of the other tier as the next to leave', async () => {
    const { store, replace, isWhole, ends } = full()
    const victims = { local: -1, remote: -1 }
    replace('localVictim', (entry: number) => (victims.local = entry))
    replace('remoteVictim', (entry: number) => (victims.remote = entry))
    store.put('key7', 'value of key7')
    // That one was demoted just now, and that one evicted: its number is free, or another's.
    const [demoted, evicted] = [victims.local, victims.remote]
    replace('localVictim', () => demoted)
    expectNamed(await failureOf(() => store.put('key8', 'value of key8')), 'localVictim()')
    replace('localVictim', () => evicted)
    replace('remoteVictim')
    store.delete('key7')
    replace('localVictim')
    isWhole(LOCAL + REMOTE - 1)
    ends()
  })

  const CALLS: Call[] = [
    ...(['added', 'hit', 'promoted', 'demoted', 'removed', 'localVictim', 'remoteVictim'] as const),
  ]

  test.each(CALLS)('%s() throws', async (call) => {
    const { store, replace, isWhole, ends } = full()
    replace(call, () => {
      throw new Error('mine')
    })
    const calls = [
      () => store.put('key7', 'value of key7'),
      () => store.put('key5', 'value of key5'),
      () => store.get('key3'),
      () => store.get('key6'),
      () => store.view('key6', () => 0),
      () => store.promote('key4'),
      () => store.demote('key6'),
      () => store.delete('key5'),
    ]
    let thrown = 0
    for (const each of calls) {
      try {
        each()
      } catch (error) {
        thrown++
        // Its own error is to be found, as it is or as a cause.
        const { message, cause } = error as Error
        expect([message, (cause as Error | undefined)?.message]).toContain('mine')
      }
    }
    expect(thrown).toBeGreaterThan(0)
    replace(call)
    isWhole(1)
    store.put('after', 'value of after')
    expect(store.get('after')).toBe('value of after')
    store.clear()
    expect([store.size, store.stats().local.bytes, store.stats().remote.bytes]).toEqual([0, 0, 0])
    ends()
  })

  const USES: [string, (store: KvStore<'utf8'>, cxl: Emucxl) => unknown][] = [
    ['put()', (store) => store.put('other', 'another value')],
    ['get()', (store) => store.get('key1')],
    ['delete()', (store) => store.delete('key1')],
    ['promote()', (store) => store.promote('key1')],
    ['demote()', (store) => store.demote('key6')],
    ['clear()', (store) => store.clear()],
    ['destroy()', (store) => store.destroy()],
  ]

  describe.each(USES)('a policy that calls %s', (name, use) => {
    test.each(CALLS)('in %s()', async (call) => {
      const { store, replace, isWhole, ends } = full()
      const failures: Failure[] = []
      let uses = 0
      replace(call, (result: unknown) => {
        uses++
        if (uses > 5) return result
        try {
          use(store, cxl)
        } catch (error) {
          failures.push(error as Failure)
        }
        return result
      })
      const calls = [
        () => store.put('key7', 'value of key7'),
        () => store.put('key6', 'value of key6'),
        () => store.get('key4'),
        () => store.delete('key5'),
      ]
      for (const each of calls) each()
      replace(call)
      expect(uses).toBeGreaterThan(0)
      // Reading may be allowed, or not; changes are refused, with the remedy.
      expect(failures).toHaveLength(Math.min(uses, 5))
      for (const { code, message } of failures) {
        expect([code, message]).toEqual(['ERR_EMUCXL_BUSY', expect.stringContaining('policy')])
      }
      expect(name).toBeTruthy()
      isWhole(LOCAL + REMOTE - 2)
      ends()
    })
  })

  describe('a list that a policy uses wrongly says so, and harms nothing', () => {
    type Lists = Record<'local' | 'remote', EntryList>
    type Wrong = (lists: Lists, entry: number, host: PolicyHost) => unknown

    /** LRU by hand, which does something wrong where it is told of the hit of an entry. */
    const store = (wrong: Wrong, forgets = true) => {
      const policy: PolicyFactory = (host) => {
        const lists: Lists = { local: host.list(), remote: host.list() }
        return {
          added: (entry) => lists.local.pushFront(entry),
          hit: (entry) => {
            wrong(lists, entry, host)
            return false
          },
          promoted(entry) {
            lists.remote.remove(entry)
            lists.local.pushFront(entry)
          },
          demoted(entry) {
            lists.local.remove(entry)
            lists.remote.pushFront(entry)
          },
          removed: (entry, tier) => forgets && lists[tier].remove(entry),
          localVictim: () => lists.local.back,
          remoteVictim: () => lists.remote.back,
        } as Policy
      }
      const made = new KvStore(cxl, { policy, local: { objects: 3 }, codec: 'utf8' })
      for (let i = 0; i < 6; i++) made.put(`key${i}`, `value of key${i}`)
      return made
    }

    test.each<[string, Wrong]>([
      ['no entry', ({ local }) => local.pushFront(1000)],
      ['nothing', ({ local }) => local.pushBack(undefined as never)],
      ['a negative number', ({ remote }) => remote.moveToFront(-1)],
      ['a fraction', ({ remote }) => remote.remove(0.5)],
      ['its own end', ({ remote }) => remote.remove(remote.end)],
      ['the end of another', ({ local, remote }) => remote.pushFront(local.end)],
      ['before no entry', ({ local }) => local.before(99)],
      ['after text', ({ local }) => local.after('x' as never)],
      ['the hash of no entry', (_, __, host) => host.hash(12345)],
    ])('%s', async (_, wrong) => {
      const made = store(wrong)
      const failure = await failureOf(() => made.get('key0'))
      expect([failure.code, failure.message]).toEqual([
        ...['ERR_EMUCXL_BAD_POLICY', expect.stringContaining('options.policy')],
      ])
      for (const [key, value] of made) expect(value).toBe(`value of ${key}`)
      expect(made.size).toBe(6)
      made.delete('key0')
      made.put('key9', 'value of key9')
      expect(made.size).toBe(6)
      made.destroy()
      expect(cxl.mappings()).toEqual([])
    })

    test('entries that it keeps when they are gone', async () => {
      const made = store(() => undefined, false)
      made.delete('key5')
      made.delete('key1')
      const failures = new Set<string | undefined>()
      for (let i = 0; i < 50; i++) {
        const call = () =>
          i % 3 === 0 ? made.delete(`key${i % 7}`) : made.put(`key${i % 7}`, `${i}`)
        try {
          call()
        } catch (error) {
          failures.add((error as Failure).code)
        }
      }
      expect([...failures]).toEqual(['ERR_EMUCXL_BAD_POLICY'])
      expect([...made.keys()]).toHaveLength(made.size)
      made.destroy()
      expect(cxl.mappings()).toEqual([])
    })
  })

  test('a factory that throws, or makes no policy, leaves nothing', async () => {
    for (const policy of [() => undefined, () => ({}), () => ({ added() {} })] as never[]) {
      const error = await failureOf(() => new KvStore(cxl, { policy }))
      expect([error.name, error.message]).toEqual([
        ...['TypeError', expect.stringContaining('options.policy')],
      ])
    }
    const throwing = () => {
      throw new Error('mine')
    }
    expect(() => new KvStore(cxl, { policy: throwing as never })).toThrow('mine')
    expect(cxl.mappings()).toEqual([])
  })
})
