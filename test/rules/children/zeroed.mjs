// New memory is zeros, also where a range of addresses serves for the second time. Every block is
// filled before it ends; the next one of its size most likely gets its range.
import assert from 'node:assert/strict'
import { randomFill } from 'node:crypto'
import { promisify } from 'node:util'
import { assertFilled, assertZeros, toBytes } from './parts/bytes.mjs'
import { account, LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect, soak } from './parts/loop.mjs'
import { occupyPool } from './parts/pool.mjs'

const SIZES = [1, 4096, 100_000, 1 << 20, 3 << 20, 6 << 20]
const cxl = openContext()
let reused = 0

function alloc(size, options) {
  const { idle } = account(cxl)
  const block = cxl.alloc(size, LOCAL_MEMORY, options)
  if (account(cxl).idle < idle) reused++
  assertZeros(block, `new block of ${size} bytes`)
  return block
}

const ends = {
  free: (block) => cxl.free(block),
  freeAsync: (block) => cxl.freeAsync(block),
  drop: () => {},
  // Freed while a job waits that writes to it: what it writes goes to the old range, after the free.
  freeUnderJob: async (block) => {
    const release = occupyPool()
    const job = promisify(randomFill)(new Uint8Array(block))
    cxl.free(block)
    await collect()
    release()
    await job
  },
  // The tail that a shorter block leaves in its last page must not come back when it grows.
  resize: (block) => {
    const size = block.byteLength
    if (size < 3) return cxl.free(block)
    const short = cxl.resize(block, Math.ceil(size / 3))
    assertFilled(toBytes(short), 0xff, 'shrunk')
    const long = cxl.resize(short, size)
    assertFilled(toBytes(long).subarray(0, Math.ceil(size / 3)), 0xff, 'grown')
    assertZeros(toBytes(long).subarray(Math.ceil(size / 3)), 'tail of a grown block')
    return cxl.free(long)
  },
}

for (let round = 0; round < 3 * soak; round++) {
  for (const options of [{}, { hugePages: 'prefer' }, { shared: true }]) {
    for (const [name, end] of Object.entries(ends)) {
      if (options.shared && name === 'resize') continue
      for (const size of SIZES) {
        await (async () => {
          const block = alloc(size, options)
          toBytes(block).fill(0xff)
          await end(block)
        })()
      }
      await collect()
    }
  }
}
// The device's memory is zeroed when it is mapped, and has to be mapped anew for that.
if (cxl.backend === 'device') assert.equal(reused, 0)
else assert.ok(reused > 0, 'no range of addresses served twice: this program has shown nothing')
cxl.close()
