// The store against a Map: random calls with keys and values of all kinds, on nodes with little memory, with
// limits and without. Nothing is lost but what an event said was evicted, values are what was put, the
// account is right, and after the end nothing is left.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { EmucxlError, type KvEvent, type KvLimits, KvStore, type KvStoreOptions } from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'

const KiB = 1024

/** Keys that are alike, in every kind. */
const KEYS: (string | Uint8Array)[] = [
  '',
  'a',
  'aa',
  'ab',
  'key',
  'key1',
  'key1\0',
  '__proto__',
  'constructor',
  'ÿ',
  'Ā',
  '\ud800',
  '\udc00',
  '\ud800\udc00',
  'x'.repeat(300),
  'x'.repeat(301),
  new Uint8Array(0),
  new Uint8Array(1),
  Uint8Array.of(97),
  Uint8Array.of(97, 97),
  new Uint8Array(400).fill(120),
]

type Step =
  | { call: 'put'; key: number; length: number; fill: number }
  | { call: 'get' | 'delete' | 'promote' | 'demote' | 'view' | 'has'; key: number }
  | { call: 'clear' }

const key = fc.nat({ max: KEYS.length - 1 })
const lengths = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 200 }) },
  { weight: 2, arbitrary: fc.nat({ max: 5000 }) },
  fc.nat({ max: 100 * KiB }),
)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        call: fc.constant('put' as const),
        key,
        length: lengths,
        fill: fc.nat({ max: 255 }),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        call: fc.constantFrom('get', 'get', 'delete', 'promote', 'demote', 'view', 'has'),
        key,
      }),
    },
    fc.record({ call: fc.constant('clear' as const) }),
  ),
  { maxLength: 80, size: 'max' },
)

const limits: fc.Arbitrary<KvLimits> = fc.record(
  { objects: fc.nat({ max: 12 }), bytes: fc.nat({ max: 20 * KiB }) },
  { requiredKeys: [] },
)
const setting = fc.record({
  policy: fc.constantFrom(
    ...([
      'policy1',
      'policy2',
      'lru',
      'threshold',
      'sieve',
      's3-fifo',
      'w-tinylfu',
      'adaptive',
    ] as const),
  ),
  whenFull: fc.constantFrom('evict' as const, 'error' as const),
  local: limits,
  remote: limits,
  capacity: fc.constantFrom(32 * KiB, 100 * KiB, 1024 * KiB),
})

const nameOf = (key: string | Uint8Array) =>
  typeof key === 'string'
    ? `text ${JSON.stringify(key)}`
    : `bytes ${Buffer.from(key).toString('hex')}`

/** No value is of this length. */
const NOTHING = new Uint8Array(2 ** 24)

class Subject {
  readonly values = new Map<string, Uint8Array>()
  readonly store: KvStore
  readonly options: KvStoreOptions

  constructor(store: KvStore, options: KvStoreOptions) {
    this.store = store
    this.options = options
  }

  /** False where there is no memory. */
  #try(call: () => void): boolean {
    try {
      call()
      return true
    } catch (error) {
      expect(error).toBeInstanceOf(EmucxlError)
      expect((error as EmucxlError).code).toBe('ERR_EMUCXL_NO_MEMORY')
      return false
    }
  }

  run(step: Step): void {
    const { store, values } = this
    if (step.call === 'clear') {
      store.clear()
      values.clear()
      return
    }
    const key = KEYS[step.key] as string | Uint8Array
    const name = nameOf(key)
    const wanted = values.get(name)
    if (step.call === 'put') {
      const value = new Uint8Array(step.length).fill(step.fill)
      if (this.#try(() => store.put(key, value))) values.set(name, value)
    } else if (step.call === 'get') {
      expect(store.get(key)).toEqual(wanted)
    } else if (step.call === 'view') {
      expect(store.view(key, (bytes) => bytes.slice())).toEqual(wanted)
    } else if (step.call === 'delete') {
      expect(store.delete(key)).toBe(values.delete(name))
    } else if (step.call === 'has') {
      expect(store.has(key)).toBe(wanted !== undefined)
    } else if (step.call === 'promote') {
      const isLocal = store.promote(key)
      expect(isLocal).toBe(store.tierOf(key) === 'local')
    } else if (this.#try(() => store.demote(key)) && values.has(name)) {
      expect(store.tierOf(key)).toBe('remote')
    }
  }

  check(): void {
    const { store, values, options } = this
    expect(store.size).toBe(values.size)
    const found = new Map([...store].map(([key, value]) => [nameOf(key), value]))
    // Maps of long values take toEqual very long.
    const differing = [...values].filter(
      ([name, value]) => Buffer.compare(found.get(name) ?? NOTHING, value) !== 0,
    )
    if (differing.length > 0 || found.size !== values.size) expect(found).toEqual(values)
    const stats = store.stats()
    expect(stats.entries).toBe(values.size)
    const counted = { local: { entries: 0, bytes: 0 }, remote: { entries: 0, bytes: 0 } }
    for (const [key, value] of store) {
      const tier = counted[store.tierOf(key) as 'local' | 'remote']
      const keyBytes =
        typeof key !== 'string' ? key.length : /[^\0-\xff]/.test(key) ? 2 * key.length : key.length
      const header = keyBytes < 256 && value.length < 2 ** 20 ? 4 : 12
      tier.entries++
      tier.bytes += header + Math.max(keyBytes + value.length, Math.ceil(keyBytes / 4) * 4)
    }
    for (const tier of ['local', 'remote'] as const) {
      expect(stats[tier]).toMatchObject(counted[tier])
      expect(stats[tier].entries).toBeLessThanOrEqual(options[tier]?.objects ?? Infinity)
      expect(stats[tier].bytes).toBeLessThanOrEqual(options[tier]?.bytes ?? Infinity)
      expect(stats[tier].bytesMapped).toBeGreaterThanOrEqual(stats[tier].bytes)
    }
  }
}

eachBackend(({ open }) => {
  describe('a store is a Map, but for what is evicted', () => {
    test('random calls', () => {
      fc.assert(
        fc.property(steps, setting, (sequence, { capacity, ...options }) => {
          using cxl = open({ capacity: { local: capacity, remote: capacity } })
          const store = new KvStore(cxl, options)
          const subject = new Subject(store, options)
          const evicted = (message: unknown) => {
            const { key } = message as KvEvent
            expect(subject.values.delete(nameOf(key))).toBe(true)
          }
          subscribe('emucxl:kv:evict', evicted)
          try {
            for (const step of sequence) {
              subject.run(step)
              subject.check()
            }
          } finally {
            unsubscribe('emucxl:kv:evict', evicted)
          }
          store.clear()
          expect(cxl.mappings()).toEqual([])
          subject.values.clear()
          subject.run({ call: 'put', key: 5, length: 10, fill: 1 })
          store.destroy()
          expect(cxl.mappings()).toEqual([])
        }),
        { numRuns: Math.ceil(80 / SLOWNESS) },
      )
    })
  })
})
