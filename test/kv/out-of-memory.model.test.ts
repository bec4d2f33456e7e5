// Each policy while the memory of both nodes comes and goes: a store loses nothing but what it says it evicts,
// each key is in the tier that store, policy and account say, and the policy knows each entry to the end.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type Emucxl,
  EmucxlError,
  type KvEvent,
  KvStore,
  LOCAL_MEMORY,
  policies,
  REMOTE_MEMORY,
} from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'
import { type Ledger, withLedger } from './ledger.js'

const KiB = 1024

type Step =
  | { call: 'put'; key: number; length: number; fill: number }
  | { call: 'get' | 'delete' | 'promote' | 'demote'; key: number }
  | { call: 'capacity'; node: number; pages: number }

const key = fc.nat({ max: 30 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      call: fc.constant('put' as const),
      key,
      // Of several classes of sizes, and large ones with a region each.
      length: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 3000 }), fc.nat({ max: 12 * KiB })),
      fill: fc.nat({ max: 255 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      call: fc.constantFrom('get', 'get', 'get', 'delete', 'promote', 'demote'),
      key,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('capacity' as const),
      node: fc.constantFrom(LOCAL_MEMORY, REMOTE_MEMORY),
      pages: fc.nat({ max: 12 }),
    }),
  },
)

class Subject {
  readonly values = new Map<string, Buffer>()
  /** Keys that were evicted by the last put. */
  readonly evicted = new Set<string>()
  /** Calls that found no memory. */
  refused = 0

  constructor(
    readonly cxl: Emucxl,
    readonly store: KvStore,
    readonly ledger: Ledger,
  ) {}

  /** False where there is no memory. */
  #try(call: () => void): boolean {
    try {
      call()
      return true
    } catch (error) {
      if (!(error instanceof EmucxlError) || error.code !== 'ERR_EMUCXL_NO_MEMORY') throw error
      this.refused++
      return false
    }
  }

  run(step: Step): void {
    const { store, values } = this
    if (step.call === 'capacity') {
      // A node with less than it has given out gives nothing more.
      const { mapped } = this.cxl.stats(step.node)
      this.cxl.setCapacity(step.node, Math.max(mapped, step.pages * 4 * KiB))
      return
    }
    const key = `key${step.key}`
    if (step.call === 'put') {
      const value = Buffer.alloc(step.length, step.fill)
      this.evicted.clear()
      if (!this.#try(() => store.put(key, value))) {
        expect([...this.evicted]).toEqual([]) // nothing went for what cannot be
        return
      }
      // Its promotion may have made itself the one to be evicted, which then was told.
      if (!store.has(key)) expect(this.evicted).toContain(key)
      else values.set(key, value)
    } else if (step.call === 'delete') {
      expect(store.delete(key)).toBe(values.delete(key))
    } else if (step.call === 'demote') {
      this.#try(() => store.demote(key))
    } else if (step.call === 'promote') {
      expect(store.promote(key)).toBe(store.tierOf(key) === 'local')
    } else {
      const wanted = values.get(key) // it may be evicted itself while room is made for it
      const found = store.get(key) as Buffer | undefined
      expect(found === undefined ? undefined : wanted?.equals(found)).toBe(wanted && true)
    }
  }

  check(): void {
    const { store, values, ledger } = this
    const found = { local: 0, remote: 0 }
    for (const [key, value] of store) {
      if (!values.get(key as string)?.equals(value)) expect([key, value]).toBe('as it was put')
      found[store.tierOf(key) as 'local' | 'remote']++
    }
    const { local, remote } = store.stats()
    expect([store.size, local.entries, remote.entries]).toEqual([
      ...[values.size, found.local, found.remote],
    ])
    expect([ledger.count('local'), ledger.count('remote')]).toEqual([found.local, found.remote])
  }
}

eachBackend(({ open }) => {
  describe('memory comes and goes', () => {
    test.each(Object.keys(policies))('%s', (name) => {
      let refused = 0
      let evicted = 0
      fc.assert(
        fc.property(
          fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }),
          fc.constantFrom('evict' as const, 'error' as const),
          fc.constantFrom(LOCAL_MEMORY, REMOTE_MEMORY),
          (sequence, whenFull, node) => {
            using cxl = open({ capacity: { local: 24 * KiB, remote: 32 * KiB } })
            const { policy, ledger } = withLedger(policies[name as keyof typeof policies])
            const store = new KvStore(cxl, { policy, whenFull, remote: { node } })
            const subject = new Subject(cxl, store, ledger())
            const evict = (message: unknown) => {
              evicted++
              expect(whenFull).toBe('evict')
              const { key } = message as KvEvent
              subject.evicted.add(key as string)
              expect(subject.values.delete(key as string)).toBe(true)
            }
            subscribe('emucxl:kv:evict', evict)
            try {
              for (const step of sequence) {
                subject.run(step)
                subject.check()
              }
            } finally {
              unsubscribe('emucxl:kv:evict', evict)
            }
            refused += subject.refused
            ledger().drain()
            store.destroy()
            expect(cxl.mappings()).toEqual([])
          },
        ),
        { numRuns: Math.ceil(20 / SLOWNESS) },
      )
      // Else nothing was tested.
      expect(refused + evicted).toBeGreaterThan(0)
    })
  })
})
