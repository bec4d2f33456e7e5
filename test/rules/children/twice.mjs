// The addon, loaded for the second time in one thread: from the same file, after the cache of
// require() was cleared, and from a copy of it. The first shares its table of regions with the one
// that the package has loaded, and frees its blocks; the copy has never heard of them.
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { account, LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, settle, soak } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'

const SIZE = 256 << 10
const require = createRequire(import.meta.url)
const file = Object.keys(require.cache).find((path) => path.endsWith('.node'))
const cxl = openContext()
const rows = [0, 2 ** 40, 0, 0, 0, 2 ** 40, 0, 0]
class Refused extends Error {}

function again() {
  delete require.cache[file]
  return require(file)
}

function copy() {
  const folder = mkdtempSync(join(tmpdir(), 'emucxl-rules-'))
  const path = join(folder, 'copy.node')
  copyFileSync(file, path)
  const module = { exports: {} }
  process.dlopen(module, path)
  rmSync(folder, { recursive: true })
  return module.exports
}

function load(how) {
  const addon = how()
  addon.setup((code, message) => Object.assign(new Refused(message), { code }))
  return { addon, context: addon.open('emulated', '', rows) }
}

/** Ends eight blocks of one side by the calls of the other, while jobs are under way over them. */
async function endAll(blocks, free, resize) {
  blocks[0] = await moves.stream(blocks[0])
  for (const block of blocks.slice(0, 4)) {
    free(block)
    assert.equal(block.byteLength, 0)
  }
  blocks[4] = resize(blocks[4], SIZE * 2)
  assert.equal(blocks[4].byteLength, SIZE * 2)
}

async function exchange({ addon, context }) {
  const theirs = Array.from({ length: 8 }, () => addon.alloc(context, SIZE, 0, 0))
  const ours = Array.from({ length: 8 }, () => cxl.alloc(SIZE, LOCAL_MEMORY))
  const jobs = [
    ...theirs.map((block, i) => addon.fillAsync(i, block, 0, SIZE, 1)),
    ...ours.map((block) => cxl.fillAsync(block, 1)),
  ]
  await endAll(theirs, cxl.free.bind(cxl), cxl.resize.bind(cxl))
  await endAll(ours, addon.free, addon.resize)
  await Promise.allSettled(jobs)
  assertDisjoint(cxl, SIZE)
}

/** A copy knows nothing of our blocks, nor we of its: refused, and nothing happens to them. */
function strangers({ addon, context }) {
  const theirs = addon.alloc(context, SIZE, 0, 0)
  const ours = cxl.alloc(SIZE, LOCAL_MEMORY)
  addon.fill(theirs, 0, SIZE, 2)
  cxl.fill(ours, 3)
  assert.throws(() => cxl.free(theirs), { code: 'ERR_EMUCXL_NOT_ALLOCATED' })
  assert.throws(() => addon.free(ours), { code: 'ERR_EMUCXL_NOT_ALLOCATED' })
  assert.throws(() => addon.resize(ours, SIZE * 2), { code: 'ERR_EMUCXL_NOT_ALLOCATED' })
  assertFilled(new Uint8Array(theirs), 2, 'block of the copy')
  assertFilled(new Uint8Array(ours), 3, 'block of ours')
  // As an ordinary buffer it will do.
  cxl.read(ours, 0, theirs)
  assertFilled(new Uint8Array(theirs), 3, 'read by us into memory of the copy')
  addon.free(theirs)
  cxl.free(ours)
  return cxl.alloc(SIZE, LOCAL_MEMORY)
}

for (let round = 0; round < 8 * soak; round++) {
  const second = load(again)
  await exchange(second)
  const third = load(copy)
  assertZeros(strangers(third), 'new block')
  await collect()
  if (round % 2 === 0) {
    for (const { addon, context } of [second, third]) {
      addon.close(context, true)
      addon.abandon(context)
    }
  }
}
await settle(
  () => account(cxl).pending === 0 && account(cxl).regions === 0,
  () => account(cxl),
)
// Only what was moved: both environments live in one thread, and know each other's objects.
assert.equal(account(cxl).reserved, Math.ceil(8 * soak))
cxl.close()
