// The frequency sketch of W-TinyLFU against exact counts.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrequencySketch } from '../../dist/lib/kv/policies/frequency-sketch.js'
import { FIXED_HASHES, HALVED_AFTER } from './fixed-hashes.js'
import { Counts } from './twins.js'

/** Reads from one halving of a count to the next, with room for so many keys. */
const period = (keys: number) => 40 * 2 ** Math.ceil(Math.log2(Math.max(4, keys / 8)))

/** A hash for a number, the same each time. */
function hashOf(n: number): number {
  const mixed = Math.imul(n ^ (n >>> 16), 0x85ebca6b)
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) ^ (mixed >>> 16)
}

test('keys that do not meet are counted exactly, and halved in turn', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 14 }), { minLength: 300, maxLength: 1000 }), (keys) => {
      const sketch = new FrequencySketch()
      const exact = new Counts((key) => HALVED_AFTER[Number(key)] as number)
      for (const key of keys) {
        sketch.add(FIXED_HASHES[key] as number)
        exact.add(`${key}`)
        for (const [each, hash] of FIXED_HASHES.entries()) {
          if (sketch.get(hash) !== exact.of(`${each}`)) {
            expect([each, sketch.get(hash)]).toEqual([each, exact.of(`${each}`)])
          }
        }
      }
    }),
    { numRuns: 10 },
  )
})

describe.each([10, 300, 5000])('with room for %i keys', (room) => {
  /** A sketch that has its full size. */
  const grown = () => {
    const sketch = new FrequencySketch()
    sketch.resize(room)
    for (let i = 0; i < 4 * room; i++) sketch.add(hashOf(-1 - i))
    return sketch
  }

  test('no count is too low for the reads since it was halved', () => {
    const sketch = grown()
    const since = new Map<number, number>()
    const last = new Map<number, number>()
    for (let i = 0; i < 20 * room; i++) {
      const key = hashOf(Math.floor(3 * room * ((i * 0.618033988749895) % 1) ** 3))
      const before = sketch.get(key)
      sketch.add(key)
      const after = sketch.get(key)
      // It counts one more, or it was halved with this very read.
      const counted = Math.min(15, before + 1)
      if (after !== counted) expect(after).toBe(counted >> 1)
      const wasHalved = after < counted || before < (last.get(key) ?? 0)
      since.set(key, wasHalved ? 0 : (since.get(key) ?? 0) + 1)
      last.set(key, after)
      if (after < Math.min(15, since.get(key) as number)) {
        expect([key, after]).toEqual([key, since.get(key)])
      }
    }
  })

  test('all is forgotten in a few rounds', () => {
    const sketch = grown()
    for (let i = 0; i < 15; i++) sketch.add(hashOf(1e6))
    expect(sketch.get(hashOf(1e6))).toBeGreaterThanOrEqual(7)
    // Reads of what is counted up to 15 already do not make it age: these are of many.
    for (let i = 0; i < 5 * period(room); i++) sketch.add(hashOf(2e6 + i))
    expect(sketch.get(hashOf(1e6))).toBeLessThan(7)
  })

  test('most keys that were not read seem so', () => {
    const sketch = grown()
    for (let i = 0; i < 5 * period(room); i++) sketch.add(hashOf(i % room))
    const rare = Array.from({ length: 1000 }, (_, i) => sketch.get(hashOf(3e6 + i)))
    const often = Array.from({ length: room }, (_, i) => sketch.get(hashOf(i)))
    const mean = (counts: number[]) => counts.reduce((a, b) => a + b) / counts.length
    expect(mean(often)).toBeGreaterThan(2 * mean(rare))
  })
})

test('what was counted stays when it grows, from block to block', () => {
  const sketch = new FrequencySketch()
  const keys = Array.from({ length: 8 }, (_, i) => hashOf(i))
  for (const key of keys) for (let i = 0; i < 4; i++) sketch.add(key)
  const before = keys.map((key) => sketch.get(key))
  sketch.resize(1e6)
  // Each read adds a block; the fortieth halves the first one.
  for (let i = 0; i < 7; i++) sketch.add(hashOf(1e6 + i))
  expect(keys.filter((key, i) => sketch.get(key) < (before[i] as number))).toEqual([])
  for (let i = 0; i < 2000; i++) sketch.add(hashOf(2e6 + i))
  expect(keys.filter((key, i) => sketch.get(key) < (before[i] as number) >> 1)).toEqual([])
  // They are apart now from keys that they had their block in common with.
  const others = Array.from({ length: 1000 }, (_, i) => sketch.get(hashOf(3e6 + i)))
  expect(others.filter((count) => count > 2).length).toBeLessThan(100)
})

test('no call does much, in a sketch for ten million keys', () => {
  // In counts of what it does, not in time: a block more, and one that is halved, with each read.
  const sketch = new FrequencySketch()
  sketch.resize(10_000_000)
  const probes = Array.from({ length: 200 }, (_, i) => hashOf(i))
  for (const key of probes) for (let i = 0; i < 8; i++) sketch.add(key)
  let before = probes.map((key) => sketch.get(key))
  for (let i = 0; i < 2000; i++) {
    sketch.add(hashOf(1e6 + i))
    const now = probes.map((key) => sketch.get(key))
    const halved = now.filter((count, j) => count < (before[j] as number)).length
    if (halved > 30) expect(halved).toBeLessThanOrEqual(30)
    const lost = now.filter((count, j) => count < (before[j] as number) >> 1)
    if (lost.length > 0) expect(lost).toEqual([])
    before = now
  }
})
