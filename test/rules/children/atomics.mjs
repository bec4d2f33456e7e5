// Two threads count in one shared block with Atomics.add: not one is lost. Then the block is freed
// while both still write, and reads as zeros in both once they stop; a migrate runs meanwhile.
import assert from 'node:assert/strict'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { assertZeros } from './parts/bytes.mjs'
import { Emucxl, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { collect, soak } from './parts/loop.mjs'
import { assertRefused } from './parts/refused.mjs'

const SIZE = 1 << 20
const COUNT = 500_000 * soak

function count(buffer) {
  const cells = new Int32Array(buffer)
  for (let i = 0; i < COUNT; i++) Atomics.add(cells, i & 1023, 1)
}

/** A message, without giving the loop a turn in between. */
const heard = (port) => new Promise((resolve) => port.once('message', resolve))

async function worker() {
  const handle = await heard(parentPort)
  const buffer = Emucxl.attach(handle)
  assert.equal(buffer.byteLength, SIZE)
  const go = heard(parentPort)
  parentPort.postMessage('attached')
  await go
  count(buffer)
  const goOn = heard(parentPort)
  parentPort.postMessage('counted')
  await goOn
  const freed = heard(parentPort)
  parentPort.postMessage('writing')
  const cells = new Int32Array(buffer)
  cells.fill(7)
  for (let i = 0; i < COUNT; i++) cells[(i * 1031) & 0x3ffff] = 7 // while main frees it
  await freed
  const cxl = openContext()
  await assertRefused(() => cxl.free(buffer), 'second free', 'ERR_EMUCXL_FREED')
  await assertRefused(() => cxl.fill(buffer, 1), 'fill', 'ERR_EMUCXL_FREED')
  await assertRefused(() => Emucxl.attach(handle), 'attach', 'ERR_EMUCXL_FREED')
  cells.fill(0)
  parentPort.postMessage('done')
}

if (isMainThread) {
  const cxl = openContext()
  const block = cxl.alloc(SIZE, REMOTE_MEMORY, { shared: true })
  const handle = cxl.share(block)
  const thread = new Worker(new URL(import.meta.url))
  const ended = new Promise((resolve, reject) => thread.on('error', reject).once('exit', resolve))
  thread.postMessage(handle)
  await heard(thread)
  const counted = heard(thread)
  thread.postMessage('go')
  const moving = cxl.migrateAsync(block, LOCAL_MEMORY)
  count(block)
  await counted
  await moving
  const cells = new Int32Array(Emucxl.attach(handle), 0, 1024)
  const sum = cells.reduce((total, cell) => total + cell, 0)
  assert.equal(sum, 2 * COUNT)
  const writing = heard(thread)
  thread.postMessage('go on')
  await writing
  const done = heard(thread)
  cxl.free(block)
  if (block instanceof ArrayBuffer) assert.equal(block.byteLength, 0)
  thread.postMessage('freed')
  await done
  assertZeros(cells, 'freed')
  await ended
  await collect()
  cxl.close()
} else {
  await worker()
}
