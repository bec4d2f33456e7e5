// readAsync and writeAsync between a block and an ordinary ArrayBuffer, which JavaScript takes away
// while they run: V8 frees its memory at once, and nothing of ours can hold it.
import { randomFillSync } from 'node:crypto'
import { assertFilled } from './parts/bytes.mjs'
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect, soak, turns } from './parts/loop.mjs'
import { occupyPool } from './parts/pool.mjs'
import { mayBeRefused } from './parts/refused.mjs'

const SIZE = 5 << 20
const cxl = openContext()
const block = cxl.alloc(SIZE, LOCAL_MEMORY)

const takeAway = {
  post: (buffer) => void structuredClone(buffer, { transfer: [buffer] }),
  resize: (buffer) => buffer.resize(0),
}
const ways = {
  read: (buffer) => cxl.readAsync(block, 0, buffer),
  write: (buffer) => cxl.writeAsync(block, 0, buffer),
}

for (let round = 0; round < 6 * soak; round++) {
  for (const take of Object.values(takeAway)) {
    for (const way of Object.values(ways)) {
      const release = round % 2 === 0 ? occupyPool() : () => {}
      let buffer = new ArrayBuffer(SIZE, { maxByteLength: SIZE })
      const work = mayBeRefused(way(buffer), 'job', 'ERR_EMUCXL_DETACHED')
      await turns(round)
      take(buffer)
      buffer = undefined
      await collect()
      // What was the buffer's may be in here now.
      const heap = Array.from({ length: 8 }, () => new Uint8Array(SIZE).fill(0x33))
      randomFillSync(new Uint8Array(1 << 16))
      release()
      await work
      for (const bytes of heap) assertFilled(bytes, 0x33, 'memory of V8')
    }
  }
}
cxl.close()
