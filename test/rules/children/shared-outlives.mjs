// A worker allocates shared memory, hands it to the main thread and ends, in the way that the first
// argument says. Where the second says `alone`, the main thread has never loaded the addon: when it
// lets go of the memory, the code that must run then has no thread that asked for it any more.
import assert from 'node:assert/strict'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { collect, soak, turns } from './parts/loop.mjs'

const SIZE = 1 << 20
const COUNT = 4

async function worker(how) {
  const { LOCAL_MEMORY, openContext } = await import('./parts/context.mjs')
  const { moves } = await import('./parts/moves.mjs')
  const cxl = openContext()
  const blocks = [] // a handle alone keeps none
  for (let i = 0; i < COUNT; i++) {
    const block = cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })
    blocks.push(block)
    cxl.fill(block, 0x71)
    const sendable = block instanceof SharedArrayBuffer
    // Node.js 20 has no other way to a thread that has not loaded the addon.
    const moved = sendable || i > 0 ? undefined : await moves.stream(cxl.alloc(SIZE, LOCAL_MEMORY))
    const message = { handle: cxl.share(block), buffer: sendable ? block : moved }
    parentPort.postMessage(message, moved === undefined ? [] : [moved])
  }
  await new Promise((resolve) => parentPort.once('message', resolve))
  assert.equal(blocks.length, COUNT)
  if (how === 'close') cxl.close()
  if (how === 'exit') process.exit(0)
  if (how === 'throw') throw new Error('on purpose')
  if (how === 'terminate') setInterval(() => {}, 1000)
}

async function received(how, alone) {
  const thread = new Worker(new URL(import.meta.url), { workerData: how })
  thread.on('error', (error) => assert.equal(error.message, 'on purpose'))
  const ended = new Promise((resolve) => thread.once('exit', resolve))
  const messages = []
  await new Promise((resolve) => {
    thread.on('message', (message) => {
      if (messages.push(message) === COUNT) resolve()
    })
  })
  const buffers = alone
    ? messages.map(({ buffer }) => buffer).filter((buffer) => buffer !== undefined)
    : await attachAll(messages)
  thread.postMessage('end')
  if (how === 'terminate') thread.terminate()
  await ended
  return { buffers, handle: messages[0].handle }
}

async function attachAll(messages) {
  const { Emucxl } = await import('./parts/context.mjs')
  return messages.map(({ handle }) => Emucxl.attach(handle))
}

async function livesOn(how) {
  const { Emucxl, openContext } = await import('./parts/context.mjs')
  const { assertDisjoint } = await import('./parts/disjoint.mjs')
  const { assertRefused } = await import('./parts/refused.mjs')
  const cxl = openContext()
  const { buffers, handle } = await received(how, false)
  await collect()
  for (const buffer of buffers) {
    if (how === 'close') assertZeros(buffer, 'shared, its context closed')
    else assertFilled(new Uint8Array(buffer), 0x71, 'shared, its creator ended')
    new Uint8Array(buffer).fill(0x72)
  }
  assertDisjoint(cxl, SIZE, 8)
  for (const buffer of buffers) assertFilled(new Uint8Array(buffer), 0x72, 'still shared')

  const [freed, ...rest] = buffers
  if (how === 'close') {
    await assertRefused(() => cxl.free(freed), 'free', 'ERR_EMUCXL_FREED')
  } else {
    const another = Emucxl.attach(handle)
    assertFilled(new Uint8Array(another), 0x72, 'attached late')
    cxl.free(freed)
    assertZeros(another, 'freed by the other buffer')
    if (freed instanceof SharedArrayBuffer) assertZeros(freed, 'freed')
    await assertRefused(() => cxl.free(another), 'second free', 'ERR_EMUCXL_FREED')
  }
  await assertRefused(() => Emucxl.attach(handle), 'stale handle', 'ERR_EMUCXL_FREED')
  rest.length = buffers.length = 0
  await collect()
  await assertRefused(() => Emucxl.attach(handle), 'stale handle', 'ERR_EMUCXL_FREED')
  assertDisjoint(cxl, SIZE, 8)
  cxl.close()
}

async function alone(how) {
  await (async () => {
    const { buffers } = await received(how, true)
    await turns()
    for (const buffer of buffers) new Uint8Array(buffer).fill(1)
    assert.ok(buffers.length > 0)
  })()
  await collect()
}

if (isMainThread) {
  const [how, who] = process.argv.slice(2)
  for (let round = 0; round < 4 * soak; round++) await (who === 'alone' ? alone : livesOn)(how)
} else {
  await worker(workerData)
}
