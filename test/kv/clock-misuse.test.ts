// Clocks that use the store from inside: they run in the middle of its calls.

import { type Emucxl, KvStore } from 'emucxl'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf } from '../memory/refusal.js'

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  /** A store whose clock does something the n-th time it is looked at from now on. */
  const timed = () => {
    let left = 0
    let act = () => {}
    const clock = () => {
      if (--left === 0) act()
      return 0
    }
    const store = new KvStore(cxl, { codec: 'utf8', ttl: 50, clock })
    store.put('there', 'still')
    const after = (looks: number, what: () => void) => {
      left = looks
      act = what
    }
    return { store, after }
  }

  test.each([1, 2, 3])('a put at the clock’s look %i changes no other put', (looks) => {
    const { store, after } = timed()
    after(looks, () => store.put('inner', 'what the clock put'))
    store.put('outer', 'mine')
    after(0, () => {})
    expect(store.get('outer')).toBe('mine')
    expect([undefined, 'what the clock put']).toContain(store.get('inner'))
    expect(store.get('there')).toBe('still')
  })

  test.each([
    ['destroys', (store: KvStore<'utf8'>) => store.destroy()],
    ['closes the context', () => cxl.close()],
  ])('it %s: the call is refused, and nothing is left', async (_, end) => {
    for (const call of [
      (store: KvStore<'utf8'>) => store.get('there'),
      (store: KvStore<'utf8'>) => store.has('there'),
      (store: KvStore<'utf8'>) => store.delete('there'),
      (store: KvStore<'utf8'>) => store.view('there', () => 0),
      (store: KvStore<'utf8'>) => store.put('there', 'other'),
      (store: KvStore<'utf8'>) => store.put('fresh', 'other'),
      (store: KvStore<'utf8'>) => [...store],
    ]) {
      for (const looks of [1, 2]) {
        if (cxl.closed) cxl = open()
        const { store, after } = timed()
        let ended = false
        after(looks, () => {
          ended = true
          end(store)
        })
        try {
          call(store)
          after(0, () => {})
          if (!ended) store.destroy() // it did not look so often
        } catch (error) {
          expectFailure(error as Error, emucxlError('CLOSED', 'store'))
        }
        expectFailure(await failureOf(() => store.get('there')), emucxlError('CLOSED', 'store'))
        expect([store.size, cxl.closed || cxl.mappings().length]).toEqual([0, cxl.closed || 0])
      }
    }
  })
})
