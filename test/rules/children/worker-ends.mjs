// Workers end at random times, in every way, closing their contexts or not, while their blocks are
// alive, dropped, moved, posted and shared, and jobs of Node.js and of emucxl run over them. The main
// thread uses what they posted all the while, and looks afterwards whether memory of its own changed.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { addon } from '../../../dist/lib/memory/addon.js'
import { assertFilled } from './parts/bytes.mjs'
import { chance } from './parts/chance.mjs'
import { Emucxl, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, soak, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { nodeJobs } from './parts/node-jobs.mjs'

const ENDS = ['natural', 'exit', 'throw', 'terminate', 'terminate']
const CLOSES = ['none', 'close', 'closeAsync', 'dispose twice', 'after a job']
const ignore = () => {}

const ownJobs = [
  (cxl, block) => cxl.readAsync(block, 0, new Uint8Array(block.byteLength)),
  (cxl, block) => cxl.writeAsync(block, 0, new Uint8Array(block.byteLength)),
  (cxl, block) => cxl.fillAsync(block, 1),
  (cxl, block) => cxl.copyAsync(block, 0, block, block.byteLength / 2, block.byteLength / 2),
  (cxl, block) => cxl.migrateAsync(block, LOCAL_MEMORY),
  (cxl, block) => cxl.resizeAsync(block, block.byteLength * 2),
  (cxl, block) => cxl.freeAsync(block),
  (cxl, block) => cxl.whereAsync(block),
  (_cxl, block) => addon.startTraffic('write', [[block]], [1], [-1, -1]),
  (cxl, block) => cxl.allocAsync(block.byteLength, REMOTE_MEMORY, { prefault: true }),
]

// What the worker still reaches when it ends.
const kept = []

async function use(cxl, random) {
  const size = 4096 << random.below(9)
  const hugePages = random.often(0.2) ? 'prefer' : 'off'
  const shared = random.often(0.2)
  let block = cxl.alloc(size, random.below(2), { hugePages, shared })
  if (shared) {
    kept.push(block)
    const sendable = block instanceof SharedArrayBuffer
    parentPort.postMessage(sendable ? block : cxl.share(block))
    if (random.often(0.3)) cxl.free(block)
    return
  }
  const work = () => {
    const job = random.one(random.often(0.5) ? ownJobs : [nodeJobs.randomFill, nodeJobs.read])
    const call = async () => (job.length === 1 ? job(new Uint8Array(block)) : job(cxl, block))
    call().then((result) => kept.push(result), ignore)
  }
  if (random.often(0.6)) work()
  if (random.often(0.4) && block.byteLength > 0) {
    block = await random.one(Object.values(moves))(block)
    if (random.often(0.5)) work()
    if (random.often(0.5) && block.byteLength > 0) parentPort.postMessage(block, [block])
  }
  if (random.often(0.3) && block.byteLength > 0) cxl.free(block)
  if (random.often(0.5)) kept.push(block)
}

async function worker({ seed, end, close }) {
  const random = chance(seed)
  const cxl = openContext({ hideFromGc: random.often(0.7) })
  const other = openContext()
  parentPort.postMessage('open')
  const count = random.below(40)
  for (let i = 0; i < count; i++) {
    await use(random.often(0.8) ? cxl : other, random).catch(ignore)
    if (random.often(0.1)) await turns(1)
    if (random.often(0.05)) globalThis.gc()
  }
  if (close === 'close') cxl.close()
  if (close === 'closeAsync') cxl.closeAsync()
  if (close === 'dispose twice') for (let i = 0; i < 2; i++) cxl[Symbol.dispose]()
  if (close === 'after a job') await other.closeAsync()
  if (end === 'exit') process.exit(0)
  if (end === 'throw') throw new Error('on purpose')
  // The loop turns: Node.js itself may never terminate one of microtasks alone that fail.
  if (end === 'terminate')
    for (;;)
      await use(other, random)
        .catch(ignore)
        .then(() => turns(1))
}

// The pool's queue has an end, else a slow machine would work it off for minutes.
const MOST_FILLS = 16
let fills = 0

async function randomFill(bytes) {
  if (fills >= MOST_FILLS) return
  fills++
  await nodeJobs.randomFill(bytes).catch(ignore)
  fills--
}

function touch(buffers, random) {
  for (const buffer of buffers) {
    if (buffer.byteLength === 0) continue
    const bytes = new Uint8Array(buffer)
    bytes[random.below(bytes.length)] = 1
    if (random.often(0.2)) randomFill(bytes)
  }
}

async function round(random, cxl, mine) {
  const buffers = []
  const end = random.one(ENDS)
  const close = random.one(CLOSES)
  console.log(end, close)
  const seed = random.below(2 ** 32)
  const thread = new Worker(new URL(import.meta.url), { workerData: { seed, end, close } })
  thread.on('error', (error) => assert.equal(error.message, 'on purpose', error.stack))
  thread.on('message', (message) => {
    if (message === 'open') return
    try {
      buffers.push('emucxlRegion' in message ? Emucxl.attach(message) : message)
    } catch (error) {
      assert.equal(error.code, 'ERR_EMUCXL_FREED')
    }
  })
  let over = false
  thread.once('exit', () => {
    over = true
  })
  await new Promise((resolve) => thread.once('online', resolve))
  if (end === 'terminate') delay(random.below(60)).then(() => thread.terminate())
  while (!over) {
    touch(buffers, random)
    await turns(1)
  }
  touch(buffers, random)
  for (const buffer of buffers) {
    if (!random.often(0.3) || buffer.byteLength === 0) continue
    try {
      cxl.free(buffer)
    } catch (error) {
      assert.equal(error.code, 'ERR_EMUCXL_FREED')
    }
  }
  assertDisjoint(cxl, 64 << 10, 8)
  assertFilled(mine, 0x99, 'block of the main thread')
}

if (isMainThread) {
  const random = chance()
  const cxl = openContext()
  const mine = cxl.alloc(1 << 20, LOCAL_MEMORY)
  cxl.fill(mine, 0x99)
  for (let i = 0; i < 14 * soak; i++) await round(random, cxl, mine)
  await collect()
  assertFilled(mine, 0x99, 'block of the main thread')
  cxl.free(mine)
  cxl.close()
} else {
  await worker(workerData)
}
