// Keys and values that mean harm: each is refused with an error that names it, or taken as what it is; nothing
// else is lost.

import { type Emucxl, type PolicyFactory, policies } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeyAtHand } from '../../dist/lib/kv/keys.js'
import { HashIndex } from '../../lib/kv/hash-index.js'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'
import { filled } from './filled.js'

const detached = () => {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

/** A view that is outside of its buffer since that was made smaller. */
const outside = () => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 } as never)
  const bytes = new Uint8Array(buffer, 4, 4)
  ;(buffer as unknown as { resize(length: number): void }).resize(2)
  return bytes
}

/** Bytes 1 to 4, of a class that says something else of their number. */
const lying = (length: unknown) => {
  class Liar extends Uint8Array {
    override get length() {
      return length as number
    }
  }
  return Liar.of(1, 2, 3, 4)
}

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  describe('keys and values', () => {
    test.each([
      ['detached', detached],
      ['outside of its buffer', outside],
    ])('%s: refused by name', async (_, make) => {
      const { store, isWhole } = filled(cxl)
      for (const call of [
        () => store.put(make(), Buffer.of(1)),
        () => store.get(make()),
        () => store.has(make()),
        () => store.delete(make()),
      ]) {
        expectFailure(await failureOf(call), emucxlError('DETACHED', 'key has no memory'))
      }
      const error = await failureOf(() => store.put('key', make()))
      expectFailure(error, emucxlError('DETACHED', 'value has no memory'))
      expect(store.size).toBe(9)
      isWhole()
    })

    test.each([0, 2, 5, 50_000, -1, -5, Number.NaN, '2', undefined, {}])(
      'of a length that is a lie, %s: taken as they are',
      (length) => {
        const { store, isWhole } = filled(cxl)
        const real = Uint8Array.of(1, 2, 3, 4)
        store.put(lying(length), lying(length))
        expect(store.get(real)).toEqual(real)
        const own = Object.defineProperty(Uint8Array.of(5, 6), 'length', { get: () => length })
        store.put(own, own)
        expect(store.get(Buffer.of(5, 6))).toEqual(Uint8Array.of(5, 6))
        store.put('next', Buffer.of(7))
        expect(store.size).toBe(12)
        isWhole()
      },
    )

    test('that grow while they are put: taken as they were', () => {
      const buffer = new ArrayBuffer(16, { maxByteLength: 4096 } as never)
      const value = new Uint8Array(buffer)
      const { lru } = policies
      const policy: PolicyFactory = (host) => {
        const real = lru(host)
        return Object.assign(Object.create(real), {
          added: (entry: number) => real.added(entry),
          hit: (entry: number, tier: 'local' | 'remote') => real.hit(entry, tier),
          promoted: (entry: number) => real.promoted(entry),
          demoted: (entry: number) => real.demoted(entry),
          removed: (entry: number, tier: 'local' | 'remote') => real.removed(entry, tier),
          remoteVictim: () => real.remoteVictim(),
          localVictim() {
            ;(buffer as ArrayBuffer & { resize(size: number): void }).resize(value.length + 84)
            return real.localVictim()
          },
        })
      }
      const { store, isWhole } = filled(cxl, { policy })
      const before = value.length
      store.put('grows', value)
      expect(value.length).toBeGreaterThan(before)
      expect(store.get('grows')).toEqual(new Uint8Array(before))
      isWhole()
    })

    test('of nothing, whose copy may be transferred', () => {
      const { store } = filled(cxl)
      store.put('empty', new Uint8Array(0))
      const { buffer } = store.get('empty') as Uint8Array
      structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
      expect(store.get('empty')).toEqual(new Uint8Array(0))
    })

    test('that are read share a buffer, which cannot be transferred', () => {
      const { store, isWhole } = filled(cxl)
      const [first, second] = ['there 1', 'there 2'].map((key) => store.get(key) as Uint8Array)
      const buffer = first?.buffer as ArrayBuffer
      try {
        structuredClone(buffer, { transfer: [buffer] })
      } catch {
        // Node.js 20 makes a copy, later ones refuse it.
      }
      expect(Buffer.from(second ?? []).toString()).toBe('value 2')
      isWhole()
    })

    test('of shared memory, of another realm, in a longer buffer: taken', () => {
      const { store, isWhole } = filled(cxl)
      const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7)
      const part = new Uint8Array(Uint8Array.of(0, 7, 7, 7, 7, 0).buffer, 1, 4)
      for (const bytes of [shared, part]) {
        store.put(bytes, bytes)
        expect(store.get(Buffer.alloc(4, 7))).toEqual(Uint8Array.of(7, 7, 7, 7))
      }
      shared.fill(8)
      expect(store.get(part)).toEqual(Uint8Array.of(7, 7, 7, 7))
      expect(store.size).toBe(10)
      isWhole()
    })

    test.each([
      ['a Proxy of bytes', () => new Proxy(new Uint8Array(3), {})],
      ['a Proxy that throws', () => new Proxy({}, { get: () => expect.unreachable() })],
      ['an object with the prototype of bytes', () => Object.create(Uint8Array.prototype)],
      ['a String object', () => new String('there 1')],
      ['a DataView', () => new DataView(new ArrayBuffer(4))],
      ['a symbol', () => Symbol('there 1')],
      [
        'a revoked Proxy',
        () => {
          const { proxy, revoke } = Proxy.revocable({}, {})
          revoke()
          return proxy
        },
      ],
      ['what toString makes a key of', () => ({ toString: () => 'there 1' })],
    ])('%s is none', async (_, make) => {
      const { store, isWhole } = filled(cxl)
      const key = make() as never
      for (const call of [() => store.put(key, Buffer.of(1)), () => store.get(key)]) {
        expectFailure(await failureOf(call), typeError('key must be a string or a Uint8Array'))
      }
      const error = await failureOf(() => store.put('there 1', key))
      expectFailure(error, typeError('value must be a Uint8Array'))
      isWhole()
    })

    test('of a gibibyte: refused by name', async () => {
      const { store, isWhole } = filled(cxl)
      const says = rangeError('value must be at most 67108864 bytes: see maxValueBytes')
      expectFailure(await failureOf(() => store.put('there 1', Buffer.alloc(2 ** 30))), says)
      const large = new Uint8Array(2 ** 30)
      expectFailure(await failureOf(() => store.get(large)), rangeError('key must be'))
      isWhole()
    })

    test('that would all be found at one place by a hash without a seed', () => {
      // 32 bits of FNV-1a and of Java's hash are the same for each group; here they are spread.
      const blocks = ['AaAa', 'BBBB', 'AaBB', 'BBAa']
      const keys = Array.from({ length: 4 ** 6 }, (_, i) => {
        return Array.from({ length: 6 }, (_, j) => blocks[(i >> (2 * j)) & 3]).join('')
      })
      const java = (key: string) =>
        [...key].reduce((hash, char) => (31 * hash + char.charCodeAt(0)) | 0, 0)
      expect(new Set(keys.map(java)).size).toBe(1)
      const atHand = new KeyAtHand()
      const hashes = keys.map((key) => {
        atHand.take(key)
        return atHand.hash
      })
      // Of so many random numbers of 32 bits, 0.002 pairs are alike.
      expect(new Set(hashes).size).toBeGreaterThan(keys.length - 3)
      const { store, isWhole } = filled(cxl)
      for (const key of keys) store.put(key, Buffer.from(key))
      for (const key of keys) {
        if (Buffer.from(store.get(key) ?? []).toString() !== key) expect(key).toBe('found')
      }
      isWhole()
    })

    test('that do have one hash are found all the same', () => {
      const index = new HashIndex()
      const count = 3000
      for (let entry = 0; entry < count; entry++) {
        index.reserve(0x12345678)
        index.add(0x12345678, entry)
      }
      for (let entry = 0; entry < count; entry += 100) {
        expect(index.find(0x12345678, { matches: (each: number) => each === entry })).toBe(entry)
        index.remove(0x12345678, entry)
        expect(index.find(0x12345678, { matches: (each: number) => each === entry })).toBe(-1)
      }
    })
  })
})
