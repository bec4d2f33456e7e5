// A cluster whose workers are started and ended at each step of the primary's life cycle, and whose
// workers hold blocks when they end: by themselves, by exit, by disconnect, by a signal.
import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'

const SIZE = 1 << 20

async function worker() {
  const cxl = openContext()
  const block = cxl.alloc(SIZE, REMOTE_MEMORY)
  assertZeros(block, 'new block of a worker')
  cxl.fill(block, 0x31)
  const job = cxl.fillAsync(block, 0x32).catch((error) => assert.match(error.code, /FREED/))
  globalThis.kept = [block, job, cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })]
  const how = process.env.HOW
  process.send('ready')
  if (how === 'close') await cxl.closeAsync()
  if (how === 'exit') process.exit(0)
  if (how === 'close' || how === 'disconnect') cluster.worker.disconnect()
}

async function run(how) {
  const started = cluster.fork({ HOW: how })
  const ended = new Promise((resolve) => {
    started.on('exit', (code, signal) => resolve({ code, signal }))
  })
  await new Promise((resolve) => started.once('message', resolve))
  if (how === 'SIGTERM') started.process.kill('SIGTERM')
  const end = how === 'SIGTERM' ? { code: null, signal: how } : { code: 0, signal: null }
  assert.deepEqual(await ended, end, how)
}

const runAll = () => Promise.all(['close', 'exit', 'disconnect', 'SIGTERM'].map(run))

if (cluster.isPrimary) {
  await runAll()
  const cxl = openContext()
  const block = cxl.alloc(SIZE, LOCAL_MEMORY)
  cxl.fill(block, 0x21)
  await runAll()
  const job = cxl.fillAsync(block, 0x22)
  await runAll()
  await job
  assertFilled(new Uint8Array(block), 0x22, 'block of the primary')
  cxl.close()
  await runAll()
} else {
  await worker()
}
