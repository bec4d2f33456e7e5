// What a slab cache promises, call by call, and what it says of wrong arguments.

import { Emucxl, EmucxlError, LOCAL_MEMORY, NULL_REF, REMOTE_MEMORY, SlabCache } from 'emucxl'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collector } from '../memory/collect.js'
import { eachBackend } from '../memory/each-backend.js'
import { emucxlError, expectFailure, failureOf, rangeError, typeError } from '../memory/refusal.js'

const PAGE = 4096
const KiB = 1024

eachBackend(({ open }) => {
  let cxl: Emucxl
  beforeEach(() => {
    cxl = open()
  })
  afterEach(() => cxl.close())

  const bytesOn = (node: number) => cxl.stats(node).mapped

  describe('objects', () => {
    test('lie on their node, apart from each other, aligned', () => {
      using cache = new SlabCache(cxl, { objectSize: 20, node: REMOTE_MEMORY })
      const refs = Array.from({ length: 5000 }, () => cache.alloc())
      for (const [i, ref] of refs.entries()) cache.bytes(ref).fill(i & 0xff)
      for (const [i, ref] of refs.entries()) {
        expect(cache.bytes(ref)).toEqual(new Uint8Array(20).fill(i & 0xff))
        expect(cache.offset(ref) % 8).toBe(0)
        expect(cache.nodeOf(ref)).toBe(REMOTE_MEMORY)
      }
      expect(cxl.nodeOf(cache.buffer(refs[0] as number))).toBe(REMOTE_MEMORY)
      expect(bytesOn(LOCAL_MEMORY)).toBe(0)
    })

    test('are a few to a page, not one', () => {
      using cache = new SlabCache(cxl, { objectSize: 64 })
      for (let i = 0; i < 16384; i++) cache.alloc()
      expect(cxl.mappings()).toMatchObject([{ size: 1024 * KiB }])
      cache.alloc()
      expect(cxl.mappings()).toHaveLength(2)
    })

    test('can be read through views of the slab', () => {
      using cache = new SlabCache(cxl, { objectSize: 16 })
      const refs = [cache.alloc(), cache.alloc()]
      for (const ref of refs) {
        cache.view(ref).setFloat64(cache.offset(ref) + 8, ref, true)
        expect(new Float64Array(cache.buffer(ref))[cache.offset(ref) / 8 + 1]).toBe(ref)
      }
    })

    test('hold what the last one held, or, with zero, nothing', () => {
      for (const zero of [false, true]) {
        using cache = new SlabCache(cxl, { objectSize: 64, zero })
        const first = cache.alloc()
        expect(cache.bytes(first)).toEqual(new Uint8Array(64))
        cache.bytes(first).fill(7)
        cache.free(first)
        const second = cache.alloc()
        expect(cache.bytes(second)).toEqual(new Uint8Array(64).fill(zero ? 0 : 7))
      }
    })

    test.each([1, 2, 3, 7, 8, 9, 100, PAGE, PAGE + 1, 100 * KiB])('of %i bytes', (objectSize) => {
      using cache = new SlabCache(cxl, { objectSize })
      const refs = Array.from({ length: 20 }, () => cache.alloc())
      for (const [i, ref] of refs.entries()) cache.bytes(ref).fill(i + 1)
      for (const [i, ref] of refs.entries()) {
        const bytes = cache.bytes(ref)
        expect([bytes.length, bytes[0], bytes.at(-1)]).toEqual([objectSize, i + 1, i + 1])
        cache.free(ref)
      }
      expect(cache.stats()).toMatchObject({ objects: 0, bytesUsed: 0 })
    })

    test.each([1, 2, 16, 64, PAGE])('aligned to %i', (align) => {
      using cache = new SlabCache(cxl, { objectSize: 9, align })
      for (let i = 0; i < 20; i++) expect(cache.offset(cache.alloc()) % align).toBe(0)
    })
  })

  describe('slabs', () => {
    test.each([
      [1, 1 << 30, 64 * KiB],
      [8, 1 << 30, 128 * KiB],
      [64, 1 << 30, 1024 * KiB],
      [KiB, 1 << 30, 2048 * KiB],
      [KiB, 32768 * KiB, 512 * KiB],
      [KiB, 8192 * KiB, 128 * KiB],
      [KiB, 64 * KiB, 64 * KiB],
      [256 * KiB, 1 << 30, 2048 * KiB],
    ])('for objects of %i bytes on a node of %i bytes have %i', (objectSize, capacity, bytes) => {
      cxl.setCapacity(LOCAL_MEMORY, capacity)
      using cache = new SlabCache(cxl, { objectSize })
      cache.alloc()
      expect(cxl.mappings()).toMatchObject([{ size: bytes }])
    })

    describe('have huge pages, but for the first of a node', () => {
      const HUGE_PAGE = 2048 * KiB

      function pagesOf(context: Emucxl, node: number): string[] {
        using cache = new SlabCache(context, {
          objectSize: HUGE_PAGE / 2,
          slabBytes: HUGE_PAGE,
          node,
        })
        for (let i = 0; i < 6; i++) cache.bytes(cache.alloc()).fill(i)
        return context
          .mappings()
          .map(({ hugePages }) => hugePages)
          .sort()
      }

      test('where the backend has some', () => {
        const works = (() => {
          try {
            cxl.free(cxl.alloc(HUGE_PAGE, REMOTE_MEMORY, { hugePages: 'prefer' }))
            return true
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_EMUCXL_UNSUPPORTED' })
            return false
          }
        })()
        const expected = works ? ['off', 'prefer', 'prefer'] : ['off', 'off', 'off']
        expect(pagesOf(cxl, REMOTE_MEMORY)).toEqual(expected)
      })

      test('unless the context was opened with others', () => {
        using context = open({ hugePages: 'off' })
        expect(pagesOf(context, LOCAL_MEMORY)).toEqual(['off', 'off', 'off'])
      })

      test('unless they are smaller than those', () => {
        using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: HUGE_PAGE - PAGE })
        for (let i = 0; i < 5000; i++) cache.alloc()
        expect(cxl.mappings().map(({ hugePages }) => hugePages)).toEqual(['off', 'off', 'off'])
      })
    })

    test('a class that is derived sees no call of its own when objects move', () => {
      const calls: string[] = []
      class Watched extends SlabCache {
        override alloc(node?: number): number {
          calls.push('alloc')
          return super.alloc(node)
        }

        override free(ref: number): void {
          calls.push('free')
          super.free(ref)
        }
      }
      using cache = new Watched(cxl, { objectSize: 8, zero: true })
      const moved = cache.migrate(cache.alloc(), REMOTE_MEMORY)
      expect([calls, cache.nodeOf(moved)]).toEqual([['alloc'], REMOTE_MEMORY])
    })

    test('go back to the node when they are empty, but for one', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: 4 * PAGE })
      const refs = Array.from({ length: 160 }, () => cache.alloc())
      expect(bytesOn(LOCAL_MEMORY)).toBe(40 * PAGE)
      for (const ref of refs) cache.free(ref)
      const { objects, slabs } = cache.stats()
      expect(objects).toBe(0)
      expect(slabs).toBeLessThanOrEqual(2) // the current one and the spare
      expect(bytesOn(LOCAL_MEMORY)).toBe(slabs * 4 * PAGE)
    })

    test('are given back by trim() where they are empty, and no others', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      const refs = [LOCAL_MEMORY, REMOTE_MEMORY].flatMap((node) =>
        Array.from({ length: 20 }, () => cache.alloc(node)),
      )
      const [kept] = refs.splice(30, 1) as [number]
      for (const ref of refs) cache.free(ref)
      expect(cache.stats().slabs).toBeGreaterThan(2)
      cache.trim()
      expect(cache.stats()).toMatchObject({ objects: 1, slabs: 1, bytesMapped: PAGE })
      expect(bytesOn(LOCAL_MEMORY)).toBe(0)
      expect(cache.nodeOf(kept)).toBe(REMOTE_MEMORY)
      cache.free(kept)
      cache.trim()
      expect(cxl.mappings()).toEqual([])
      expect(cache.has(cache.alloc())).toBe(true)
    })

    test('are not mapped and unmapped by turns at a border', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      const refs = Array.from({ length: 4 }, () => cache.alloc())
      const seen = new Set<ArrayBuffer>()
      for (let i = 0; i < 100; i++) {
        const ref = cache.alloc()
        seen.add(cache.buffer(ref))
        cache.free(ref)
      }
      expect(seen.size).toBe(1)
      for (const ref of refs) expect(cache.has(ref)).toBe(true)
    })

    test('are used up before others are mapped', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      const refs = Array.from({ length: 40 }, () => cache.alloc())
      for (let i = 0; i < 40; i += 4) cache.free(refs[i] as number)
      for (let i = 0; i < 10; i++) cache.alloc()
      expect(cache.stats().slabs).toBe(10)
    })

    test('beyond the capacity are an error, after which all is as before', async () => {
      cxl.setCapacity(LOCAL_MEMORY, 2 * PAGE)
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      const refs = Array.from({ length: 8 }, () => cache.alloc())
      const before = cache.stats()
      expectFailure(await failureOf(() => cache.alloc()), emucxlError('NO_MEMORY'))
      expect(cache.stats()).toEqual(before)
      cache.free(refs[3] as number)
      expect(cache.has(cache.alloc())).toBe(true)
      expect(cache.nodeOf(cache.alloc(REMOTE_MEMORY))).toBe(REMOTE_MEMORY)
    })
  })

  describe('refs', () => {
    test('are told apart from all later ones in the same place', () => {
      using cache = new SlabCache(cxl, { objectSize: 8 })
      const seen = new Set<number>()
      for (let i = 0; i < 16_383; i++) {
        const ref = cache.alloc()
        expect(Number.isSafeInteger(ref)).toBe(true)
        seen.add(ref)
        cache.free(ref)
      }
      expect(seen.size).toBe(16_383)
    })

    describe('go on when the generations of a place are used up', () => {
      test.each([
        ['one object', 1, false],
        ['several', 3, false],
        ['one, zeroed', 1, true],
        ['several, zeroed', 3, true],
      ])('of %s', (_, count, zero) => {
        using cache = new SlabCache(cxl, { objectSize: 8, zero })
        const other = cache.alloc()
        const offsets = new Set<number>()
        for (let i = 0; i < 50_000; i++) {
          const refs = Array.from({ length: count }, () => cache.alloc())
          for (const ref of refs) {
            if (!Number.isSafeInteger(ref) || !cache.has(ref)) throw new Error(`${i}: ${ref}`)
            offsets.add(cache.offset(ref))
          }
          if (new Set([...refs, other]).size !== count + 1) throw new Error(`${i}: ${refs}`)
          for (const ref of refs) cache.free(ref)
          if (refs.some((ref) => cache.has(ref))) throw new Error(`${i}: lives`)
        }
        expect(offsets.size).toBe(count)
        expect(cache.has(other)).toBe(true)
      })
    })

    test('are none before the first object, nor after close()', async () => {
      cxl.setCapacity(LOCAL_MEMORY, 0)
      using cache = new SlabCache(cxl, { objectSize: 8 })
      const check = async (code: 'NO_MEMORY' | 'CLOSED') => {
        expectFailure(await failureOf(() => cache.alloc()), emucxlError(code, ''))
        for (const ref of [0, -0, 1, -1, 2 ** 53]) {
          const other = code === 'CLOSED' ? code : 'NOT_ALLOCATED'
          expect(cache.has(ref)).toBe(false)
          expectFailure(await failureOf(() => cache.free(ref)), emucxlError(other, 'slab cache'))
          expectFailure(await failureOf(() => cache.bytes(ref)), emucxlError(other, 'slab cache'))
        }
      }
      await check('NO_MEMORY')
      cxl.close()
      await check('CLOSED')
    })

    test('are numbers, and nothing else', () => {
      using cache = new SlabCache(cxl, { objectSize: 8 })
      const ref = cache.alloc()
      for (const other of [
        1n,
        Symbol('ref'),
        String(ref),
        { valueOf: () => ref },
        null,
        undefined,
      ]) {
        expect(cache.has(other as never)).toBe(false)
      }
      expect(cache.has(ref)).toBe(true)
    })

    test('of a cache that was destroyed are not those of the next ones', () => {
      const first = new SlabCache(cxl, { objectSize: 8 })
      const stale = first.alloc()
      first.destroy()
      for (let i = 0; i < 5000; i++) {
        using cache = new SlabCache(cxl, { objectSize: 8 })
        expect(cache.alloc() === stale || cache.has(stale)).toBe(false)
      }
    })

    test('of a cache that used many generations are not those of the next one', () => {
      const first = new SlabCache(cxl, { objectSize: 8 })
      const stale: number[] = []
      for (let i = 0; i < 3000; i++) {
        const ref = first.alloc()
        stale.push(ref)
        first.free(ref)
      }
      first.destroy()
      // As many as there are numbers: one of them has that of the first.
      for (let i = 0; i < 2047; i++) {
        using cache = new SlabCache(cxl, { objectSize: 8 })
        const ref = cache.alloc()
        expect(stale.includes(ref) || stale.some((each) => cache.has(each))).toBe(false)
      }
    })

    test('are not used up by caches whose context was closed', () => {
      for (let i = 0; i < 2500; i++) {
        using other = open()
        const cache = new SlabCache(other, { objectSize: 8 })
        if (i % 100 === 0) cache.alloc()
      }
      using cache = new SlabCache(cxl, { objectSize: 8 })
      expect(cache.has(cache.alloc())).toBe(true)
    })

    test('are given back by caches that are dropped, and so is their memory', async ({ skip }) => {
      const collect = collector()
      if (collect === undefined) return skip('this engine cannot be told to collect')
      let stale = 0
      ;(() => {
        for (let i = 0; i < 2047; i++) {
          const cache = new SlabCache(cxl, { objectSize: 8 })
          if (i % 400 === 0) stale = cache.alloc()
        }
      })()
      expect(() => new SlabCache(cxl, { objectSize: 8 })).toThrow('2047')
      await collect(() => cxl.mappings().length === 0)
      expect(cxl.mappings()).toEqual([])
      for (let i = 0; i < 2047; i++) {
        using cache = new SlabCache(cxl, { objectSize: 8 })
        if (cache.alloc() === stale || cache.has(stale)) expect.unreachable(`${stale} lives`)
      }
    })

    test('NULL_REF names nothing', async () => {
      using cache = new SlabCache(cxl, { objectSize: 8 })
      cache.alloc()
      expect(cache.has(NULL_REF)).toBe(false)
      expectFailure(await failureOf(() => cache.bytes(NULL_REF)), emucxlError('NOT_ALLOCATED'))
    })

    test('that were freed, and those of others, are refused by name', async () => {
      using cache = new SlabCache(cxl, { objectSize: 8 })
      using other = new SlabCache(cxl, { objectSize: 8 })
      const [live, freed, strange] = [cache.alloc(), cache.alloc(), other.alloc()]
      cache.free(freed)
      for (const call of ['free', 'bytes', 'buffer', 'view', 'offset', 'nodeOf'] as const) {
        expectFailure(await failureOf(() => cache[call](freed)), emucxlError('FREED', 'ref'))
        expectFailure(
          await failureOf(() => cache[call](strange)),
          emucxlError('NOT_ALLOCATED', 'ref'),
        )
        for (const bad of ['1', null, undefined, 5n, {}, Symbol('x')]) {
          expectFailure(await failureOf(() => cache[call](bad as never)), typeError('ref'))
        }
      }
      expect(cache.stats().objects).toBe(1)
      expect(cache.has(live)).toBe(true)
    })
  })

  describe('movement', () => {
    test('one object moves to another node, under a new ref', () => {
      using cache = new SlabCache(cxl, { objectSize: 100 })
      const ref = cache.alloc()
      cache.bytes(ref).fill(9)
      const moved = cache.migrate(ref, REMOTE_MEMORY)
      expect(cache.nodeOf(moved)).toBe(REMOTE_MEMORY)
      expect(cache.bytes(moved)).toEqual(new Uint8Array(100).fill(9))
      expect(cache.has(ref)).toBe(false)
      expect(cache.migrate(moved, REMOTE_MEMORY)).toBe(moved)
    })

    test('a slab moves in place, and is then one of the other node', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      const refs = Array.from({ length: 3 }, () => cache.alloc())
      for (const ref of refs) cache.bytes(ref).fill(ref % 251)
      cache.migrateSlab(refs[0] as number, REMOTE_MEMORY)
      for (const ref of refs) {
        expect(cache.nodeOf(ref)).toBe(REMOTE_MEMORY)
        expect(cache.bytes(ref)).toEqual(new Uint8Array(KiB).fill(ref % 251))
      }
      expect(cache.nodeOf(cache.alloc())).toBe(LOCAL_MEMORY)
      const fourth = cache.alloc(REMOTE_MEMORY)
      expect(cache.buffer(fourth)).toBe(cache.buffer(refs[0] as number))
    })

    test('compact() gives slabs back, and tells what moved', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: 4 * PAGE })
      const names = new Map<number, number>()
      const refs = Array.from({ length: 160 }, () => cache.alloc())
      for (const [i, ref] of refs.entries()) {
        if (i % 4 > 0) cache.free(ref)
        else names.set(i, ref)
      }
      for (const [i, ref] of names) cache.bytes(ref).fill(i)
      const byRef = new Map([...names].map(([i, ref]) => [ref, i]))
      const moved = cache.compact((from, to) => {
        const name = byRef.get(from) as number
        byRef.delete(from)
        byRef.set(to, name)
      })
      expect(moved).toBeGreaterThan(0)
      expect(cache.stats()).toMatchObject({ objects: 40, slabs: 3 + 1 }) // and the spare
      for (const [ref, i] of byRef) expect(cache.bytes(ref)).toEqual(new Uint8Array(KiB).fill(i))
      expect(cache.compact(() => {})).toBe(0)
    })

    describe('compact() with slabs of four objects', () => {
      const PER_SLAB = 4
      /** A cache whose slabs have so many objects each; the last one is the current slab. */
      function filled(counts: number[]): { cache: SlabCache; refs: number[] } {
        const cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
        const slabs = counts.map(() => Array.from({ length: PER_SLAB }, () => cache.alloc()))
        const refs = slabs.flatMap((slab, i) => slab.slice(0, counts[i]))
        for (const ref of slabs.flat()) if (!refs.includes(ref)) cache.free(ref)
        return { cache, refs }
      }

      test.each([
        [[1, 2, 3], 1, 2], // into the current slab, which is full then
        [[3, 3, 3], 0, 3],
        [[1, 3], 1, 1],
        [[1, 1, 1, 1], 3, 1],
        [[2, 3, 3], 2, 2],
      ])('%j moves %i objects', (counts, moves, slabs) => {
        const { cache } = filled(counts)
        expect(cache.compact(() => {})).toBe(moves)
        expect(cache.stats().slabs).toBeLessThanOrEqual(slabs + 1) // and the spare
        const room = PER_SLAB * slabs - counts.reduce((a, b) => a + b)
        for (let i = 0; i < room; i++) cache.alloc()
        cache.trim()
        expect(cache.stats().slabs).toBe(slabs)
        cache.destroy()
      })

      test('gives refs whose generations go round', () => {
        const { cache, refs } = filled([1, 3])
        for (let i = 0; i < 16_382; i++) cache.free(cache.alloc())
        for (let i = 0; i < 3; i++) {
          const one = cache.alloc()
          cache.free(refs[0] as number)
          refs[0] = one
        }
        cache.compact((_, to) => {
          expect(Number.isSafeInteger(to) && cache.has(to)).toBe(true)
        })
        cache.destroy()
      })

      test('whose callback frees all, and destroys the cache', () => {
        const { cache, refs } = filled([1, 2, 3])
        cache.compact((_, to) => {
          for (const ref of [...refs, to]) if (cache.has(ref)) cache.free(ref)
          cache.destroy()
        })
        expect(cxl.mappings()).toEqual([])
      })
    })

    test('the callback of compact() may take the room that others were to have', () => {
      using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: 4 * PAGE })
      const refs = Array.from({ length: 160 }, () => cache.alloc())
      for (const [i, ref] of refs.entries()) if (i % 3 > 0) cache.free(ref)
      const live = new Set(refs.filter((_, i) => i % 3 === 0))
      let calls = 0
      cache.compact((from, to) => {
        live.delete(from)
        live.add(to)
        expect(cache.buffer(to)).not.toBe(cache.buffer(from))
        if (calls++ < 3) for (let i = 0; i < 25; i++) live.add(cache.alloc())
      })
      expect(cache.stats().objects).toBe(live.size)
      const places = [...live].map((ref) => [cache.buffer(ref), cache.offset(ref)] as const)
      const buffers = [...new Set(places.map(([buffer]) => buffer))]
      const names = places.map(([buffer, offset]) => `${buffers.indexOf(buffer)}+${offset}`)
      expect(new Set(names).size).toBe(live.size)
    })

    test.each([1, -1])('the callback of compact() may use the cache, even destroy it', (order) => {
      const fill = (cache: SlabCache) => {
        const refs = Array.from({ length: 64 }, () => cache.alloc())
        const all = [...refs.entries()]
        for (const [i, ref] of order < 0 ? all.reverse() : all) if (i % 4 > 0) cache.free(ref)
      }
      using busy = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      fill(busy)
      busy.compact((from, to) => {
        expect(() => busy.compact(() => {})).toThrow('compact() is under way')
        expect(() => busy.migrateSlab(from, REMOTE_MEMORY)).toThrow('compact() is under way')
        busy.free(busy.alloc())
        if (from % 2 === 0) busy.free(from)
        else busy.free(to)
      })
      const gone = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
      fill(gone)
      gone.compact(() => gone.destroy())
      for (const node of [LOCAL_MEMORY, REMOTE_MEMORY]) {
        expect(() => gone.alloc(node)).toThrow('destroyed')
      }
    })
  })

  test('destroy gives everything back, once', async () => {
    const cache = new SlabCache(cxl, { objectSize: 100 })
    const refs = [cache.alloc(), cache.alloc(REMOTE_MEMORY)]
    cache.destroy()
    cache.destroy()
    expect(cxl.mappings()).toEqual([])
    expect(cache.stats()).toMatchObject({ objects: 0, slabs: 0, bytesMapped: 0, fragmentation: 0 })
    for (const ref of refs) {
      expect(cache.has(ref)).toBe(false)
      expectFailure(await failureOf(() => cache.free(ref)), emucxlError('CLOSED', 'destroyed'))
    }
    expectFailure(await failureOf(() => cache.alloc()), emucxlError('CLOSED', 'destroyed'))
  })

  test('stats tell what is used, what is mapped, and what lies between', () => {
    using cache = new SlabCache(cxl, { objectSize: 512, slabBytes: 2 * PAGE })
    for (let i = 0; i < 8; i++) cache.alloc()
    cache.alloc(REMOTE_MEMORY)
    expect(cache.stats()).toEqual({
      ...{ objects: 9, slabs: 2, bytesUsed: 4608, bytesMapped: 16384, fragmentation: 0.71875 },
      nodes: [
        { node: 0, objects: 8, slabs: 1, bytesUsed: 4096, bytesMapped: 8192, fragmentation: 0.5 },
        { node: 1, objects: 1, slabs: 1, bytesUsed: 512, bytesMapped: 8192, fragmentation: 0.9375 },
      ],
    })
  })

  describe('what is wrong is named', () => {
    const make = (options: object) => () => new SlabCache(cxl, options as never)
    test.for([
      [make({}), typeError('options.objectSize')],
      [make({ objectSize: '8' }), typeError('options.objectSize')],
      [make({ objectSize: 0 }), rangeError('options.objectSize')],
      [make({ objectSize: -1 }), rangeError('options.objectSize')],
      [make({ objectSize: 1.5 }), rangeError('options.objectSize')],
      [make({ objectSize: Number.NaN }), rangeError('options.objectSize')],
      [make({ objectSize: 2 ** 53 }), rangeError('options.objectSize')],
      [make({ objectSize: 2 ** 31 }), rangeError('options.objectSize')],
      [make({ objectSize: 8, align: 3 }), rangeError('options.align')],
      [make({ objectSize: 8, align: 0 }), rangeError('options.align')],
      [make({ objectSize: 8, align: 8192 }), rangeError('options.align')],
      [make({ objectSize: 8, align: '8' }), typeError('options.align')],
      [make({ objectSize: 8, slabBytes: 4 }), rangeError('options.slabBytes')],
      [make({ objectSize: 8, slabBytes: 0 }), rangeError('options.slabBytes')],
      [make({ objectSize: 8, slabBytes: null }), typeError('options.slabBytes')],
      [make({ objectSize: 8, zero: 1 }), typeError('options.zero')],
      [make({ objectSize: 1, slabBytes: 2 ** 29 }), rangeError('options.slabBytes')],
      [make({ objectSize: 8, node: 7 }), emucxlError('BAD_NODE', 'node')],
      [make({ objectSize: 8, node: '0' }), typeError('node')],
      [make(undefined as never), typeError('options')],
      [() => new SlabCache({} as never, { objectSize: 8 }), typeError('cxl')],
    ] as const)('%#', async ([call, wanted]) => {
      expectFailure(await failureOf(call), wanted as never)
      expect(cxl.mappings()).toEqual([])
    })

    test.for([7, -1, 0.5, Number.NaN, 2 ** 53])('alloc(%d)', async (node) => {
      using cache = new SlabCache(cxl, { objectSize: 8 })
      cache.alloc()
      const error = await failureOf(() => cache.alloc(node))
      expect(error).toBeInstanceOf(EmucxlError)
      expect(error.code).toBe('ERR_EMUCXL_BAD_NODE')
    })

    test('a context that was closed', async () => {
      const other = open()
      const cache = new SlabCache(other, { objectSize: 8 })
      const ref = cache.alloc()
      other.close()
      const calls = [
        () => cache.alloc(),
        () => cache.free(ref),
        () => cache.bytes(ref),
        () => cache.view(ref),
        () => cache.migrate(ref, REMOTE_MEMORY),
        () => cache.stats(),
      ]
      for (const call of calls)
        expectFailure(await failureOf(call), emucxlError('CLOSED', 'context'))
      expect(cache.has(ref)).toBe(false)
      cache.destroy()
    })

    test('a context that is closed while its slabs are compacted', () => {
      const other = open()
      const cache = new SlabCache(other, { objectSize: KiB, slabBytes: PAGE })
      const refs = Array.from({ length: 64 }, () => cache.alloc())
      for (const [i, ref] of refs.entries()) if (i % 4 > 0) cache.free(ref)
      cache.compact(() => other.close())
      expect(() => cache.alloc()).toThrow('closed')
      cache.destroy()
    })

    test('more caches than refs can name', async () => {
      const caches: SlabCache[] = []
      const error = await failureOf(() => {
        for (;;) caches.push(new SlabCache(cxl, { objectSize: 8 }))
      })
      expectFailure(error, emucxlError('NO_MEMORY', '2047'))
      for (const cache of caches) cache.destroy()
      using cache = new SlabCache(cxl, { objectSize: 8 })
      expect(cache.has(cache.alloc())).toBe(true)
    })
  })

  test('options are read once', () => {
    let reads = 0
    const options = {
      get objectSize() {
        return reads++ === 0 ? 8 : 64
      },
    }
    using cache = new SlabCache(cxl, options)
    expect(cache.objectSize).toBe(8)
    expect(cache.bytes(cache.alloc())).toHaveLength(8)
    expect(Math.abs(cache.offset(cache.alloc()) - cache.offset(cache.alloc()))).toBe(8)
  })

  test('a slab whose buffer the user freed or transferred harms nobody', () => {
    using cache = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE })
    const refs = Array.from({ length: 12 }, () => cache.alloc())
    cxl.free(cache.buffer(refs[0] as number))
    const first = refs[0] as number
    const { objects } = cache.stats()
    for (const call of [() => cache.bytes(first), () => cache.migrate(first, REMOTE_MEMORY)]) {
      expect(call).toThrow(/^ref: the memory of the object was freed or transferred/)
    }
    expect(cache.stats().objects).toBe(objects)
    for (const ref of refs) cache.free(ref)
    expect(cache.stats().objects).toBe(0)
    using zeroing = new SlabCache(cxl, { objectSize: KiB, slabBytes: PAGE, zero: true })
    cxl.free(zeroing.buffer(zeroing.alloc()))
    expect(() => zeroing.alloc()).toThrow(/^ref: the memory of the object was freed/)
    expect(zeroing.stats().objects).toBe(1)
  })
})

test('Emucxl has to be open', () => {
  const cxl = Emucxl.open({ backend: 'emulated' })
  cxl.close()
  expect(() => new SlabCache(cxl, { objectSize: 8 })).toThrow('closed')
})
