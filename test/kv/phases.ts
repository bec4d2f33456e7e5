// Calls of a store in phases, in each of which another policy is good: a loop over more keys than local
// memory has, a few keys that are read often, few keys that are others after a while. Some calls in between are anything.

import fc from 'fast-check'
import { glibcRand } from '../../bench/harness/glibc-rand.js'

export type Step = { call: 'put' | 'get' | 'delete' | 'promote' | 'demote'; key: number }

export const KEYS = 15

interface Phase {
  kind: 'loop' | 'hot' | 'drift'
  keys: number
  length: number
  seed: number
}

const phase: fc.Arbitrary<Phase> = fc.record({
  kind: fc.constantFrom('loop', 'hot', 'drift'),
  keys: fc.integer({ min: 3, max: KEYS }),
  length: fc.integer({ min: 100, max: 600 }),
  seed: fc.nat({ max: 1000 }),
})

function stepsOf({ kind, keys, length, seed }: Phase): Step[] {
  const rand = glibcRand(seed)
  const one = (of: number) => Math.floor((rand() / 2 ** 31) * of)
  const keyAt: Record<Phase['kind'], (i: number) => number> = {
    loop: (i) => i % keys,
    hot: () => (one(8) === 0 ? one(KEYS) : one(Math.ceil(keys / 3))),
    drift: (i) => Math.floor(i / (3 * keys)) + one(3),
  }
  return Array.from({ length }, (_, i): Step => {
    const key = (seed + keyAt[kind](i)) % KEYS
    if (one(25) > 0) return { call: one(3) === 0 ? 'get' : 'put', key }
    const call = (['delete', 'promote', 'demote'] as const)[one(3)] as Step['call']
    return { call, key: one(KEYS) }
  })
}

export const phases: fc.Arbitrary<Step[]> = fc
  .array(phase, { minLength: 2, maxLength: 5 })
  .map((all) => all.flatMap(stepsOf))

/** Sequences that are always run: choices that hang on a few reads, on who leads by more, and many of them. */
export const EXAMPLES: Step[][] = [
  [
    stepsOf({ kind: 'loop', keys: 12, length: 527, seed: 978 }),
    stepsOf({ kind: 'hot', keys: 10, length: 396, seed: 731 }),
    stepsOf({ kind: 'drift', keys: 6, length: 325, seed: 824 }),
  ].flat(),
  [
    stepsOf({ kind: 'loop', keys: 5, length: 254, seed: 322 }),
    stepsOf({ kind: 'hot', keys: 3, length: 296, seed: 8 }),
    stepsOf({ kind: 'drift', keys: 5, length: 107, seed: 593 }),
  ].flat(),
]
