// The twins off the main thread: signals, and what happens to memory while an operation runs over it.

import { pbkdf2 } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { AsyncOptions, Emucxl } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { eachBackend } from './each-backend.js'
import {
  bytesOf,
  emucxlError,
  expectBytes,
  expectFailure,
  failureOf,
  filled,
  pattern,
  rangeError,
  typeError,
  Untouched,
} from './refusal.js'

const deriveKey = promisify(pbkdf2)

const MIB = 2 ** 20

/** Every method that takes a signal, over a block with a pattern in it. */
const METHODS: Record<
  string,
  (cxl: Emucxl, block: ArrayBuffer, o: AsyncOptions) => Promise<unknown>
> = {
  allocAsync: (cxl, _, o) => cxl.allocAsync(4096, 0, o),
  freeAsync: (cxl, block, o) => cxl.freeAsync(block, o),
  resizeAsync: (cxl, block, o) => cxl.resizeAsync(block, 5000, o),
  migrateAsync: (cxl, block, o) => cxl.migrateAsync(block, 1, o),
  whereAsync: (cxl, block, o) => cxl.whereAsync(block, o),
  readAsync: (cxl, block, o) => cxl.readAsync(block, 0, new Uint8Array(10), 10, o),
  writeAsync: (cxl, block, o) => cxl.writeAsync(block, 0, new Uint8Array(10), 10, o),
  fillAsync: (cxl, block, o) => cxl.fillAsync(block, 1, 0, 10, o),
  copyAsync: (cxl, block, o) => cxl.copyAsync(block, 0, block, 50, 10, o),
  moveAsync: (cxl, block, o) => cxl.moveAsync(block, 0, block, 5, 10, o),
}

eachBackend(({ name, open }) => {
  describe.for(Object.entries(METHODS))('%s', ([method, call]) => {
    test('aborted before: rejected with the reason, nothing done', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const untouched = new Untouched(cxl, block)
      const before = bytesOf(block)
      const reason = new Error('mine')
      const signal = AbortSignal.abort(reason)
      expect(await failureOf(() => call(cxl, block, { signal }))).toBe(reason)
      const plain = await failureOf(() => call(cxl, block, { signal: AbortSignal.abort() }))
      expect(plain.name).toBe('AbortError')
      await turn()
      expectBytes(block, before)
      await untouched.refuses(() => cxl.alloc(0, 0), rangeError('size'))
    })

    test('aborted at once: done, or rejected with the reason and not done', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const { stats, mappings } = { stats: cxl.stats(0), mappings: cxl.mappings() }
      const controller = new AbortController()
      const reason = new Error('mine')
      const work = call(cxl, block, { signal: controller.signal })
      controller.abort(reason)
      const outcome = await work.then(
        () => 'done',
        (error) => error,
      )
      expect([reason, 'done']).toContain(outcome)
      if (method === 'allocAsync' || method === 'resizeAsync') expect(outcome).toBe(reason)
      if (outcome === 'done') return
      await turn()
      expect(cxl.mappings()).toEqual(mappings)
      expect(cxl.stats(0).allocated).toBe(stats.allocated)
      expect(cxl.nodeOf(block)).toBe(0)
    })

    test('aborted after the end: nothing more', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const controller = new AbortController()
      const work = call(cxl, block, { signal: controller.signal })
      await work
      const mappings = cxl.mappings()
      controller.abort()
      await turn()
      expect(cxl.mappings()).toEqual(mappings)
    })

    test('leaves no listener on its signal', async () => {
      using cxl = open()
      const { signal } = new AbortController()
      let listeners = 0
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...a: Parameters<typeof add>) => {
        listeners++
        add(...a)
      }
      signal.removeEventListener = (...a: Parameters<typeof remove>) => {
        listeners--
        remove(...a)
      }
      await call(cxl, filled(cxl, 100, 0), { signal }).catch(() => {})
      expect(listeners).toBe(0)
    })

    test.for([
      ['options 5', 5, typeError('options must be an object, not 5')],
      ['options null', null, typeError('options must be an object')],
      ['a signal that is none', { signal: {} }, typeError('options.signal must be an AbortSignal')],
      ['a signal of null', { signal: null }, typeError('options.signal')],
      ['a controller', { signal: new AbortController() }, typeError('options.signal')],
    ] as const)('with %s is rejected, and nothing done', async ([, options, wanted]) => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const untouched = new Untouched(cxl, block)
      await untouched.refuses(() => call(cxl, block, options as AsyncOptions), wanted)
    })

    test('never throws: what is wrong comes as a rejection', async () => {
      const cxl = open()
      const block = filled(cxl, 100, 0)
      cxl.close()
      const work = call(cxl, block, {})
      expect(work).toBeInstanceOf(Promise)
      expectFailure(await failureOf(() => work), emucxlError('CLOSED', 'open another one'))
    })
  })

  test('a long copy ends early', async () => {
    using cxl = open({ capacity: { local: 2 ** 30, remote: 2 ** 30 } })
    const [one, two] = [cxl.alloc(64 * MIB, 0), cxl.alloc(64 * MIB, 1)]
    const controller = new AbortController()
    // The threads of the pool have something to do before, so that none is done before the abort.
    const before = Array.from({ length: 8 }, () => deriveKey('', '', 200_000, 32, 'sha512'))
    const work = Promise.all([
      failureOf(() => cxl.copyAsync(two, 0, one, 0, 64 * MIB, { signal: controller.signal })),
      failureOf(() => cxl.fillAsync(one, 1, 0, 64 * MIB, { signal: controller.signal })),
      failureOf(() =>
        cxl.readAsync(one, 0, new ArrayBuffer(64 * MIB), 64 * MIB, { signal: controller.signal }),
      ),
    ])
    controller.abort()
    for (const error of await work) expect(error.name).toBe('AbortError')
    await Promise.all(before)
  })

  describe('a block that is freed meanwhile', () => {
    test.for([
      ['fillAsync', (cxl: Emucxl, block: ArrayBuffer) => cxl.fillAsync(block, 1)],
      [
        'readAsync',
        (cxl: Emucxl, block: ArrayBuffer) => cxl.readAsync(block, 0, new Uint8Array(9)),
      ],
      [
        'writeAsync',
        (cxl: Emucxl, block: ArrayBuffer) => cxl.writeAsync(block, 0, new Uint8Array(9)),
      ],
      [
        'copyAsync to',
        (cxl: Emucxl, block: ArrayBuffer) => cxl.copyAsync(block, 0, cxl.alloc(9, 0), 0, 9),
      ],
      [
        'copyAsync from',
        (cxl: Emucxl, block: ArrayBuffer) => cxl.copyAsync(cxl.alloc(9, 0), 0, block, 0, 9),
      ],
      ['moveAsync', (cxl: Emucxl, block: ArrayBuffer) => cxl.moveAsync(block, 0, block, 9, 9)],
      ['resizeAsync', (cxl: Emucxl, block: ArrayBuffer) => cxl.resizeAsync(block, 9)],
    ] as const)('%s says so', async ([, call]) => {
      for (const end of ['free', 'freeAsync', 'close', 'closeAsync'] as const) {
        const cxl = open()
        const block = filled(cxl, 100, 0)
        const work = call(cxl, block)
        const freed = end === 'free' || end === 'freeAsync' ? cxl[end](block) : cxl[end]()
        expect(block.byteLength).toBe(0)
        const error = await failureOf(() => work)
        expect(error.name).toBe('EmucxlError')
        expect(['ERR_EMUCXL_FREED', 'ERR_EMUCXL_CLOSED']).toContain(error.code)
        await freed
        cxl.close()
      }
    })

    test('migrateAsync says so, and books it nowhere', async () => {
      using cxl = open()
      const block = filled(cxl, 100, 0)
      const work = cxl.migrateAsync(block, 1)
      cxl.free(block)
      expectFailure(
        await failureOf(() => work),
        emucxlError('FREED', 'address was freed meanwhile'),
      )
      expect([cxl.stats(0).regions, cxl.stats(1).regions]).toEqual([0, 0])
      expect([cxl.stats(0).mapped, cxl.stats(1).mapped]).toEqual([0, 0])
    })
  })

  test('a block allocated for a context that is closed meanwhile is given back', async () => {
    const cxl = open()
    const work = [1, 2, 3].map((size) => failureOf(() => cxl.allocAsync(size, 0)))
    cxl.close()
    for (const error of await Promise.all(work)) expectFailure(error, emucxlError('CLOSED'))
  })

  test.for(['resizeAsync', 'migrateAsync'] as const)(
    'a block under %s takes no other one',
    async (method) => {
      using cxl = open()
      const block = filled(cxl, 5000, 0)
      const work =
        method === 'resizeAsync' ? cxl.resizeAsync(block, 9000) : cxl.migrateAsync(block, 1)
      const later: Promise<Error>[] = []
      for (const call of [
        () => cxl.resize(block, 1),
        () => cxl.migrate(block, 1),
        () => cxl.migrate(new Uint8Array(block), 0),
      ]) {
        // In this very turn of the event loop: nothing can have ended.
        let error: unknown
        try {
          call()
        } catch (thrown) {
          error = thrown
        }
        expectFailure(
          error as Error,
          emucxlError('BUSY', 'a migrate or resize of this block is under way', 'abort it'),
        )
        later.push(failureOf(() => cxl.resizeAsync(block, 1)))
        later.push(failureOf(() => cxl.migrateAsync(block, 1)))
      }
      for (const error of await Promise.all(later)) expectFailure(error, emucxlError('BUSY'))
      const result = await work
      const after = result instanceof ArrayBuffer ? result : block
      expect(bytesOf(after).subarray(0, 5000)).toEqual(pattern(5000))
      cxl.free(cxl.resize(after, 100)) // and now it does
    },
  )

  test('bytes stored while it is resized stay, until it is there', async () => {
    using cxl = open()
    const block = cxl.alloc(5000, 0)
    const work = cxl.resizeAsync(block, 9000)
    new Uint8Array(block).set(pattern(5000))
    cxl.write(block, 4999, Uint8Array.of(1))
    const resized = await work
    const wanted = new Uint8Array(9000)
    wanted.set(pattern(5000))
    wanted[4999] = 1
    expectBytes(resized, wanted)
  })

  test('the capacity that a resize may use is held while it runs', async () => {
    using cxl = open({ capacity: { local: 4 * 4096 } })
    const block = filled(cxl, 2 * 4096, 0)
    const work = cxl.resizeAsync(block, 3 * 4096)
    const rest = await Promise.allSettled([work, cxl.allocAsync(4096, 0), cxl.allocAsync(4096, 0)])
    const mapped = rest.filter(({ status }) => status === 'fulfilled')
    expect(cxl.stats(0).mapped).toBeLessThanOrEqual(4 * 4096)
    expect(mapped.length).toBeGreaterThanOrEqual(1)
  })

  test('what a write takes from a buffer is what was there at the call', async () => {
    using cxl = open()
    const block = cxl.alloc(100, 0)
    const buffer = new Uint8Array(100).fill(3)
    const work = cxl.writeAsync(block, 0, buffer)
    buffer.fill(9)
    await work
    expectBytes(block, new Uint8Array(100).fill(3))
  })

  test.for([1, 3 * MIB])('a buffer of %i bytes detached while it is read into', async (size) => {
    using cxl = open()
    const block = cxl.alloc(size, 0)
    const buffer = new ArrayBuffer(size)
    const work = cxl.readAsync(block, 0, buffer)
    const moved = structuredClone(buffer, { transfer: [buffer] })
    expectFailure(await failureOf(() => work), emucxlError('DETACHED', 'buffer'))
    expect(moved.byteLength).toBe(size)
  })

  test('a buffer made shorter while it is read into', async () => {
    using cxl = open()
    const block = filled(cxl, 1000, 0)
    const buffer = new ArrayBuffer(1000, { maxByteLength: 1000 })
    const work = cxl.readAsync(block, 0, buffer)
    buffer.resize(999)
    expectFailure(await failureOf(() => work), emucxlError('DETACHED', 'made shorter'))
    expectBytes(buffer, new Uint8Array(999))
  })

  test('WASM memory that grows while it is written from', async () => {
    using cxl = open()
    const block = cxl.alloc(65536 * 20, 0)
    const { WebAssembly } = globalThis as unknown as {
      WebAssembly: {
        Memory: new (limits: { initial: number }) => { buffer: ArrayBuffer; grow(n: number): void }
      }
    }
    const memory = new WebAssembly.Memory({ initial: 20 })
    new Uint8Array(memory.buffer).fill(4)
    const work = cxl.writeAsync(block, 0, memory.buffer) // 1.25 MiB: more than it takes at once
    memory.grow(1)
    expectFailure(await failureOf(() => work), emucxlError('DETACHED', 'buffer was detached'))
  })

  test('a hundred at a time', async () => {
    using cxl = open()
    const blocks = await Promise.all(
      Array.from({ length: 100 }, (_, i) => cxl.allocAsync(1000 + i, i % 2)),
    )
    await Promise.all(blocks.map((block, i) => cxl.fillAsync(block, i)))
    const resized = await Promise.all(blocks.map((block) => cxl.resizeAsync(block, 2000)))
    await Promise.all(resized.map((block, i) => cxl.migrateAsync(block, (i + 1) % 2)))
    resized.forEach((block, i) => {
      const wanted = new Uint8Array(2000).fill(i, 0, 1000 + i)
      expectBytes(block, wanted)
      expect(cxl.nodeOf(block)).toBe((i + 1) % 2)
    })
    await Promise.all(resized.map((block) => cxl.freeAsync(block)))
    expect([cxl.stats(0).regions, cxl.stats(1).regions]).toEqual([0, 0])
    expect(cxl.backend).toBe(name)
  })

  test('shared blocks too', async () => {
    using cxl = open()
    const block = await cxl.allocAsync(100, 0, { shared: true })
    await cxl.fillAsync(block, 7)
    expectBytes(block, new Uint8Array(100).fill(7))
    await cxl.freeAsync(block)
    // An ArrayBuffer, on Node.js 20, is detached.
    if (block.byteLength !== 0) expectBytes(block, new Uint8Array(100))
    expect(cxl.stats(0).regions).toBe(0)
  })
})
