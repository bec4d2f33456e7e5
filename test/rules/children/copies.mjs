// Three copies of the addon in one process: the main thread has one, each of two workers another one.
// What a worker posts is memory like any other to the rest, and it outlives the worker that had the
// copy loaded, whose file has gone by then.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, soak } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { assertRefused } from './parts/refused.mjs'

const SIZE = 256 << 10

async function worker() {
  const cxl = openContext()
  const block = cxl.alloc(SIZE, LOCAL_MEMORY)
  cxl.fill(block, 0x61)
  const moved = await moves.stream(block)
  const shared = cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })
  cxl.fill(shared, 0x62)
  if (shared instanceof SharedArrayBuffer) parentPort.postMessage({ shared })
  parentPort.postMessage({ moved }, [moved])
  const other = await new Promise((resolve) => parentPort.once('message', resolve))
  await assertRefused(() => cxl.free(other), 'free of a stranger', 'ERR_EMUCXL_NOT_ALLOCATED')
  await assertRefused(() => cxl.resize(other, 4096), 'resize', 'ERR_EMUCXL_NOT_ALLOCATED')
  cxl.write(cxl.alloc(SIZE, LOCAL_MEMORY), 0, other)
  assertDisjoint(cxl, SIZE)
}

function start(path) {
  const env = { ...process.env, EMUCXL_ADDON: path }
  const thread = new Worker(new URL(import.meta.url), { env })
  const got = {}
  const posted = new Promise((resolve) => {
    thread.on('message', (message) => {
      Object.assign(got, message)
      if (got.moved) resolve(got)
    })
  })
  const ended = new Promise((resolve, reject) => thread.on('error', reject).once('exit', resolve))
  return { thread, posted, ended }
}

async function main(file, round) {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-rules-'))
  const paths = [join(folder, 'one.node'), join(folder, 'two.node')]
  for (const path of paths) copyFileSync(file, path)
  const cxl = openContext()
  const threads = paths.map(start)
  const got = await Promise.all(threads.map(({ posted }) => posted))
  rmSync(folder, { recursive: true })
  for (const { moved, shared } of got) {
    assertFilled(new Uint8Array(moved), 0x61, 'posted')
    await assertRefused(() => cxl.free(moved), 'free of a stranger', 'ERR_EMUCXL_NOT_ALLOCATED')
    if (shared === undefined) continue
    assertFilled(new Uint8Array(shared), 0x62, 'shared')
    await assertRefused(() => cxl.free(shared), 'free of a stranger', 'ERR_EMUCXL_NOT_ALLOCATED')
  }
  // Each gets what the other allocated.
  threads.forEach(({ thread }, i) => {
    const { moved } = got[1 - i]
    thread.postMessage(moved, [moved])
  })
  if (round % 3 === 2) threads[0].thread.terminate()
  await Promise.all(threads.map(({ ended }) => ended))
  for (const entry of got.splice(0)) {
    if (entry.shared === undefined) continue
    new Uint8Array(entry.shared).fill(0x63)
    assertFilled(new Uint8Array(entry.shared), 0x63, 'shared, its creator ended')
  }
  await collect()
  const block = cxl.alloc(SIZE, LOCAL_MEMORY)
  assertZeros(block, 'new block')
  assertDisjoint(cxl, SIZE)
  cxl.close()
}

if (isMainThread) {
  const file = Object.keys(createRequire(import.meta.url).cache).find((p) => p.endsWith('.node'))
  for (let round = 0; round < 4 * soak; round++) await main(file, round)
  await collect()
} else {
  await worker()
}
