// The adaptive policy on reads for which one policy is good and another one bad.

import { Emucxl, KvStore, type PolicyFactory, policies } from 'emucxl'
import { expect, test } from 'vitest'
import { glibcRand } from '../../bench/harness/glibc-rand.js'
import { adaptive } from '../../dist/lib/kv/policies/adaptive.js'

const KEYS = 1000
const LOCAL = 300
const READS = 60_000

/** The part of the reads that were local. */
function localPart(policy: keyof typeof policies, keys: readonly number[]): number {
  using cxl = Emucxl.open({ backend: 'emulated' })
  using store = new KvStore(cxl, { local: { objects: LOCAL }, policy, codec: 'utf8' })
  for (let i = 0; i < KEYS; i++) store.put(`key${i}`, 'value')
  for (const key of keys) store.get(`key${key}`)
  return store.stats().localHits / keys.length
}

/** Few keys are read often: the square of an even number, near 0. */
function skewed(): number[] {
  const rand = glibcRand(5)
  const part = () => rand() / 2 ** 31
  return Array.from({ length: READS }, () => Math.floor(KEYS * part() ** 3))
}

const TRACES: Record<string, () => number[]> = {
  'a loop that is too long for local memory': () =>
    Array.from({ length: READS }, (_, i) => i % 400),
  'some keys that are read often': skewed,
  'those, with a scan in between': () =>
    skewed().map((key, i) => (i % 4 === 0 ? LOCAL + ((i / 4) % (KEYS - LOCAL)) : key)),
  'those, which are others after a while': () =>
    skewed().map((key, i) => (key + 137 * Math.floor(i / 15_000)) % KEYS),
}

test.each(Object.keys(TRACES))('%s: it is near the best', (name) => {
  const keys = (TRACES[name] as () => number[])()
  const fixed = (['lru', 'sieve', 's3-fifo', 'w-tinylfu', 'threshold', 'policy1'] as const).map(
    (policy) => localPart(policy, keys),
  )
  const best = Math.max(...fixed)
  expect(best - Math.min(...fixed)).toBeGreaterThan(0.05)
  // It takes a while to find out, which counts for more in so few reads.
  expect(localPart('adaptive', keys)).toBeGreaterThan(best - 0.05)
})

test('a store that had very many entries, and lost them all, has a sample again', () => {
  let hash: ((entry: number) => number) | undefined = () => 0 // so the sample soon is of a millionth
  const policy: PolicyFactory = (host) => {
    const value = (entry: number) => hash?.(entry) ?? host.hash(entry)
    return adaptive([policies.lru, policies.policy2])(Object.create(host, { hash: { value } }))
  }
  using cxl = Emucxl.open({ backend: 'emulated' })
  using store = new KvStore(cxl, { local: { objects: 300 }, policy, codec: 'utf8' })
  for (let i = 0; i < 2 * 4096 + 20; i++) store.put(`other${i}`, 'value')
  store.clear()
  hash = undefined
  for (let i = 0; i < 400; i++) store.put(`key${i}`, 'value')
  for (let i = 0; i < READS; i++) store.get(`key${i % 400}`)
  // With a loop, LRU finds nothing: it has given way.
  expect(store.stats().localHits).toBeGreaterThan(0.5 * READS)
})
