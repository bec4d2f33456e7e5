// Values that a codec cannot encode, or that are too large: they are refused by name, at no price, and nothing
// of the store changes.

import { type Emucxl, KvStore } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'

const MiB = 1 << 20

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  describe('text that is too long', () => {
    const says = rangeError('value must be at most 100 bytes: see maxValueBytes, not 101')

    test.each(['utf8', 'json'] as const)('%s: refused by its bytes', async (codec) => {
      const store = new KvStore(cxl, { codec, maxValueBytes: 100 })
      const quotes = codec === 'json' ? 2 : 0
      const fits = ['x'.repeat(100 - quotes), 'é'.repeat(50 - quotes / 2), '日'.repeat(32)]
      for (const text of fits) {
        store.put('key', text)
        expect(store.get('key')).toBe(text)
      }
      for (const text of ['x'.repeat(101 - quotes), `x${'é'.repeat(50 - quotes / 2)}`]) {
        expectFailure(await failureOf(() => store.put('key', text)), says)
      }
      expect(store.get('key')).toBe(fits.at(-1))
    })

    test('refused before it is encoded, where its length says enough', async () => {
      const store = new KvStore(cxl, { codec: 'utf8' })
      const text = 'x'.repeat(500 * MiB)
      const before = process.memoryUsage()
      const error = await failureOf(() => store.put('key', text))
      const after = process.memoryUsage()
      expectFailure(error, rangeError('value must be at most 67108864 bytes: see maxValueBytes'))
      expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MiB)
      expect(after.rss - before.rss).toBeLessThan(200 * MiB)
      expect(store.size).toBe(0)
    })
  })

  describe('what JSON cannot hold', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = [cycle]
    const jsonStore = () => {
      const store = new KvStore(cxl, { codec: 'json' })
      store.put('key', 'before')
      const before = store.stats()
      const isUntouched = () => {
        expect([store.get('key'), store.size]).toEqual(['before', 1])
        expect(store.stats()).toEqual({ ...before, localHits: 1 })
      }
      return { store, isUntouched }
    }

    test.each([
      ['a cycle', cycle],
      ['a bigint', 1n],
      ['a bigint inside', { deep: [{ in: 2n }] }],
      ['a cycle that toJSON makes', { toJSON: () => cycle }],
    ])('%s: refused by name, with what JSON.stringify says', async (_, value) => {
      const { store, isUntouched } = jsonStore()
      const error = await failureOf(() => store.put('key', value))
      expectFailure(error, typeError('value must be what JSON can hold ('))
      expect(error.cause).toBeInstanceOf(TypeError)
      expect(error.cause).not.toHaveProperty('code')
      isUntouched()
    })

    test.each([undefined, () => 0, Symbol('none'), { toJSON: () => undefined }])(
      '%o: refused by name',
      async (value) => {
        const { store, isUntouched } = jsonStore()
        const error = await failureOf(() => store.put('key', value))
        expectFailure(error, typeError('value must be what JSON can hold, not'))
        expect(error).not.toHaveProperty('cause')
        isUntouched()
      },
    )

    test.each([new Error('mine'), new TypeError('mine'), 'mine', undefined])(
      'what code of the value throws passes as it is: %o',
      (thrown) => {
        const throws = () => {
          throw thrown
        }
        const values = [
          { toJSON: throws },
          Object.defineProperty({}, 'get', { get: throws, enumerable: true }),
          new Proxy({}, { ownKeys: throws }),
        ]
        for (const value of values) {
          const { store, isUntouched } = jsonStore()
          let caught: unknown = 'nothing'
          try {
            store.put('key', value)
          } catch (error) {
            caught = error
          }
          expect(caught).toBe(thrown)
          isUntouched()
        }
      },
    )
  })

  test.each([new TypeError('Do not know how to serialize a BigInt'), 'mine', undefined])(
    'what a codec of one’s own throws passes as it is: %o',
    (thrown) => {
      const encode = (value: number): Uint8Array => {
        if (value === 1) throw thrown
        return Buffer.of(value)
      }
      const decode = (bytes: Uint8Array) => bytes[0] as number
      const store = new KvStore(cxl, { codec: { encode, decode } })
      store.put('key', 2)
      const before = store.stats()
      let caught: unknown = 'nothing'
      try {
        store.put('key', 1)
      } catch (error) {
        caught = error
      }
      expect(caught).toBe(thrown)
      expect(store.stats()).toEqual(before)
      expect(store.get('key')).toBe(2)
    },
  )
})
