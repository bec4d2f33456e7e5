// 10,000 blocks are dropped without a free, of the sort that the argument says. The collector finds
// them all: nothing stays booked, pending or mapped.
import assert from 'node:assert/strict'
import { account, Emucxl, LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { settle, soak, turns } from './parts/loop.mjs'
import { virtual } from './parts/memory.mjs'
import { moves } from './parts/moves.mjs'

const COUNT = 10_000 * Math.max(0.25, soak)
const SIZE = 256 << 10

/** Each makes `n` blocks and forgets them. */
const sorts = {
  plain: (cxl, n) => {
    for (let i = 0; i < n; i++) cxl.alloc(SIZE, LOCAL_MEMORY)
  },
  touched: (cxl, n) => {
    for (let i = 0; i < n; i++) new Uint8Array(cxl.alloc(SIZE, LOCAL_MEMORY))[0] = 1
  },
  shared: (cxl, n) => {
    for (let i = 0; i < n; i++) cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })
  },
  // Two buffers over each, and two backing stores.
  attached: (cxl, n) => {
    for (let i = 0; i < n; i++) {
      Emucxl.attach(cxl.share(cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true })))
    }
  },
  async: async (cxl, n) => {
    for (let i = 0; i < n; i++) await cxl.allocAsync(SIZE, LOCAL_MEMORY)
  },
  freed: (cxl, n) => {
    for (let i = 0; i < n; i++) cxl.free(cxl.alloc(SIZE, LOCAL_MEMORY))
  },
  moved: async (cxl, n, move) => {
    for (let i = 0; i < n; i++) await move(cxl.alloc(SIZE, LOCAL_MEMORY))
  },
}

const [name, moveName] = process.argv.slice(2)
const cxl = openContext()
const before = virtual()
for (let i = 0; i < 10; i++) {
  await sorts[name](cxl, COUNT / 10, moves[moveName])
  await turns()
}
await settle(
  () => account(cxl).regions === 0 && account(cxl).pending === 0,
  () => account(cxl),
)
const { allocated, mapped, reserved } = account(cxl)
assert.deepEqual({ allocated, mapped }, { allocated: 0, mapped: 0 })
// Both objects and the store went at once: nobody can have the addresses.
if (name !== 'moved') assert.equal(reserved, 0)
assertDisjoint(cxl, SIZE)
cxl.close()
await turns()
const grown = virtual() - before - reserved * SIZE
assert.ok(grown < (COUNT * SIZE) / 4, `${grown} bytes of addresses are left`)
