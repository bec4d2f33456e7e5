// Blocks beyond 4 GiB. Node.js 20 cannot make an ArrayBuffer of them: there, it runs the finalizer of
// the one that it refuses. TypeScript asks before; the addon must live without that.
import assert from 'node:assert/strict'
import { constants } from 'node:buffer'
import { createRequire } from 'node:module'
import { account, LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect } from './parts/loop.mjs'
import { virtual } from './parts/memory.mjs'

const SIZE = 2 ** 32 + 4096
const capacity = { local: 2 ** 40, remote: 2 ** 40 }
const cxl = openContext({ capacity })
const empty = { allocated: 0, mapped: 0, regions: 0, pending: 0, reserved: 0 }
const state = () => {
  const { idle, ...rest } = account(cxl)
  return rest
}

async function refused() {
  const block = cxl.alloc(4096, LOCAL_MEMORY)
  cxl.fill(block, 9)
  const before = state()
  const range = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }
  for (let i = 0; i < 50; i++) {
    assert.throws(() => cxl.alloc(SIZE, LOCAL_MEMORY), range)
    assert.throws(() => cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true }), range)
    await assert.rejects(cxl.allocAsync(SIZE, LOCAL_MEMORY), range)
    assert.throws(() => cxl.resize(block, SIZE), range)
    await assert.rejects(cxl.resizeAsync(block, SIZE), range)
  }
  assert.deepEqual(state(), before)
  assert.equal(new Uint8Array(block)[4095], 9)
  cxl.free(block)
}

/** The addon itself, without the check: what is obtained must be given back once, not twice. */
async function refusedBelow() {
  const { cache } = createRequire(import.meta.url)
  const addon = Object.values(cache).find(({ id }) => id.endsWith('.node')).exports
  const id = addon.open('emulated', '', [0, 2 ** 40, 0, 0])
  const shared = 16
  const before = virtual()
  for (let i = 0; i < 50; i++) {
    assert.throws(() => addon.alloc(id, SIZE, 0, 0), Error)
    assert.throws(() => addon.alloc(id, SIZE, 0, shared), Error)
    await assert.rejects(addon.allocAsync(i, id, SIZE, 0, 0), Error)
  }
  await collect()
  const { allocated, mapped, regions, pendingRanges, reservedRanges } = addon.stats(id, 0)
  assert.deepEqual([allocated, mapped, regions, pendingRanges, reservedRanges], [0, 0, 0, 0, 0])
  assert.ok(virtual() - before < SIZE, 'addresses were left')
  addon.close(id, true)
}

async function granted() {
  const block = cxl.alloc(SIZE, LOCAL_MEMORY)
  assert.equal(block.byteLength, SIZE)
  const end = new Uint8Array(block, SIZE - 2)
  end[1] = 5
  assert.equal(cxl.sizeOf(block), SIZE)
  const byte = new Uint8Array(1)
  cxl.read(block, SIZE - 1, byte)
  assert.equal(byte[0], 5)
  const longer = cxl.resize(block, SIZE + 4096)
  assert.equal(new Uint8Array(longer, SIZE - 1)[0], 5)
  const moved = longer.transfer()
  assert.equal(moved.byteLength, SIZE + 4096)
  cxl.free(moved)
  const shared = cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })
  assert.equal(shared.byteLength, SIZE)
  cxl.free(shared)
}

if (constants.MAX_LENGTH < SIZE) {
  await refused()
  await refusedBelow()
} else {
  await granted()
}
await collect()
const { reserved, ...rest } = state()
assert.deepEqual({ ...rest, reserved: 0 }, empty)
assert.equal(reserved, constants.MAX_LENGTH < SIZE ? 0 : 1) // what was moved
cxl.close()
