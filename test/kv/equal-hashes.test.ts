// Two entries whose keys have the same hash, as some two of 80,000 have: each moves by itself when the slab that
// it lies in is emptied.

import { KvStore } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { KeyAtHand } from '../../dist/lib/kv/keys.js'
import { eachBackend } from '../memory/each-backend.js'

/** Two keys with the same hash: others in each process, which has a seed of its own. */
function twoKeys(): [string, string] {
  const atHand = new KeyAtHand()
  const seen = new Map<number, string>()
  for (let i = 0; ; i++) {
    const key = `${i}`.padStart(8)
    atHand.take(key)
    const other = seen.get(atHand.hash)
    if (other !== undefined) return [other, key]
    seen.set(atHand.hash, key)
  }
}

const SLABS = 3
/** Entries of 512 bytes in a slab. */
const IN_SLAB = 8
const valueFor = (key: string) => key.repeat(63).slice(0, 500)

const [first, second] = twoKeys()

eachBackend(({ open }) => {
  describe('of two entries with the same hash', () => {
    test.each([
      ['the first one moves', 0, IN_SLAB, 0],
      ['the second one moves', 0, IN_SLAB, 1],
      ['both move', 0, 1, 0],
    ])('%s', (_, firstAt, secondAt, emptied) => {
      using cxl = open({ capacity: { local: 4096 * SLABS } })
      using store = new KvStore(cxl, { remote: { objects: 0 }, whenFull: 'error', codec: 'utf8' })
      const keys = Array.from({ length: SLABS * IN_SLAB }, (_, i) => `other${i}`.padEnd(8))
      keys[firstAt] = first
      keys[secondAt] = second
      for (const key of keys) store.put(key, valueFor(key))
      const wanted = new Map<string, string>()
      for (const [i, key] of keys.entries()) {
        const goes = Math.floor(i / IN_SLAB) === emptied || (i + 1) % IN_SLAB === 0
        if (goes && key !== first && key !== second) store.delete(key)
        else wanted.set(key, valueFor(key))
      }
      // The node is full: for an object of another size a slab has to be emptied.
      expect(cxl.mappings()).toHaveLength(SLABS)
      store.put('small', 'value')
      wanted.set('small', 'value')
      for (const [key, value] of wanted) expect(store.get(key)).toBe(value)
      expect(new Map(store)).toEqual(wanted)
    })
  })
})
