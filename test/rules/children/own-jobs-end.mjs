// Blocks come to their end while emucxl's own jobs run over them: each job over a block of its own,
// all of them still in the queue when the blocks have ended and every finalizer has run. A job must
// hold the region, and say at its end that the memory was gone. The argument says how they end.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { assertZeros } from './parts/bytes.mjs'
import { account, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { bystanders } from './parts/disjoint.mjs'
import { collect, settle, soak, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { occupyPool } from './parts/pool.mjs'
import { mayBeRefused } from './parts/refused.mjs'

const SIZE = 3 << 20
const HALF = SIZE / 2
const CODES = ['FREED', 'DETACHED', 'CLOSED', 'BUSY'].map((code) => `ERR_EMUCXL_${code}`)
const side = openContext() // of blocks that live on

const { cache } = createRequire(import.meta.url)
const addon = Object.values(cache).find(({ id }) => id.endsWith('.node')).exports
const id = () => 2 ** 31 + Math.floor(Math.random() * 2 ** 31)

const bytes = () => new Uint8Array(SIZE)
const jobs = {
  read: (cxl, block) => cxl.readAsync(block, 0, bytes()),
  readToBlock: (cxl, block, live) => cxl.readAsync(block, 0, live),
  readFromBlock: (cxl, block, live) => cxl.readAsync(live, 0, block),
  write: (cxl, block) => cxl.writeAsync(block, 0, bytes()),
  fill: (cxl, block) => cxl.fillAsync(block, 0xee),
  copyTo: (cxl, block, live) => cxl.copyAsync(block, 0, live, 0, SIZE),
  copyFrom: (cxl, block, live) => cxl.copyAsync(live, 0, block, 0, SIZE),
  copyInside: (cxl, block) => cxl.copyAsync(block, HALF, block, 0, HALF),
  move: (cxl, block) => cxl.moveAsync(block, 1, block, 0, SIZE - 1),
  migrate: (cxl, block) => cxl.migrateAsync(block, LOCAL_MEMORY),
  resize: async (cxl, block) => side.free(await cxl.resizeAsync(block, SIZE * 2)),
  where: (cxl, block) => cxl.whereAsync(block),
  // Past TypeScript, whose async functions hold the buffer until the end: here, nobody does.
  fillBelow: (_cxl, block) => addon.fillAsync(id(), block, 0, SIZE, 0xee),
  copyBelow: (_cxl, block) => addon.copyAsync(id(), block, HALF, block, 0, HALF, 2),
  migrateBelow: (_cxl, block) => addon.migrateAsync(id(), block, LOCAL_MEMORY),
}
// Where the pages of a freed block are is a fair question: none are anywhere.
const needLife = Object.keys(jobs).filter((job) => job !== 'where')

const busy = (call) => mayBeRefused(call(), 'end', 'ERR_EMUCXL_BUSY')
const ends = {
  free: (cxl, block) => cxl.free(block),
  freeAsync: (cxl, block) => cxl.freeAsync(block),
  resize: (cxl, block) => busy(async () => side.free(cxl.resize(block, SIZE * 2))),
  close: (cxl) => cxl.close(),
  closeAsync: (cxl) => cxl.closeAsync(),
  drop: () => {},
  moveAndFree: async (cxl, block, move) => cxl.free(await move(block)),
  moveAndDrop: async (_cxl, block, move) => void (await move(block)),
  moveAndClose: async (cxl, block, move) => {
    const moved = await move(block)
    cxl.close()
    assertZeros(moved, 'moved, then closed')
  },
}

const [name, moveName] = process.argv.slice(2)
const end = ends[name]

function start(cxl, job, works) {
  const block = cxl.alloc(SIZE, REMOTE_MEMORY)
  const live = side.alloc(SIZE, LOCAL_MEMORY)
  cxl.fill(block, 0x11)
  const work = mayBeRefused(
    jobs[job](cxl, block, live).then(() => job),
    job,
    ...CODES,
  ).finally(() => side.free(live))
  works.push(work)
  return block
}

/** Fails where a job that needs its block to live said that all went well. */
function check(done) {
  if (name === 'drop') assert.deepEqual(done, Object.keys(jobs))
  if (['drop', 'moveAndDrop', 'resize'].includes(name)) return
  const wrong = needLife.filter((job) => done.includes(job))
  assert.deepEqual(wrong, [], `these were told that all went well, after ${name}`)
}

async function late() {
  const cxl = openContext()
  const release = occupyPool()
  const works = []
  await (async () => {
    const blocks = Object.keys(jobs).map((job) => start(cxl, job, works))
    works.push(...blocks.splice(0).map((block) => end(cxl, block, moves[moveName])))
    await turns(8)
  })()
  await collect()
  const others = bystanders(side, SIZE, 16)
  release()
  const results = await Promise.all(works.splice(0))
  check(results.filter((result) => typeof result === 'string'))
  others.assertUntouched()
  others.free()
  cxl.close()
  const done = () => account(side).regions === 0 && account(side).pending === 0
  await settle(done, () => account(side))
}

async function inTheMiddle(round) {
  const cxl = openContext()
  const works = []
  for (const job of Object.keys(jobs)) {
    if (cxl.closed) break
    const block = start(cxl, job, works)
    await turns(round % 6)
    if (block.byteLength === 0) continue // its resize was faster
    works.push(end(cxl, block, moves[moveName]))
  }
  await Promise.all(works)
  cxl.close()
}

for (let round = 0; round < 2 * soak; round++) await late()
for (let round = 0; round < 8 * soak; round++) await inTheMiddle(round)
