// Workers end, in the way that the argument says, with one block alive and many freed. Of what they
// mapped nothing stays but, where they cannot be asked any more, the addresses of the living block.
import assert from 'node:assert/strict'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect, soak } from './parts/loop.mjs'
import { resident, virtual } from './parts/memory.mjs'

const MiB = 1 << 20
const COUNT = 256 * Math.max(0.25, Math.min(1, soak))
const LIVING = 16 * MiB
let living

async function worker(how) {
  const cxl = openContext()
  const alloc = () => cxl.alloc(MiB, LOCAL_MEMORY)
  const blocks = Array.from({ length: COUNT }, alloc)
  for (const block of blocks) new Uint8Array(block)[0] = 1
  while (blocks.length > 0) cxl.free(blocks.pop())
  await collect()
  living = cxl.alloc(LIVING, LOCAL_MEMORY)
  new Uint8Array(living).fill(1)
  parentPort.postMessage('ready')
  if (how === 'exit') process.exit()
  if (how === 'throw') throw new Error('on purpose')
  if (how === 'terminate') setInterval(() => living, 1000)
}

async function run(how) {
  const thread = new Worker(new URL(import.meta.url), { workerData: how })
  thread.on('error', (error) => assert.equal(error.message, 'on purpose'))
  const ended = new Promise((resolve) => thread.once('exit', resolve))
  await new Promise((resolve) => thread.once('message', resolve))
  if (how === 'terminate') thread.terminate()
  await ended
}

if (isMainThread) {
  const how = process.argv[2]
  const count = Math.ceil(12 * soak)
  for (let i = 0; i < 3; i++) await run(how) // what malloc and V8 keep for the next thread
  await collect()
  const before = { virtual: virtual(), resident: resident() }
  for (let i = 0; i < count; i++) await run(how)
  await collect()
  const grown = { virtual: virtual() - before.virtual, resident: resident() - before.resident }
  const kept = how === 'terminate' ? count * LIVING : 0
  assert.ok(grown.virtual < kept + 64 * MiB, JSON.stringify(grown))
  assert.ok(grown.resident < (count * LIVING) / 2, JSON.stringify(grown))
} else {
  await worker(workerData)
}
