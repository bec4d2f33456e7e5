// A slab cache that gets no memory for its bookkeeping. In a file of its own: V8 compiles the code of slabs anew
// for the arrays that fail here, and it is slow for the rest of the process.

import { type Emucxl, SlabCache } from 'emucxl'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eachBackend } from '../memory/each-backend.js'

const PAGE = 4096

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  afterEach(() => vi.unstubAllGlobals())

  test.each([0, 1, 2, 3, 4, 5, 6])('after %i arrays, nothing is lost', (count) => {
    using cache = new SlabCache(cxl, { objectSize: 8, slabBytes: PAGE })
    const refs = new Set(Array.from({ length: 8 * 512 }, () => cache.alloc())) // eight slabs
    let left = count
    for (const Original of [Int32Array, Float64Array]) {
      const scarce = new Proxy(Original, {
        construct(target, args, newTarget) {
          if (left-- === 0) throw new RangeError('Array buffer allocation failed')
          return Reflect.construct(target, args, newTarget)
        },
      })
      vi.stubGlobal(Original.name, scarce)
    }
    const before = cxl.mappings().length
    let failures = 0
    for (let i = 0; i < 3000; i++) {
      const mapped = cxl.mappings().length
      try {
        refs.add(cache.alloc())
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        expect(cxl.mappings()).toHaveLength(mapped)
        failures++
      }
    }
    vi.unstubAllGlobals()
    expect(failures).toBe(count <= 5 ? 1 : 0)
    expect(refs.size).toBe(8 * 512 + 3000 - failures)
    expect(cache.stats().objects).toBe(refs.size)
    expect(cxl.mappings().length).toBeGreaterThan(before)
    for (const ref of refs) cache.free(ref)
    expect(cache.stats().objects).toBe(0)
  })
})
