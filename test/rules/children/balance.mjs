// V8's count of external memory, under thousands of blocks that are freed, dropped, moved and resized,
// in the main thread and in workers that end with blocks alive. A count that goes below zero ends the
// process on Node.js 24 and later (V8_Fatal). The argument: `hidden`, the default, or `counted`.
import assert from 'node:assert/strict'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { chance } from './parts/chance.mjs'
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect, soak, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'

const MiB = 1 << 20
const random = chance()
const how = isMainThread ? process.argv[2] : workerData
const open = () => openContext({ hideFromGc: how === 'hidden', capacity: { local: 2 ** 45 } })

/** Major collections while `work` runs. */
async function collections(work) {
  let major = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) {
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  await work()
  await turns(20)
  observer.disconnect()
  return major
}

/** What a heap has that is worth a collection. */
function heap() {
  return Array.from({ length: 20_000 }, (_, i) => ({ i, text: `object ${i}`, next: [i] }))
}

async function mixed(cxl, count) {
  const kept = []
  for (let i = 0; i < count; i++) {
    const block = cxl.alloc(4096 << random.below(14), LOCAL_MEMORY)
    const fate = random.below(7)
    if (fate <= 1) cxl.free(block)
    if (fate === 2) cxl.free(await random.one(Object.values(moves))(block))
    if (fate === 3) kept.push(await random.one(Object.values(moves))(block))
    if (fate === 4) kept.push(block)
    if (fate === 5) cxl.free(cxl.resize(block, block.byteLength * (random.often(0.5) ? 2 : 0.5)))
    if (fate === 6) await cxl.freeAsync(block)
    if (kept.length > 50) kept.splice(random.below(40), 10)
    if (i % 50 === 0) await turns(1)
    if (i % 400 === 0) await collect()
  }
  return kept
}

/**
 * All at once: 100 times as much as V8 takes for a reason to collect is taken off its count. On the
 * device, where every page is real from the start, it is some ten times as much.
 */
async function dropMany(cxl) {
  const many = cxl.backend === 'device' ? 80 : 800
  await (async () => {
    const all = Array.from({ length: many }, () => cxl.alloc(8 * MiB, LOCAL_MEMORY))
    assert.equal(all.length, many)
  })()
  await collect()
}

async function worker() {
  const cxl = open()
  for (let i = 0; i < 20; i++) cxl.alloc(16 * MiB, LOCAL_MEMORY)
  globalThis.kept = await mixed(cxl, 200 * Math.min(1, 2 * soak))
  globalThis.kept.push(cxl.alloc(32 * MiB, LOCAL_MEMORY))
  if (random.often(0.5)) process.exit()
  if (random.often(0.5)) globalThis.gc()
}

if (isMainThread) {
  const live = heap()
  const cxl = open()
  // What V8 has begun for that, and for the modules, is not on the blocks' account.
  while ((await collections(() => setTimeout(100))) > 0);
  const first = await collections(() => {
    for (let i = 0; i < 4; i++) globalThis.kept = cxl.alloc(8 * MiB, LOCAL_MEMORY)
  })
  // Hiding them costs one, after which V8 keeps its heap small: not for the few of a short program.
  assert.equal(first, 0, `${first} major collections for the first blocks`)
  await dropMany(cxl)
  globalThis.kept = await mixed(cxl, 2000 * soak)
  const threads = Array.from({ length: 4 }, (_, i) => {
    const env = { ...process.env, EMUCXL_SEED: String(random.below(2 ** 32) + i) }
    return new Worker(new URL(import.meta.url), { workerData: how, env })
  })
  await Promise.all(threads.map((thread) => new Promise((resolve) => thread.once('exit', resolve))))
  await dropMany(cxl)
  globalThis.kept = []
  await collect()
  const fill = await collections(async () => {
    for (let i = 0; i < 1024; i++) {
      globalThis.kept.push(cxl.alloc(MiB, LOCAL_MEMORY))
      if (i % 16 === 0) await turns(1)
    }
  })
  const pairs = await collections(async () => {
    for (let i = 0; i < 1024; i++) cxl.free(cxl.alloc(MiB, LOCAL_MEMORY))
  })
  console.log({ fill, pairs })
  // A GiB of blocks is no reason to collect, where V8 is not told of it.
  if (how === 'hidden') assert.ok(fill <= 1, `${fill} major collections`)
  else assert.ok(fill > 1, `${fill} major collections: this program shows nothing`)
  assert.ok(pairs <= 1, `${pairs} major collections`)
  assert.equal(live.length, 20_000)
  cxl.close()
  await collect()
} else {
  await worker()
}
