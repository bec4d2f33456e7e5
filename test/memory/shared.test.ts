// Shared blocks: one memory for several threads; handles, attaching, freeing it for all.

import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Emucxl, type SharedHandle } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { eachBackend } from './each-backend.js'
import {
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

const wraps = Number(process.versions.node.split('.')[0]) >= 22
const entry = JSON.stringify(fileURLToPath(import.meta.resolve('emucxl')))

/** Runs a program in a worker thread, and returns what it posts. It sees `emucxl` and `data`. */
function inWorker(body: string, data: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(
      `const { workerData: data, parentPort } = require('node:worker_threads')
       import(${entry}).then(async (emucxl) => {
         parentPort.postMessage(await (async () => { ${body} })())
       })`,
      { eval: true, workerData: data },
    )
    let posted: unknown
    worker.on('message', (message) => {
      posted = message
    })
    worker.on('error', reject)
    worker.on('exit', () => resolve(posted))
  })
}

eachBackend(({ open, eager }) => {
  test(`is a ${wraps ? 'SharedArrayBuffer' : 'ArrayBuffer'}, zeroed, booked, marked`, () => {
    using cxl = open()
    const block = cxl.alloc(5000, 1, { shared: true })
    expect(block).toBeInstanceOf(wraps ? SharedArrayBuffer : ArrayBuffer)
    expect(cxl.where(block).untouched).toBe(eager ? 0 : 2)
    expectBytes(block, new Uint8Array(5000))
    expect(cxl.mappings()).toMatchObject([{ node: 1, size: 5000, mapped: 8192, shared: true }])
    expect([cxl.sizeOf(block), cxl.nodeOf(block), cxl.isLocal(block)]).toEqual([5000, 1, false])
    expect(cxl.sizeOf(new Uint8Array(block, 100))).toBe(5000)
  })

  test('shared: false is an ordinary block', () => {
    using cxl = open()
    expect(cxl.alloc(1, 0, { shared: false })).toBeInstanceOf(ArrayBuffer)
    expect(cxl.mappings()).toMatchObject([{ shared: false }])
  })

  test('every call takes it', async () => {
    using cxl = open()
    const block = cxl.alloc(1000, 0, { shared: true })
    cxl.write(block, 0, pattern(1000))
    const read = new Uint8Array(10)
    cxl.read(block, 5, read)
    expect(read).toEqual(pattern(15).subarray(5))
    cxl.fill(block, 3, 10, 20)
    cxl.copy(block, 100, block, 0, 50)
    await cxl.moveAsync(block, 200, block, 190, 50)
    const wanted = pattern(1000).fill(3, 10, 30)
    wanted.copyWithin(100, 0, 50).copyWithin(200, 190, 240)
    expectBytes(block, wanted)
    cxl.migrate(block, 1)
    expect(cxl.nodeOf(block)).toBe(1)
    await cxl.migrateAsync(block, 0)
    expect([cxl.nodeOf(block), cxl.isLocal(new DataView(block))]).toEqual([0, true])
    expectBytes(block, wanted)
  })

  test('cannot be resized', async () => {
    using cxl = open()
    const block = cxl.alloc(100, 0, { shared: true })
    cxl.write(block, 0, pattern(100))
    const untouched = new Untouched(cxl, block)
    const wanted = emucxlError('SHARED', 'cannot be resized', 'allocate another block and copy')
    await untouched.refuses(() => cxl.resize(block, 200), wanted)
    await untouched.refuses(() => cxl.resizeAsync(block, 50), wanted)
  })

  test('attach gives another buffer over the same memory', () => {
    using cxl = open()
    const block = cxl.alloc(100, 0, { shared: true })
    const handle = cxl.share(block)
    expect(handle).toEqual({ emucxlRegion: handle.emucxlRegion, size: 100 })
    expect(Number.isSafeInteger(handle.emucxlRegion)).toBe(true)
    expect(structuredClone(handle)).toEqual(handle)
    const other = Emucxl.attach(handle)
    expect(other).not.toBe(block)
    expect(other.byteLength).toBe(100)
    new Uint8Array(other)[7] = 9
    expect(new Uint8Array(block)[7]).toBe(9)
    expect(Atomics.add(new Int32Array(block), 0, 5)).toBe(0)
    expect(Atomics.load(new Int32Array(other), 0)).toBe(5)
    expect(cxl.sizeOf(other)).toBe(100)
    expect(cxl.mappings()).toHaveLength(1)
    expect(cxl.share(other)).toEqual(handle)
  })

  test('freed, it is gone for all', async () => {
    using cxl = open()
    const block = cxl.alloc(100, 0, { shared: true })
    const handle = cxl.share(block)
    const other = Emucxl.attach(handle)
    new Uint8Array(block).fill(1)
    cxl.free(other)
    expect(cxl.stats(0)).toMatchObject({ allocated: 0, mapped: 0, regions: 0 })
    for (const memory of [block, other]) {
      if (memory.byteLength !== 0) expectBytes(memory, new Uint8Array(100))
      const error = await failureOf(() => cxl.sizeOf(memory))
      expect(['ERR_EMUCXL_FREED', 'ERR_EMUCXL_DETACHED']).toContain(error.code)
      expect((await failureOf(() => cxl.free(memory))).name).toBe('EmucxlError')
    }
    expect(block.byteLength).toBe(100)
    expect(other.byteLength).toBe(wraps ? 100 : 0)
    expectFailure(
      await failureOf(() => Emucxl.attach(handle)),
      emucxlError('FREED', 'handle: the shared region was freed'),
    )
  })

  test('close frees it too, and all buffers over it', () => {
    const cxl = open()
    const block = cxl.alloc(100, 0, { shared: true })
    const other = Emucxl.attach(cxl.share(block))
    new Uint8Array(other).fill(1)
    cxl.close()
    for (const memory of [block, other]) {
      if (memory.byteLength !== 0) expectBytes(memory, new Uint8Array(100))
    }
  })

  test('share of what was not allocated as shared', async () => {
    using cxl = open()
    const block = filled(cxl, 100, 0)
    const untouched = new Untouched(cxl, block)
    const wanted = emucxlError('NOT_SHARED', 'address', 'pass { shared: true } to alloc')
    await untouched.refuses(() => cxl.share(block), wanted)
    const shared = cxl.alloc(100, 0, { shared: true })
    await untouched.refuses(() => cxl.share(new Uint8Array(shared, 1)), rangeError('the start'))
  })

  test('a worker attaches by the handle, writes, and ends; the memory stays', async () => {
    using cxl = open()
    const block = cxl.alloc(4096, 1, { shared: true })
    new Uint8Array(block).set([1, 2, 3])
    const seen = await inWorker(
      `const memory = emucxl.Emucxl.attach(data)
       const seen = [...new Uint8Array(memory, 0, 3)]
       new Uint8Array(memory).set([7, 8, 9], 3)
       for (let i = 0; i < 10000; i++) Atomics.add(new Int32Array(memory), 100, 1)
       return seen`,
      cxl.share(block),
    )
    expect(seen).toEqual([1, 2, 3])
    expect([...new Uint8Array(block, 0, 6)]).toEqual([1, 2, 3, 7, 8, 9])
    expect(new Int32Array(block)[100]).toBe(10_000)
    expect(cxl.stats(1).regions).toBe(1)
  })

  test('a worker may free it for all', async () => {
    using cxl = open()
    const block = cxl.alloc(4096, 0, { shared: true })
    new Uint8Array(block).fill(5)
    const code = await inWorker(
      `const cxl = emucxl.Emucxl.open({ backend: 'emulated' })
       const memory = emucxl.Emucxl.attach(data)
       cxl.free(memory)
       try { cxl.free(memory) } catch (error) { return error.code }`,
      cxl.share(block),
    )
    expect(['ERR_EMUCXL_FREED', 'ERR_EMUCXL_DETACHED']).toContain(code)
    expectBytes(block, new Uint8Array(4096))
    expect(cxl.stats(0).regions).toBe(0)
    expectFailure(await failureOf(() => cxl.sizeOf(block)), emucxlError('FREED'))
  })

  test('a SharedArrayBuffer can be posted as it is', async ({ skip }) => {
    if (!wraps) return skip('Node.js 20 has no SharedArrayBuffer over memory of an addon')
    using cxl = open()
    const block = cxl.alloc(4096, 0, { shared: true })
    const seen = await inWorker(
      `const bytes = new Uint8Array(data)
       bytes[0] = 42
       const cxl = emucxl.Emucxl.open({ backend: 'emulated' })
       return [cxl.sizeOf(data), cxl.nodeOf(bytes)]`,
      block,
    )
    expect(seen).toEqual([4096, 0])
    expect(new Uint8Array(block)[0]).toBe(42)
  })
})

describe('attach refuses', () => {
  test.for([
    ['nothing', undefined, typeError('handle must be what share() returned, not undefined')],
    ['null', null, typeError('handle')],
    ['a number', 5, typeError('handle')],
    ['an empty object', {}, typeError('handle')],
    ['a name', { emucxlRegion: '1' }, typeError('handle')],
    ['region 0', { emucxlRegion: 0 }, rangeError('handle.emucxlRegion')],
    ['region -1', { emucxlRegion: -1 }, rangeError('handle.emucxlRegion')],
    ['region 1.5', { emucxlRegion: 1.5 }, rangeError('handle.emucxlRegion')],
    ['region NaN', { emucxlRegion: Number.NaN }, rangeError('handle.emucxlRegion')],
    ['region 2^53', { emucxlRegion: 2 ** 53 }, rangeError('handle.emucxlRegion')],
    ['a region that never was', { emucxlRegion: 2 ** 50 }, emucxlError('FREED', 'handle')],
  ] as const)('%s', async ([, handle, wanted]) => {
    const call = () => Emucxl.attach(handle as unknown as SharedHandle)
    expectFailure(await failureOf(call), wanted)
  })
})
