// A worker moves its blocks, posts the new buffers to the main thread and ends, in the way that the
// first argument says; the main thread goes on with them. Node.js tells the finalizers of a thread
// that ends that their memory is unused, whoever uses it.
import assert from 'node:assert/strict'
import { randomFill } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, soak } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { mayBeRefused } from './parts/refused.mjs'

const SIZE = 512 << 10
const COUNT = 8

async function worker({ how, move, collects }) {
  const cxl = openContext()
  const buffers = []
  for (let i = 0; i < COUNT; i++) {
    const block = cxl.alloc(SIZE, REMOTE_MEMORY)
    cxl.fill(block, 0x24)
    buffers.push(await moves[move](block))
  }
  // Without the objects that it handed out, the addon cannot see that their memory was moved.
  if (collects) await collect()
  parentPort.postMessage(buffers, buffers)
  await new Promise((resolve) => parentPort.once('message', resolve))
  if (how === 'close') cxl.close()
  if (how === 'exit') process.exit(0)
  if (how === 'throw') throw new Error('on purpose')
  if (how === 'terminate') setInterval(() => {}, 1000)
}

async function main(how, move, round) {
  const cxl = openContext()
  const data = { how, move, collects: round % 2 === 1 }
  const thread = new Worker(new URL(import.meta.url), { workerData: data })
  thread.on('error', (error) => assert.equal(error.message, 'on purpose'))
  const ended = new Promise((resolve) => thread.once('exit', resolve))
  const buffers = await new Promise((resolve) => thread.once('message', resolve))
  const first = buffers.shift()
  for (const buffer of buffers) assertFilled(buffer, 0x24, 'posted')
  // Free what another thread allocated, while that thread lives.
  cxl.free(first)
  assert.equal(first.byteLength, 0)
  // Move one on, and let jobs run over others when the worker ends.
  const moved = await moves[move](buffers.shift())
  const jobs = [moved, ...buffers.slice(0, 3)].map((b) => promisify(randomFill)(new Uint8Array(b)))
  thread.postMessage('end')
  if (how === 'terminate') await delay(round)
  if (how === 'terminate') thread.terminate()
  await ended
  await Promise.all(jobs)
  await collect()

  const idle = buffers.slice(3)
  for (const buffer of idle) {
    assert.equal(buffer.byteLength, SIZE)
    assertZeros(buffer, 'posted, its creator ended')
    new Uint8Array(buffer).fill(0x35)
  }
  assertDisjoint(cxl, SIZE)
  for (const buffer of idle) assertFilled(buffer, 0x35, 'still mine')
  await mayBeRefused(
    (async () => cxl.free(buffers[0]))(),
    'free of what a thread left',
    'ERR_EMUCXL_FREED',
  )
  const job = promisify(randomFill)(new Uint8Array(buffers.pop()))
  buffers.length = idle.length = 0
  await collect()
  await job
  await collect()
  assertDisjoint(cxl, SIZE)
  cxl.close()
}

if (isMainThread) {
  const [how, move] = process.argv.slice(2)
  for (let round = 0; round < 5 * soak; round++) await main(how, move, round)
} else {
  await worker(workerData)
}
