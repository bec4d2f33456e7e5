// Hashes for the keys of a test which do not meet in the frequency sketch, so that it counts exactly until it
// halves; and when it halves what it counts for each.

import type { PolicyFactory } from 'emucxl'
import { FrequencySketch } from '../../dist/lib/kv/policies/frequency-sketch.js'

/** Whether each hash has a counter of its own. */
function areApart(hashes: readonly number[]): boolean {
  return hashes.every((hash) => {
    const sketch = new FrequencySketch()
    for (const other of hashes) if (other !== hash) sketch.add(other)
    return sketch.get(hash) === 0
  })
}

export const FIXED_HASHES: number[] = []
for (let i = 0; FIXED_HASHES.length < 15; i++) {
  const hash = Math.imul(i, 0x9e3779b1)
  if (areApart([...FIXED_HASHES, hash])) FIXED_HASHES.push(hash)
}

/** Reads of all keys after which the sketch first halves the count of a hash. */
function halvedAfter(hash: number): number {
  const sketch = new FrequencySketch()
  for (let reads = 1; ; reads++) {
    const before = sketch.get(hash)
    sketch.add(reads <= 8 ? hash : Math.imul(reads, 0x85ebca77))
    if (reads > 8 && sketch.get(hash) < before) return reads
  }
}

export const HALVED_AFTER = FIXED_HASHES.map((hash) => halvedAfter(hash) % 160)

/** A policy for which the key that is put when an entry is first seen tells the entry's hash. */
export function withFixedHashes(policy: PolicyFactory, keyAtHand: () => number): PolicyFactory {
  return (host) => {
    const fixed = new Map<number, number>()
    const hash = (entry: number) => {
      const seeded = host.hash(entry)
      const known = fixed.get(seeded) ?? (FIXED_HASHES[keyAtHand()] as number)
      fixed.set(seeded, known)
      return known
    }
    return policy(Object.create(host, { hash: { value: hash } }))
  }
}
