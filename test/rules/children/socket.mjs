// A socket reads into a block (the option `onread`), which is freed and resized meanwhile: libuv has
// its address for as long as the socket lives.
import { connect, createServer } from 'node:net'
import { openContext, REMOTE_MEMORY } from './parts/context.mjs'
import { bystanders } from './parts/disjoint.mjs'
import { collect, soak } from './parts/loop.mjs'
import { moves } from './parts/moves.mjs'

const SIZE = 64 << 10
const cxl = openContext()
const server = createServer((socket) => {
  const data = Buffer.alloc(SIZE, 0x77)
  const more = () => {
    while (!socket.destroyed && socket.write(data));
  }
  socket.on('drain', more).on('error', () => {})
  more()
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const ends = {
  free: (block) => cxl.free(block),
  resize: (block) => cxl.free(cxl.resize(block, SIZE * 2)),
  moveAndFree: async (block) => cxl.free(await moves.stream(block)),
}

async function readInto(end) {
  const block = cxl.alloc(SIZE, REMOTE_MEMORY)
  let got = 0
  const socket = connect({
    port: server.address().port,
    host: '127.0.0.1',
    onread: {
      buffer: new Uint8Array(block),
      callback: (bytes) => {
        got += bytes
        return true
      },
    },
  })
  const past = async (bytes) => {
    const goal = got + bytes
    while (got < goal) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await past(SIZE)
  await end(block)
  await collect()
  const others = bystanders(cxl, SIZE, 16)
  await past(SIZE * 8)
  others.assertUntouched()
  socket.destroy()
  others.free()
}

for (let round = 0; round < 3 * soak; round++) {
  for (const end of Object.values(ends)) await readInto(end)
}
server.close()
await collect()
cxl.close()
