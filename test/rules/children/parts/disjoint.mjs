// Blocks that must not share a byte with any other, alive or ended.
import { assertFilled, assertZeros } from './bytes.mjs'
import { LOCAL_MEMORY } from './context.mjs'

/**
 * Fails unless new blocks are zeros, and keep what is written to each: a range that was given back
 * twice would be handed out twice.
 */
export function assertDisjoint(cxl, size, count = 32) {
  const blocks = Array.from({ length: count }, () => cxl.alloc(size, LOCAL_MEMORY))
  for (const block of blocks) assertZeros(block, 'new block')
  for (const [i, block] of blocks.entries()) cxl.fill(block, i + 1)
  for (const [i, block] of blocks.entries()) {
    assertFilled(new Uint8Array(block), i + 1, `block ${i}`)
  }
  for (const block of blocks) cxl.free(block)
}

/**
 * New blocks, which would get the addresses of ended ones if those were given away too early. Who
 * goes on writing there would then write here.
 */
export function bystanders(cxl, size, count, options) {
  const blocks = Array.from({ length: count }, () => cxl.alloc(size, LOCAL_MEMORY, options))
  const assertUntouched = () => {
    for (const block of blocks) assertZeros(block, 'block of somebody else')
  }
  assertUntouched()
  return {
    assertUntouched,
    free: () => {
      for (const block of blocks.splice(0)) cxl.free(block)
    },
  }
}
