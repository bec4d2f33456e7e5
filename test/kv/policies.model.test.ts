// Each policy against a plain twin of it, move by move: random calls of a store with tiny tiers. After each
// call the same keys are in the same tier.

import { type Emucxl, KvStore, type Policy, type PolicyFactory, policies, threshold } from 'emucxl'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adaptive } from '../../dist/lib/kv/policies/adaptive.js'
import { eachBackend, SLOWNESS } from '../memory/each-backend.js'
import { AdaptiveTwin } from './adaptive-twin.js'
import { HALVED_AFTER, withFixedHashes } from './fixed-hashes.js'
import { EXAMPLES, KEYS, phases, type Step } from './phases.js'
import { Counts, TWINS, type Twin, WTinyLfuTwin } from './twins.js'

const step: fc.Arbitrary<Step> = fc.record({
  call: fc.oneof(
    { weight: 6, arbitrary: fc.constant('get' as const) },
    { weight: 3, arbitrary: fc.constant('put' as const) },
    fc.constantFrom('delete' as const, 'promote' as const, 'demote' as const),
  ),
  key: fc.nat({ max: KEYS - 1 }),
})

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

/** A policy, its twin, and how long it takes until all of it has come into play. */
interface Case {
  policy: PolicyFactory
  twin: () => Twin
  steps?: fc.Arbitrary<Step[]>
  numRuns?: number
  /** Whether policy and twin have chosen the same among their candidates. */
  sameChoice?: (twin: Twin) => void
  /** Sequences to begin with. */
  examples?: Step[][]
  /** What must hold, when all is done, of all twins that were made. */
  allPlayed?: (twins: Twin[]) => void
}

/** The key of the call that is under way. */
let keyAtHand = 0

const SHORT = fc.array(step, { minLength: 10, maxLength: 150, size: 'max' })
const LONG = fc.array(step, { minLength: 200, maxLength: 500, size: 'max' })

const counts = () => new Counts((key) => HALVED_AFTER[Number(key.slice(3))] as number)
const wTinyLfuTwin = () => new WTinyLfuTwin(counts())
/** One of them twice, so that two lead by the same. */
const CANDIDATES = ['sieve', 'lru', 's3-fifo', 'policy2', 'policy2'] as const

const fixedAdaptive = withFixedHashes(
  adaptive([...CANDIDATES.map((name) => policies[name]), policies['w-tinylfu']]),
  () => keyAtHand,
)
/** That of the store that is under way. */
let adaptiveAtHand: Policy | undefined

const CASES: Record<string, Case> = {
  ...Object.fromEntries(
    Object.entries(TWINS).map(([name, twin]) => {
      return [name, { policy: policies[name as keyof typeof policies], twin }]
    }),
  ),
  threshold: { policy: threshold({ window: 1e9 }), twin: TWINS['threshold'] as () => Twin },
  'w-tinylfu': {
    policy: withFixedHashes(policies['w-tinylfu'], () => keyAtHand),
    twin: wTinyLfuTwin,
    steps: LONG,
    numRuns: 15,
  },
  adaptive: {
    policy: (host) => {
      adaptiveAtHand = fixedAdaptive(host)
      return adaptiveAtHand
    },
    twin: () => {
      const twins = CANDIDATES.map((name) => TWINS[name] as () => Twin)
      return new AdaptiveTwin([...twins, wTinyLfuTwin], LOCAL)
    },
    sameChoice: (twin) => {
      expect((adaptiveAtHand as unknown as AdaptiveTwin).current).toBe(
        (twin as AdaptiveTwin).current,
      )
    },
    steps: phases,
    numRuns: 12,
    examples: EXAMPLES,
    allPlayed: (twins) => {
      const all = twins as AdaptiveTwin[]
      expect(all.some(({ switches }) => switches > 2)).toBe(true)
      expect(all.some(({ handedOver }) => handedOver > 0)).toBe(true)
    },
  },
}

/** Runs a sequence on a store and on its twin. */
function runBoth(cxl: Emucxl, { policy, twin, sameChoice }: Case, sequence: Step[]): Twin {
  using store = new KvStore(cxl, {
    ...{ local: { objects: LOCAL }, remote: { objects: REMOTE } },
    policy,
    codec: 'utf8',
  })
  const model = new Model(twin())
  for (const step of sequence) {
    keyAtHand = step.key
    const key = `key${step.key}`
    if (step.call === 'put') store.put(key, 'value')
    else store[step.call](key)
    model.run(step)
    const found = { local: [] as string[], remote: [] as string[] }
    for (const each of store.keys()) {
      found[store.tierOf(each) as 'local' | 'remote'].push(each as string)
    }
    expect(`${found.local.sort()}`).toBe(`${[...model.twin.local()].sort()}`)
    expect(`${found.remote.sort()}`).toBe(`${[...model.twin.remote()].sort()}`)
    sameChoice?.(model.twin)
  }
  return model.twin
}

eachBackend(({ open }) => {
  describe('a policy does what its plain twin does', () => {
    test.each(Object.keys(policies))('%s', (name) => {
      const each = CASES[name] as Case
      const { steps = SHORT, numRuns = 40, examples = [], allPlayed } = each
      using cxl = open()
      const twins: Twin[] = []
      fc.assert(
        fc.property(steps, (sequence) => {
          twins.push(runBoth(cxl, each, sequence))
        }),
        {
          numRuns: examples.length + Math.ceil(numRuns / SLOWNESS),
          examples: examples.map((sequence) => [sequence]),
        },
      )
      allPlayed?.(twins)
    })
  })
})
