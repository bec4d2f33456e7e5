// Values that a codec cannot encode, or that are too large: they are refused by name, at no price, and nothing
// of the store changes.

import { type Emucxl, KvStore } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'
import { expectFailure, failureOf, rangeError } from '../memory/refusal.js'

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
})
