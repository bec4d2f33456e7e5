// Blocks come and go in every way; at the end none is left, and V8's count must be what it was but for
// the base of 2^44 bytes. V8 prints it, as `External memory reported`, under --trace-gc-verbose.
import { LOCAL_MEMORY, openContext } from './parts/context.mjs'
import { collect, turns } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'

const SIZE = 8 << 20
const cxl = openContext({ capacity: { local: 2 ** 45 } })
const alloc = () => cxl.alloc(SIZE, LOCAL_MEMORY)

async function comeAndGo() {
  for (let i = 0; i < 20; i++) {
    cxl.free(alloc())
    await cxl.freeAsync(alloc())
    cxl.free(cxl.resize(alloc(), SIZE * 2))
    cxl.free(await cxl.resizeAsync(alloc(), SIZE / 2))
    cxl.free(cxl.alloc(SIZE, LOCAL_MEMORY, { shared: true }))
    alloc() // dropped
    for (const move of Object.values(moves)) {
      cxl.free(await move(alloc()))
      await move(alloc())
    }
    await turns(1)
  }
  const closed = openContext()
  for (let i = 0; i < 20; i++) closed.alloc(SIZE, LOCAL_MEMORY)
  closed.close()
}

await comeAndGo()
await collect()
await collect()
