// A block whose memory JavaScript moved into another ArrayBuffer, in the way that the argument says:
// who may free it, and what becomes of the two buffers.
import assert from 'node:assert/strict'
import { assertFilled, assertZeros } from './parts/bytes.mjs'
import { account, LOCAL_MEMORY, openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { assertDisjoint } from './parts/disjoint.mjs'
import { collect, settle, soak } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'
import { assertRefused } from './parts/refused.mjs'

const SIZE = 1 << 20
const move = moves[process.argv[2]]
let cxl

function block() {
  const memory = cxl.alloc(SIZE, REMOTE_MEMORY)
  cxl.fill(memory, 0x42)
  return memory
}

const cases = {
  // The old one owns nothing any more; the new one is the block now.
  async freeOldThenNew() {
    const old = block()
    const fresh = await move(old)
    assert.equal(old.byteLength, 0)
    assertFilled(fresh, 0x42, 'moved')
    await assertRefused(() => cxl.free(old), 'free of the old one', 'ERR_EMUCXL_DETACHED')
    assertFilled(fresh, 0x42, 'after the refused free')
    assert.equal(cxl.sizeOf(fresh), SIZE)
    assert.equal(cxl.nodeOf(fresh), REMOTE_MEMORY)
    cxl.migrate(fresh, LOCAL_MEMORY)
    assert.equal(cxl.nodeOf(fresh), LOCAL_MEMORY)
    cxl.free(fresh)
    assert.equal(fresh.byteLength, 0)
    await assertRefused(() => cxl.free(fresh), 'second free', 'ERR_EMUCXL_DETACHED')
    await assertRefused(() => cxl.free(old), 'free of the old one', 'ERR_EMUCXL_DETACHED')
  },

  async chain() {
    const all = [block()]
    for (let i = 0; i < 4; i++) all.push(await move(all.at(-1)))
    const last = all.pop()
    for (const old of all) {
      await assertRefused(() => cxl.free(old), 'free in the chain', 'ERR_EMUCXL_DETACHED')
    }
    assertFilled(last, 0x42, 'end of the chain')
    cxl.free(last)
  },

  async resizeNew() {
    const old = block()
    const fresh = await move(old)
    const longer = cxl.resize(fresh, SIZE * 2)
    assertFilled(new Uint8Array(longer, 0, SIZE), 0x42, 'resized')
    assertZeros(new Uint8Array(longer, SIZE), 'new part')
    await assertRefused(() => cxl.resize(old, 4096), 'resize of the old', 'ERR_EMUCXL_DETACHED')
    cxl.free(longer)
  },

  async freeNewWhenOldIsCollected() {
    const fresh = await move(block())
    await collect()
    assertFilled(fresh, 0x42, 'while the old one is collected')
    cxl.free(fresh)
  },

  async dropNewKeepOld() {
    const old = block()
    await (async () => void (await move(old)))()
    await collect()
    await assertRefused(() => cxl.free(old), 'free of the old one', 'ERR_EMUCXL_DETACHED')
    assertDisjoint(cxl, SIZE)
  },

  async dropBoth() {
    await (async () => void (await move(block())))()
    await collect()
    assertDisjoint(cxl, SIZE)
  },

  // The engine copies into memory of its own: the block is gone, the copy is not ours. (Node.js 20
  // has no such transfer.)
  async otherLength() {
    if (!('transfer' in ArrayBuffer.prototype)) return
    for (const length of [0, SIZE / 2, SIZE * 2]) {
      const old = block()
      const copy = old.transfer(length)
      await assertRefused(() => cxl.free(copy), 'free of a copy', 'ERR_EMUCXL_NOT_ALLOCATED')
      await assertRefused(() => cxl.free(old), 'free of the old one', 'ERR_EMUCXL_DETACHED')
      await collect()
      assertFilled(new Uint8Array(copy, 0, Math.min(length, SIZE)), 0x42, 'copy')
    }
  },

  // Cannot be detached, but can be reached: zeros to read, and what is written goes nowhere.
  async close() {
    const old = block()
    const fresh = await move(old)
    cxl.close()
    assertZeros(fresh, 'after close')
    new Uint8Array(fresh).fill(0x17)
    cxl = openContext()
    assertDisjoint(cxl, SIZE)
    await assertRefused(() => cxl.free(fresh), 'free after close', 'ERR_EMUCXL_FREED')
    await assertRefused(() => cxl.fill(fresh, 1), 'fill after close', 'ERR_EMUCXL_FREED')
    await collect()
    assertFilled(fresh, 0x17, 'still there')
    assert.equal(old.byteLength, 0)
  },

  async closeWhenOldIsCollected() {
    const fresh = await move(block())
    await collect()
    await cxl.closeAsync()
    assertZeros(fresh, 'after close')
    new Uint8Array(fresh).fill(0x17)
    cxl = openContext()
    assertDisjoint(cxl, SIZE)
    await collect()
    assertFilled(fresh, 0x17, 'still there')
  },

  // A clone of the first buffer would be a second owner: Node.js 20 copies, later ones refuse.
  async clone() {
    const old = block()
    try {
      const copy = structuredClone(old, { transfer: [old] })
      await assertRefused(() => cxl.free(copy), 'free of a clone', 'ERR_EMUCXL_NOT_ALLOCATED')
    } catch (error) {
      assert.equal(error.name, 'DataCloneError')
    }
    assertFilled(old, 0x42, 'after structuredClone')
    cxl.free(old)
  },

  // A moved buffer is not marked: this moves it once more.
  async cloneOfMoved() {
    const fresh = await move(block())
    const clone = structuredClone(fresh, { transfer: [fresh] })
    assertFilled(clone, 0x42, 'clone')
    assert.equal(fresh.byteLength, 0)
    cxl.free(clone)
    await assertRefused(() => cxl.free(fresh), 'free of the moved', 'ERR_EMUCXL_DETACHED')
  },
}

for (let round = 0; round < 3 * soak; round++) {
  for (const [name, run] of Object.entries(cases)) {
    cxl = openContext()
    await run().catch((error) => {
      throw new Error(`${name}, round ${round}`, { cause: error })
    })
    await settle(
      () => account(cxl).regions === 0 && account(cxl).pending === 0,
      () => ({ name, ...account(cxl) }),
    )
    cxl.close()
    await collect()
  }
}
