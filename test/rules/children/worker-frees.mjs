// A worker frees shared blocks in the background, or closes the context that has them, and is
// terminated meanwhile. A block that counts as freed must read as zeros for all who share it, whether
// or not the worker's job came to run.
//   worker-frees.mjs free|close

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Emucxl } from 'emucxl'
import { chance } from './parts/chance.mjs'
import { soak } from './parts/loop.mjs'

const ROUNDS = Math.ceil(80 * soak)
const BLOCKS = 200
const MARK = 7
const { below } = chance()

async function round(how) {
  const worker = new Worker(new URL(import.meta.url), { workerData: how })
  const [handles] = await once(worker, 'message')
  const cxl = Emucxl.open({ backend: 'emulated' })
  const blocks = handles.map((handle) => Emucxl.attach(handle))
  worker.postMessage('go')
  const until = performance.now() + below(how === 'free' ? 3000 : 1000) / 1000
  while (performance.now() < until);
  await worker.terminate()
  let freed = 0
  for (const [index, block] of blocks.entries()) {
    const byte = new Uint8Array(block)[0]
    if (byte === 0) freed++
    if (byte === MARK) assert.doesNotThrow(() => cxl.sizeOf(block), `${index} is freed, not wiped`)
  }
  cxl.close()
  return freed
}

if (isMainThread) {
  let freed = 0
  for (let i = 0; i < ROUNDS; i++) freed += await round(process.argv[2])
  console.log(`${freed} of ${ROUNDS * BLOCKS} were freed`)
} else {
  const cxl = Emucxl.open({ backend: 'emulated' })
  const blocks = Array.from({ length: BLOCKS }, () => cxl.alloc(4096, 1, { shared: true }))
  for (const block of blocks) new Uint8Array(block)[0] = MARK
  parentPort.postMessage(blocks.map((block) => cxl.share(block)))
  await once(parentPort, 'message')
  if (workerData === 'free') for (const block of blocks) cxl.freeAsync(block).catch(() => {})
  else cxl.closeAsync().catch(() => {})
  setInterval(() => {}, 1000)
}
