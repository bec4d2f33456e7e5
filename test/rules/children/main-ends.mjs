// The whole process ends, in the way that the first argument says, while jobs run over blocks, blocks
// were moved and dropped, a worker has blocks of its own, and finalizers wait for the event loop.
import { isMainThread, Worker } from 'node:worker_threads'
import { addon } from '../../../dist/lib/memory/addon.js'
import { chance } from './parts/chance.mjs'
import { LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { soak, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { nodeJobs } from './parts/node-jobs.mjs'

// More than is cut from a span, so that it has a mapping of its own.
const SIZE = soak < 1 ? 5 << 20 : 8 << 20
const ignore = () => {}
const kept = []

const jobs = {
  none: ignore,
  zlib: (_cxl, block) => nodeJobs.deflate(new Uint8Array(block), 0, true),
  randomFill: (_cxl, block) => nodeJobs.randomFill(new Uint8Array(block)),
  read: (cxl, block) => cxl.readAsync(block, 0, new Uint8Array(SIZE)),
  write: (cxl, block) => cxl.writeAsync(block, 0, new Uint8Array(SIZE)),
  fill: (cxl, block) => cxl.fillAsync(block, 1),
  copy: (cxl, block) => cxl.copyAsync(block, 0, block, SIZE / 2, SIZE / 2),
  migrate: (cxl, block) => cxl.migrateAsync(block, LOCAL_MEMORY),
  resize: (cxl, block) => cxl.resizeAsync(block, SIZE * 2),
  alloc: (cxl) => cxl.allocAsync(SIZE, REMOTE_MEMORY, { prefault: true }),
  free: (cxl, block) => cxl.freeAsync(block),
  close: (cxl) => cxl.closeAsync(),
  traffic: (_cxl, block) => addon.startTraffic('write', [[block]], [1], [-1, -1]),
}

const ends = {
  natural: ignore,
  exit: () => process.exit(0),
  throw: () => {
    throw new Error('on purpose')
  },
  reject: () => {
    Promise.reject(new Error('on purpose'))
  },
  exitInExit: () => {
    process.once('exit', () => process.exit(0))
  },
  signal: () => process.kill(process.pid, 'SIGTERM'),
}

async function work(job, random) {
  const cxl = openContext()
  const other = openContext()
  for (let i = 0; i < 4; i++) {
    const block = cxl.alloc(SIZE, REMOTE_MEMORY)
    new Uint8Array(block)[0] = 1
    if (random.often(0.7)) kept.push(block)
    Promise.resolve(jobs[job](cxl, block)).then((result) => kept.push(result), ignore)
    if (random.often(0.3) && block.byteLength > 0) kept.push(await moves.stream(block))
    if (random.often(0.3) && block.byteLength > 0) cxl.free(block)
    if (cxl.closed) break
  }
  for (let i = 0; i < 200; i++) other.free(other.alloc(4096, LOCAL_MEMORY))
  kept.push(other.alloc(4096, LOCAL_MEMORY, { shared: true }))
  if (random.often(0.3)) cxl.close()
  if (random.often(0.3)) await turns(random.below(8))
}

const [end, job] = process.argv.slice(2)
if (isMainThread) {
  const random = chance()
  if (random.often(0.5)) {
    const thread = new Worker(new URL(import.meta.url), { argv: process.argv.slice(2) })
    thread.unref()
    await new Promise((resolve) => thread.once('message', resolve))
  }
  await work(job, random)
  ends[end]()
} else {
  const { parentPort } = await import('node:worker_threads')
  await work(job, chance())
  parentPort.postMessage('ready')
  setInterval(() => work(job, chance()).catch(ignore), 5)
}
