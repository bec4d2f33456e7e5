// Blocks come to their end while jobs of Node.js run over them: zlib, crypto.randomFill, fs.read and
// fs.write, each over a block of its own, all of them still in the queue when the blocks have ended
// and every finalizer has run. The arguments say how the blocks end, and how they were moved: before the
// job began, or, in the ends that are called move…, after that.
import assert from 'node:assert/strict'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { account, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { bystanders } from './parts/disjoint.mjs'
import { collect, settle, soak, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { nodeJobs } from './parts/node-jobs.mjs'
import { occupyPool } from './parts/pool.mjs'

const VALUE = 0x5a
// The first goes back by madvise, the second, in a mapping that no neighbour shares, by an overlay.
const KINDS = [
  { size: 256 << 10, options: {} },
  { size: 2 << 20, options: { hugePages: 'prefer' } },
]

// A job over the old block must not write into the new one.
const resizeTo = (factor) => (cxl, block, afterwards) => {
  const size = block.byteLength
  const fresh = cxl.resize(block, size * factor)
  afterwards.push((untouched) => {
    if (untouched)
      assertFilled(new Uint8Array(fresh, 0, size * Math.min(1, factor)), VALUE, 'resized')
    cxl.free(fresh)
  })
}

/** Each ends a block; what it returns is awaited after the jobs, and `afterwards` is called then. */
const ends = {
  free: (cxl, block) => cxl.free(block),
  freeAsync: (cxl, block) => cxl.freeAsync(block),
  grow: resizeTo(2),
  shrink: resizeTo(0.5),
  resizeAsync: async (cxl, block) => cxl.free(await cxl.resizeAsync(block, block.byteLength * 2)),
  close: (cxl) => cxl.close(),
  closeAsync: (cxl) => cxl.closeAsync(),
  drop: () => {},
  moveAndFree: async (cxl, block, _afterwards, move) => cxl.free(await move(block)),
  moveAndDrop: async (_cxl, block, _afterwards, move) => void (await move(block)),
  moveAndClose: async (cxl, block, _afterwards, move) => {
    const moved = await move(block)
    cxl.close()
    assertZeros(moved, 'moved, then closed')
  },
}

const [name, moveName] = process.argv.slice(2)
const end = ends[name]
const livesOn = ['drop', 'moveAndDrop'].includes(name)
const closes = ['close', 'closeAsync', 'moveAndClose'].includes(name)

async function start(cxl, kind, job, works) {
  let block = cxl.alloc(kind.size, REMOTE_MEMORY, kind.options)
  cxl.fill(block, VALUE)
  if (moveName !== undefined && !name.startsWith('move')) {
    block = await moves[moveName](block)
    await collect() // the object that is watched goes before the job begins
  }
  const view = new Uint8Array(block)
  works.push(nodeJobs[job](view, VALUE, !livesOn))
  return block
}

function finish(afterwards, untouched) {
  for (const call of afterwards.splice(0)) call(untouched)
}

/** The pool is held up until the blocks have ended and everything that will be collected is. */
async function late(kind) {
  const cxl = openContext()
  const release = occupyPool()
  const works = []
  const afterwards = []
  await (async () => {
    const starts = Object.keys(nodeJobs).map((job) => start(cxl, kind, job, works))
    for (const block of await Promise.all(starts))
      works.push(end(cxl, block, afterwards, moves[moveName]))
    await turns(8)
  })()
  await collect()
  // Where the addresses had been given away, the late jobs would write here.
  const other = closes ? openContext() : cxl
  const others = bystanders(other, kind.size, 8, kind.options)
  release()
  await Promise.all(works)
  finish(afterwards, true)
  others.assertUntouched()
  others.free()
  const done = () => account(other).regions === 0 && account(other).pending === 0
  await settle(done, () => account(other))
  if (!closes && moveName === undefined) assert.equal(account(other).reserved, 0)
  cxl.close()
  other.close()
}

/** The blocks end while the jobs run, a little later each time. */
async function inTheMiddle(kind, round) {
  const cxl = openContext()
  const works = []
  const afterwards = []
  for (const job of Object.keys(nodeJobs)) {
    const block = await start(cxl, kind, job, works)
    for (let i = 0; i < round % 5; i++) await turns(1)
    works.push(end(cxl, block, afterwards, moves[moveName]))
    if (closes) break
  }
  await turns()
  if (round % 4 === 0) globalThis.gc()
  await Promise.all(works)
  finish(afterwards, false)
  cxl.close()
}

for (let round = 0; round < 3 * soak; round++) {
  for (const kind of KINDS) await late(kind)
}
for (let round = 0; round < 10 * soak; round++) {
  for (const kind of KINDS) await inTheMiddle(kind, round)
}
