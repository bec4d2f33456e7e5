// Options of a store, of put() and of policies: what is wrong is named.

import { type Emucxl, KvStore, LOCAL_MEMORY, REMOTE_MEMORY, threshold } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'

describe('threshold()', () => {
  test.each([
    [null, typeError('options must be an object')],
    [5, typeError('options must be an object')],
    [{ hits: '2' }, typeError('options.hits must be a number, not')],
    [{ hits: null }, typeError('options.hits must be a number, not null')],
    [{ hits: 0 }, rangeError('options.hits must be a whole number from 1 to 255, not 0')],
    [{ hits: 256 }, rangeError('options.hits must be a whole number from 1 to 255')],
    [{ hits: 1.5 }, rangeError('options.hits must be a whole number from 1 to 255')],
    [{ hits: Number.NaN }, rangeError('options.hits must be a whole number from 1 to 255')],
    [{ window: '2' }, typeError('options.window must be a number, not')],
    [{ window: null }, typeError('options.window must be a number, not null')],
    [{ window: 2n }, typeError('options.window must be a number, not')],
    [{ window: 0 }, rangeError('options.window must be more than 0, not 0')],
    [{ window: Number.NaN }, rangeError('options.window must be more than 0, not NaN')],
  ])('refuses %o by name', async (options, wanted) => {
    expectFailure(await failureOf(() => threshold(options as never)), wanted)
  })

  test('takes what is left out, and no end of the window', () => {
    for (const options of [undefined, {}, { hits: undefined }, { hits: 255, window: Infinity }]) {
      expect(threshold(options as never)).toBeTypeOf('function')
    }
  })
})

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  test.each([
    ['3', typeError('options.local.objects must be a number, not')],
    [null, typeError('options.local.objects must be a number, not null')],
    [0.5, rangeError('options.local.objects must be a whole number from 0 to 2^53 - 1, not 0.5')],
  ])('local: { objects: %o }: it counts entries, not bytes', async (objects, wanted) => {
    const make = () => new KvStore(cxl, { local: { objects: objects as number } })
    expectFailure(await failureOf(make), wanted)
  })

  describe('remote: { node }', () => {
    test.each([77, -1, 1.5, Number.NaN, Infinity])('%d: there is no such node', async (node) => {
      const error = await failureOf(() => new KvStore(cxl, { remote: { node } }))
      const there =
        /^options\.remote\.node: this context has the nodes 0 \(local, .* and 1 \(remote, /
      expectFailure(error, emucxlError('BAD_NODE', there, `not ${node}`))
    })

    test.each(['1', null, true, 1n, {}])('%o: no number', async (node) => {
      const error = await failureOf(() => new KvStore(cxl, { remote: { node: node as number } }))
      expectFailure(error, typeError('options.remote.node must be the number of a node, not'))
    })

    test('0: both tiers are in local memory', () => {
      const store = new KvStore(cxl, { local: { objects: 1 }, remote: { node: LOCAL_MEMORY } })
      for (const key of ['a', 'b']) store.put(key, Buffer.from(key))
      expect(store.tierOf('a')).toBe('remote')
      expect(store.get('a')).toEqual(Uint8Array.of(97))
      expect(cxl.stats(REMOTE_MEMORY).mapped).toBe(0)
    })
  })

  describe('ttl: null', () => {
    const wanted = typeError('options.ttl must be a number of milliseconds, not null')

    test('of a store', async () => {
      const make = () => new KvStore(cxl, { ttl: null as never })
      expectFailure(await failureOf(make), wanted)
    })

    test.each([undefined, 5])('of put(), where the store has %s', async (ttl) => {
      const store = new KvStore(cxl, { ttl: ttl as never, clock: () => 0 })
      const put = () => store.put('key', Buffer.of(1), { ttl: null as never })
      expectFailure(await failureOf(put), wanted)
      expect(store.size).toBe(0)
    })
  })
})
