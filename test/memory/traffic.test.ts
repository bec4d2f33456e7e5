// Traffic in the background: it moves bytes until it is stopped, and nothing that is done to its blocks
// or its thread meanwhile does harm.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Emucxl, LOCAL_MEMORY, REMOTE_MEMORY } from 'emucxl'
import { describe, expect, test } from 'vitest'
import { addon } from '../../dist/lib/memory/addon.js'
import { collector } from './collect.js'
import { eachBackend, SLOWNESS } from './each-backend.js'
import { kernels, operands } from './measuring.js'
import { expectFailure, failureOf, rangeError } from './refusal.js'

const MIB = 2 ** 20
const child = fileURLToPath(new URL('children/many-threads.mjs', import.meta.url))
/** Enough for Node.js, and not for the stacks of a thousand threads. */
const ADDRESS_SPACE_KIB = 2_900_000

eachBackend(({ name, open, options }) => {
  test.for(kernels)('%s moves bytes, beside a chase', async (kernel) => {
    using cxl = open()
    const blocks = operands(cxl, kernel, MIB, MIB)
    const traffic = addon.startTraffic(kernel, blocks, [1, 2], [-1, -1])
    addon.chase(cxl.alloc(MIB, LOCAL_MEMORY), 10_000, 10, 1, -1)
    await delay(100)
    const { bytes, ns, pinned } = addon.stopTraffic(traffic)
    expect(bytes).toBeGreaterThan(0)
    expect(ns).toBeGreaterThan(50e6)
    expect(pinned).toBe(false)
    for (const block of blocks.flat()) cxl.free(block)
  })

  test('it is stopped once, by the thread that started it', async () => {
    using cxl = open()
    const traffic = addon.startTraffic('read', [[cxl.alloc(MIB, 0)]], [1], [-1])
    expect(addon.stopTraffic(traffic).ns).toBeGreaterThanOrEqual(0)
    for (const wrong of [traffic, traffic + 1, 0]) {
      expectFailure(await failureOf(() => addon.stopTraffic(wrong)), rangeError('traffic'))
    }
  })

  test('reads leave the contents alone, and so does a migration below them', async () => {
    using cxl = open()
    const block = cxl.alloc(MIB, LOCAL_MEMORY)
    const words = new Uint32Array(block).map((_, i) => i)
    new Uint32Array(block).set(words)
    const traffic = addon.startTraffic('read', [[block]], [1], [-1, -1])
    for (let i = 0; i < 20; i++) cxl.migrate(block, i % 2 === 0 ? REMOTE_MEMORY : LOCAL_MEMORY)
    await cxl.migrateAsync(block, REMOTE_MEMORY)
    addon.stopTraffic(traffic)
    expect(Buffer.compare(new Uint8Array(block), new Uint8Array(words.buffer))).toBe(0)
  })

  test.for(['free', 'resize', 'close', 'drop'] as const)('%s under it', async (end) => {
    using cxl = open()
    using other = open()
    const rounds = Math.max(2, Math.ceil(10 / SLOWNESS))
    for (let i = 0; i < rounds; i++) {
      let blocks = operands(other, 'triad', MIB, MIB)
      const traffic = addon.startTraffic('triad', blocks, [1, 1], [-1, -1])
      const [[block]] = blocks as [[ArrayBuffer]]
      if (end === 'free') other.free(block)
      else if (end === 'resize') other.resize(block, 2 * MIB)
      else if (end === 'close') other.close()
      blocks = []
      if (end === 'drop') await collector()?.(() => i < rounds - 1)
      const zeros = new Uint8Array(cxl.alloc(2 * MIB, LOCAL_MEMORY))
      expect(zeros.every((byte) => byte === 0)).toBe(true)
      expect(addon.stopTraffic(traffic).bytes).toBeGreaterThanOrEqual(0)
      if (end === 'close') break
    }
  })

  test.for(['terminate', 'exit', 'natural'])('a worker ends under it: %s', async (how) => {
    for (let i = 0; i < Math.max(2, Math.ceil(5 / SLOWNESS)); i++) {
      const worker = new Worker(new URL('children/traffic-worker.mjs', import.meta.url), {
        workerData: { how, options },
      })
      const ended = once(worker, 'exit')
      await once(worker, 'message')
      if (how === 'terminate') await worker.terminate()
      await ended
    }
  })

  test('a shared block that a worker frees', async () => {
    using cxl = open()
    const shared = cxl.alloc(MIB, LOCAL_MEMORY, { shared: true })
    const traffic = addon.startTraffic('write', [[shared]], [1], [-1, -1])
    const worker = new Worker(new URL('children/frees-shared.mjs', import.meta.url), {
      workerData: addon.share(shared),
    })
    await once(worker, 'exit')
    expect(addon.stopTraffic(traffic).bytes).toBeGreaterThanOrEqual(0)
  })

  test('threads that cannot be had are an error, and those that were started end', ({ skip }) => {
    if (process.env['LD_PRELOAD']?.includes('libasan')) {
      return skip('the address sanitizer needs more address space than this leaves')
    }
    const words = [process.execPath, child, name, JSON.stringify(options)]
    const limited = ['-c', `ulimit -v ${ADDRESS_SPACE_KIB}; exec "$@"`, 'sh', ...words]
    const { status, stdout, stderr } = spawnSync('sh', limited, { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toBe('ERR_EMUCXL_NO_MEMORY pthread_create\n'.repeat(2))
  })
})

describe('the latency model', () => {
  const rate = { latencyNs: 100, bandwidthGBps: 0.1 }

  test.for([1, 3])('gives %i threads the bandwidth of the node', async (threads) => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: { local: rate, remote: rate } })
    const blocks = operands(cxl, 'copy', MIB)
    const cpus = new Array(threads).fill(-1)
    const { nsPerPass, bytesPerPass } = addon.sweep('copy', blocks, [1], cpus, 1)
    expect(bytesPerPass / (nsPerPass[0] as number)).toBeLessThanOrEqual(0.1)
    const traffic = addon.startTraffic('copy', blocks, [1], cpus)
    await delay(100)
    const { bytes, ns } = addon.stopTraffic(traffic)
    expect(bytes).toBeLessThanOrEqual(0.1 * ns + bytesPerPass)
  })

  test('lets two nodes serve at the same time', () => {
    using cxl = Emucxl.open({ backend: 'emulated', latencyModel: { local: rate, remote: rate } })
    const blocks = operands(cxl, 'read', MIB, MIB)
    const { nsPerPass, bytesPerPass } = addon.sweep('read', blocks, [1, 1], [-1], 1)
    expect(bytesPerPass / (nsPerPass[0] as number)).toBeGreaterThan(0.1)
    expect(bytesPerPass / (nsPerPass[0] as number)).toBeLessThanOrEqual(0.2)
  })
})
