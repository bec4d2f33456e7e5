// The index of a store, with hashes that are chosen: a store's own are spread by a seed that nobody knows.

import { expect, test } from 'vitest'
import { HashIndex } from '../../lib/kv/hash-index.js'

test('hashes that begin alike do not make the directory grow beyond 16 bits', () => {
  const index = new HashIndex()
  const hashes: number[] = []
  const add = (hash: number) => {
    index.reserve(hash)
    index.add(hash, hashes.push(hash) - 1)
  }
  const lower = (i: number) => Math.imul(i, 0x9e3779b1) >>> 16
  // Segments are split again and again until all that is left has 16 zeros at the beginning.
  for (let bit = 31; bit >= 16; bit--) {
    for (let i = 0; i < 3000; i++) add((1 << bit) | lower(i))
  }
  for (let i = 0; i < 20_000; i++) add(lower(i))
  const directory = 8 * 2 ** 16
  const slots = 8 * hashes.length
  expect(index.bytes).toBeGreaterThan(directory + slots)
  expect(index.bytes).toBeLessThan(directory + 3 * slots)
  for (const [entry, hash] of hashes.entries()) {
    if (index.find(hash, { matches: (each) => each === entry }) !== entry) {
      expect(entry).toBe('found')
    }
  }
})
