// Everything that can be done with a block that was freed, resized, or whose context was closed.
import assert from 'node:assert/strict'
import { account, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, settle } from './parts/loop.mjs'
import { assertRefused } from './parts/refused.mjs'

const SIZE = 64 << 10
const cxl = openContext()
const other = openContext()

/** Every call that takes an address; `live` is a block to go with it. */
const calls = {
  free: (block) => cxl.free(block),
  freeAsync: (block) => cxl.freeAsync(block),
  freeOther: (block) => other.free(block),
  resize: (block) => other.resize(block, SIZE * 2),
  resizeAsync: (block) => other.resizeAsync(block, SIZE * 2),
  migrate: (block) => other.migrate(block, LOCAL_MEMORY),
  migrateAsync: (block) => other.migrateAsync(block, LOCAL_MEMORY),
  isLocal: (block) => other.isLocal(block),
  nodeOf: (block) => other.nodeOf(block),
  sizeOf: (block) => other.sizeOf(block),
  where: (block) => other.where(block),
  whereAsync: (block) => other.whereAsync(block),
  share: (block) => other.share(block),
  read: (block) => other.read(block, 0, new Uint8Array(16)),
  readAsync: (block) => other.readAsync(block, 0, new Uint8Array(16)),
  write: (block) => other.write(block, 0, new Uint8Array(16)),
  writeAsync: (block) => other.writeAsync(block, 0, new Uint8Array(16)),
  fill: (block) => other.fill(block, 1, 0, 16),
  fillAsync: (block) => other.fillAsync(block, 1, 0, 16),
  copyTo: (block, live) => other.copy(block, 0, live, 0, 16),
  copyFrom: (block, live) => other.copyAsync(live, 0, block, 0, 16),
  moveTo: (block, live) => other.moveAsync(block, 0, live, 0, 16),
  moveFrom: (block, live) => other.move(live, 0, block, 0, 16),
}

const ends = {
  free: (context, block) => context.free(block),
  freeByView: (context, block) => context.free(new DataView(block)),
  freeAsync: (context, block) => context.freeAsync(block),
  resize: (context, block) => void context.resize(block, SIZE / 2),
  resizeAsync: async (context, block) => void (await context.resizeAsync(block, SIZE * 2)),
  close: (context) => context.close(),
  closeAsync: (context) => context.closeAsync(),
}

for (const [name, end] of Object.entries(ends)) {
  const context = openContext()
  const live = cxl.alloc(SIZE, LOCAL_MEMORY)
  const block = context.alloc(SIZE, REMOTE_MEMORY)
  const bytes = new Uint8Array(block, 16)
  const words = new Float64Array(block)
  const view = new DataView(block)
  const buffer = Buffer.from(block)
  bytes.fill(7)
  const done = end(context, block)
  if (name !== 'resizeAsync') assert.equal(block.byteLength, 0, `${name}: detached at once`)
  await done

  assert.equal(block.byteLength, 0, name)
  assert.deepEqual([bytes.length, words.length, buffer.length], [0, 0, 0], name)
  assert.equal(bytes[0], undefined, name)
  bytes[0] = 1
  words[0] = 1
  assert.throws(() => view.getUint8(0), TypeError, name)
  assert.throws(() => view.setUint8(0, 1), TypeError, name)
  assert.throws(() => bytes.fill(1), TypeError, name)
  assert.throws(() => new Uint8Array(block), TypeError, name)
  assert.throws(() => block.slice(0), TypeError, name)

  for (const [call, f] of Object.entries(calls)) {
    for (const address of [block, bytes, view, buffer]) {
      await assertRefused(() => f(address, live), `${call} after ${name}`, 'ERR_EMUCXL_DETACHED')
    }
  }
  if (context.closed) {
    await assertRefused(() => context.free(live), 'free when closed', 'ERR_EMUCXL_CLOSED')
  }
  context.close()
  cxl.free(live)
  assertDisjoint(other, SIZE)
  await collect()
  assertDisjoint(other, SIZE)
}

cxl.close()
await settle(
  () => account(other).pending === 0,
  () => account(other),
)
assert.equal(account(other).allocated, 0)
assert.equal(account(other).reserved, 0)
