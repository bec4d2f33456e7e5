// Each policy against a plain twin of it, move by move: random calls of a store with tiny tiers. After each
// call the same keys are in the same tier.

import { KvStore, policies, threshold } from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'
import { TWINS, type Twin } from './twins.js'

type Step = { call: 'put' | 'get' | 'delete' | 'promote' | 'demote'; key: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    call: fc.oneof(
      { weight: 6, arbitrary: fc.constant('get' as const) },
      { weight: 3, arbitrary: fc.constant('put' as const) },
      fc.constantFrom('delete' as const, 'promote' as const, 'demote' as const),
    ),
    key: fc.nat({ max: 14 }),
  }),
  { minLength: 10, maxLength: 150 },
)

const LOCAL = 4
const REMOTE = 7

/** What a store does, with a twin for its policy. */
class Model {
  constructor(readonly twin: Twin) {}

  has(key: string): boolean {
    return this.twin.local().includes(key) || this.twin.remote().includes(key)
  }

  makeLocalRoom(): void {
    while (this.twin.local().length >= LOCAL) this.demote(this.twin.localVictim())
  }

  demote(key: string): void {
    while (this.twin.remote().length >= REMOTE) this.twin.removed(this.twin.remoteVictim())
    this.twin.demoted(key)
  }

  /** Where local memory is full, the key and the one that has to go change places. */
  promote(key: string): void {
    if (this.twin.local().length >= LOCAL) this.twin.demoted(this.twin.localVictim())
    this.twin.promoted(key)
  }

  hit(key: string): void {
    if (this.twin.hit(key)) this.promote(key)
  }

  run({ call, key: number }: Step): void {
    const key = `key${number}`
    const isThere = this.has(key)
    if (call === 'put' && !isThere) {
      this.makeLocalRoom()
      this.twin.added(key)
    } else if (isThere && (call === 'get' || call === 'put')) {
      this.hit(key)
    } else if (isThere && call === 'delete') {
      this.twin.removed(key)
    } else if (call === 'promote' && this.twin.remote().includes(key)) {
      this.promote(key)
    } else if (call === 'demote' && this.twin.local().includes(key)) {
      this.demote(key)
    }
  }
}

eachBackend(({ open }) => {
  describe('a policy does what its plain twin does', () => {
    test.each(Object.keys(TWINS))('%s', (name) => {
      using cxl = open()
      fc.assert(
        fc.property(steps, (sequence) => {
          const policy =
            name === 'threshold'
              ? threshold({ window: 1e9 })
              : policies[name as keyof typeof policies]
          using store = new KvStore(cxl, {
            local: { objects: LOCAL },
            remote: { objects: REMOTE },
            policy,
            codec: 'utf8',
          })
          const model = new Model((TWINS[name] as () => Twin)())
          for (const step of sequence) {
            const key = `key${step.key}`
            if (step.call === 'put') store.put(key, 'value')
            else store[step.call](key)
            model.run(step)
            const found = { local: [] as string[], remote: [] as string[] }
            for (const each of store.keys()) {
              found[store.tierOf(each) as 'local' | 'remote'].push(each as string)
            }
            expect(found.local.sort()).toEqual([...model.twin.local()].sort())
            expect(found.remote.sort()).toEqual([...model.twin.remote()].sort())
          }
        }),
        { numRuns: Math.ceil(40 / SLOWNESS) },
      )
    })
  })
})
